"""The OpenAPI document of the routes for programs, and as a page for people."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe

from mcp_django.registry import servers
from mcp_django.routes.openapi import build_document
from mcp_django.routes.switches import bring_up_to_date


async def openapi(request: HttpRequest) -> JsonResponse:
    """Answer with the document."""
    return JsonResponse(await _document(request))


async def openapi_page(request: HttpRequest) -> HttpResponse:
    """Show the document. The page needs no script, and nothing from anywhere else."""
    return await sync_to_async(_page)(request, await _document(request))


def _page(request: HttpRequest, document: dict[str, Any]) -> HttpResponse:
    style = render_to_string("mcp_django/openapi.css")
    schemas = [{"name": name, "text": _text(schema)} for name, schema in document["components"]["schemas"].items()]
    context = {
        "document": document,
        "operations": list(_operations(document)),
        "schemas": schemas,
        "style": mark_safe(style),
    }
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = render_to_string("mcp_django/openapi.html", context, request)
    headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(page, headers=headers)


async def _document(request: HttpRequest) -> dict[str, Any]:
    """Return the document; its paths begin with where ``mcp_django.urls`` is included."""
    for server in servers():
        await bring_up_to_date(server, request)
    return await sync_to_async(build_document)(reverse("mcp:openapi").removesuffix("openapi.json"))


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each operation with its schemas as text."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            yield {
                **operation,
                "path": path,
                "method": method.upper(),
                "parameters": [{**each, "text": _text(each["schema"])} for each in operation.get("parameters", ())],
                "body": "".join(_text(each["schema"]) for each in body.values()),
                "responses": [
                    {**each, "status": status, "text": " ".join(map(_content, each.get("content", {}).values()))}
                    for status, each in operation["responses"].items()
                ],
            }


def _content(content: dict[str, Any]) -> str:
    return _text(content["schema"], indent=None)


def _text(schema: Any, indent: int | None = 2) -> str:
    return json.dumps(schema, indent=indent, ensure_ascii=False)
