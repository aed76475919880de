"""The page of a run, piece by piece: what is before it, what is said on the way, the result, and what is after it."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html

from mcp_django.dashboard.catalogue import pretty
from mcp_django.dashboard.questions import questions_of
from mcp_django.dashboard.runs import MODERN, Outcome, Run
from mcp_django.endpoints import endpoint

MAX_CHARACTERS = 100_000
"""Most characters of one text that are shown."""

MAX_ROWS, MAX_COLUMNS = 100, 12
"""Most of a table."""

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What a browser shows and can't be made to run. SVG isn't among it."""

SOUNDS = ("audio/mpeg", "audio/wav", "audio/ogg", "audio/webm", "audio/mp4", "audio/flac")


class Pieces:
    """The page of a run.

    Args:
        before: the page up to the result.
        after: the rest of it.
        context: of the page's template.
    """

    def __init__(self, run: Run, request: HttpRequest, before: str, after: str, context: Mapping[str, Any]) -> None:
        self._run, self._request, self._context = run, request, context
        self._before, self._after = before, after

    def all(self) -> Iterator[str]:
        """Give them to a server that speaks WSGI."""
        yield self._before
        for news in self._run.events():
            yield self._render(news)
        yield self._after

    async def as_they_come(self) -> AsyncIterator[str]:
        """Give them to a server that speaks ASGI."""
        yield self._before
        render = sync_to_async(self._render, thread_sensitive=False)
        events = self._run.aevents()
        try:
            async for news in events:
                yield await render(news)
        finally:
            await events.aclose()  # type: ignore[attr-defined]
        yield self._after

    def _render(self, news: Any) -> str:
        if isinstance(news, Outcome):
            return render_to_string("admin/mcp_django/console_result.html", self._result(news), self._request)
        method, params = news
        if method == "notifications/progress":
            return _progress(params)
        text = params.get("data")
        shown = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
        return format_html(
            '<p class="mcp-log"><span class="mcp-pill">{}</span> {}</p>\n', params.get("level", method), shown[:2000]
        )

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        answer = outcome.answer
        result: Mapping[str, Any] = answer.get("result") or {}
        message = self._run.message()
        asked = result.get("inputRequests") if result.get("resultType") == "input_required" else None
        return {
            **self._context,
            "milliseconds": round(outcome.milliseconds),
            "error": answer.get("error"),
            "error_data": pretty(answer["error"]["data"]) if (answer.get("error") or {}).get("data") else "",
            "failed": bool(result.get("isError")),
            "blocks": _blocks(result),
            "table": table_of(result.get("structuredContent")),
            "structured": _cut(pretty(result["structuredContent"])) if result.get("structuredContent") else "",
            "questions": questions_of(asked),
            "asked": json.dumps(asked),
            "request_state": result.get("requestState", ""),
            "request_json": pretty(message),
            "response_json": _cut(pretty(answer)),
            "curl": _curl(self._request.build_absolute_uri(f"/{endpoint(self._run.server)}"), message),
        }


def _progress(params: Mapping[str, Any]) -> str:
    done, total, text = params.get("progress"), params.get("total"), params.get("message") or ""
    if total:
        bar = format_html('<progress value="{}" max="{}"></progress>', done, total)
    else:
        bar = format_html("<progress></progress>")
    return format_html(
        '<div class="mcp-progress">{} <span>{}{} {}</span></div>\n', bar, done, f" / {total}" if total else "", text
    )


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of content, as it is shown."""

    kind: str
    """``text``, ``json``, ``image``, ``audio``, ``link`` or ``file``."""

    text: str = ""
    source: str = ""
    """A ``data:`` URL."""

    title: str = ""


def _blocks(result: Mapping[str, Any]) -> list[Block]:
    given = [(each, "") for each in result.get("content") or ()]
    given += [({"type": "resource", "resource": each}, "") for each in result.get("contents") or ()]
    given += [(each.get("content") or {}, str(each.get("role"))) for each in result.get("messages") or ()]
    return [_block(each, title) for each, title in given]


def _block(content: Mapping[str, Any], title: str) -> Block:
    kind = content.get("type")
    if kind == "text":
        return _text(str(content.get("text", "")), title)
    if kind in ("image", "audio"):
        return _media(str(content.get("data", "")), str(content.get("mimeType", "")), title)
    if kind == "resource_link":
        return Block("link", str(content.get("uri", "")), title=title or str(content.get("name", "")))
    if kind == "resource":
        resource = content.get("resource") or {}
        title = title or str(resource.get("uri", ""))
        if "blob" in resource:
            return _media(str(resource["blob"]), str(resource.get("mimeType", "")), title)
        return _text(str(resource.get("text", "")), title)
    return Block("json", _cut(pretty(content)), title=title)


def _text(text: str, title: str) -> Block:
    if text[:1] in "{[" and text:
        try:
            return Block("json", _cut(pretty(json.loads(text))), title=title)
        except (ValueError, RecursionError):
            pass
    return Block("text", _cut(text), title=title)


def _media(data: str, mime_type: str, title: str) -> Block:
    if mime_type in IMAGES:
        return Block("image", mime_type, f"data:{mime_type};base64,{data}", title)
    if mime_type in SOUNDS:
        return Block("audio", mime_type, f"data:{mime_type};base64,{data}", title)
    return Block("file", mime_type, f"data:application/octet-stream;base64,{data}", title)


def table_of(structured: Any) -> dict[str, Any] | None:
    """Return head and rows of a list of objects that are flat, or nearly; ``None`` for anything else."""
    value = structured.get("result") if isinstance(structured, Mapping) and len(structured) == 1 else structured
    if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) for row in value):
        return None
    head = list(dict.fromkeys(key for row in value for key in row))
    rows = [[_cell(row.get(key)) for key in head] for row in value[:MAX_ROWS]]
    if len(head) > MAX_COLUMNS or any(cell is None for row in rows for cell in row):
        return None
    return {"head": head, "rows": rows, "more": len(value) - len(rows)}


def _cell(value: Any) -> str | None:
    """Return what a cell shows: of a small object its values; ``None`` for what has no room in one."""
    if isinstance(value, Mapping):
        parts = [_cell(each) for each in value.values()]
        nested = any(isinstance(each, Mapping | list) for each in value.values())
        return None if nested or len(parts) > 4 else ", ".join(str(part) for part in parts)
    if isinstance(value, list):
        return None
    return "" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + " …"


def _curl(url: str, message: Mapping[str, Any]) -> str:
    params = message["params"]
    headers = {
        "Authorization": "Bearer $TOKEN",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": message["method"],
        "Mcp-Name": params.get("name") or params.get("uri"),
    }
    lines = [f"curl -sS {shlex.quote(url)}"]
    lines += [
        f'  -H "{name}: {value}"' if "$" in str(value) else f"  -H {shlex.quote(f'{name}: {value}')}"
        for name, value in headers.items()
    ]
    lines.append(f"  -d {shlex.quote(json.dumps(message, ensure_ascii=False))}")
    return " \\\n".join(lines)
