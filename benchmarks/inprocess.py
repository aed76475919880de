"""CPU of one call in process: the ASGI applications are called as a server would call them, without one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.marks import BESIDE, IN_PROCESS_CALL, IN_PROCESS_LIST, Mark
from benchmarks.measure import Effort, Series, Table, progress, turns
from benchmarks.wire import ERAS, Era, Request, call, check_call, check_list, initialize, initialized, make_request

SIZES = (10, 100, 1000)

BARE, OURS, OURS_SESSION, OURS_ROUTER = "bare", "ours", "ours, in a session", "ours, in a URLRouter"
SDK, SDK_SESSION, SDK_DEFAULT = "SDK stateless JSON", "SDK sessions, JSON", "SDK as it comes"

_NO_MORE = {"type": "http.disconnect"}


class Subject:
    """An ASGI application and the one request that it is measured with."""

    def __init__(self, application: Any, request: Request, path: str = "/mcp") -> None:
        self._application, self._body = application, request.body
        headers = [(b"host", b"127.0.0.1:8000"), (b"content-length", str(len(request.body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in request.headers]
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }

    async def post(self) -> tuple[dict[bytes, bytes], bytes]:
        """Post the request; return the headers and the body of the response."""
        start, *rest = await self.load()
        return dict(start["headers"]), b"".join(event.get("body", b"") for event in rest)

    async def load(self) -> list[dict[str, Any]]:
        """Post the request; return what was sent. It does as little as a server can: what it takes is measured too."""
        unread = [{"type": "http.request", "body": self._body, "more_body": False}]
        sent: list[dict[str, Any]] = []
        waiting: list[asyncio.Future[None]] = []

        async def receive() -> dict[str, Any]:
            if unread:
                return unread.pop()
            if not _is_over(sent):
                waiting.append(asyncio.get_running_loop().create_future())
                await waiting[-1]
            return _NO_MORE

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)
            if waiting and _is_over(sent):
                for each in waiting:
                    if not each.done():
                        each.set_result(None)

        await self._application({**self._scope}, receive, send)
        return sent


def _is_over(sent: list[dict[str, Any]]) -> bool:
    return bool(sent) and sent[-1]["type"] == "http.response.body" and not sent[-1].get("more_body", False)


async def take_turns(subjects: Mapping[str, Subject], effort: Effort) -> Series:
    """Measure the CPU seconds of a request to each of the subjects."""
    gc.collect()
    gc.freeze()  # or each would pay for the collector's walks through the others' tools
    counts = {name: await _calibrate(subject, effort.batch_seconds) for name, subject in subjects.items()}
    series = Series()
    for number in range(effort.rounds):
        for name, subject in turns(subjects, number):
            begun = process_time()
            for _ in range(counts[name]):
                await subject.load()
            series.add(name, (process_time() - begun) / counts[name])
    return series


async def _calibrate(subject: Subject, seconds: float) -> int:
    """Warm the subject up, and return how many requests it answers in so many CPU seconds."""
    begun, count = process_time(), 0
    while process_time() - begun < 5 * seconds or count < 3:
        await subject.load()
        count += 1
    return max(1, round(count * seconds / (process_time() - begun)))


class Applications:
    """What is measured: ours and the SDK's, each with the measured functions, and with 1, 10, 100 and 1,000 tools."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Applications:
        from benchmarks.subjects import sdk

        self.ours = our_application()
        self.sdk = {count: await self._start(sdk.stateless_app(count)) for count in (0, 1, *SIZES)}
        self.sdk_session = await self._start(sdk.session_app())
        self.sdk_default = await self._start(sdk.make_server().streamable_http_app())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def _start(self, app: Any) -> Any:
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        return app


@cache  # a server is declared once, and more than one part measures them
def our_application() -> Any:
    """Return the project's application, with servers of 1, 10, 100 and 1,000 tools beside that of the functions."""
    from benchmarks.subjects.functions import add
    from mcp_django import MCPServer
    from mcp_django.asgi import get_mcp_application

    for count in (1, *SIZES):
        server = MCPServer(f"tools-{count}", version="1.0")
        for number in range(count):
            server.add_tool(add, name=f"add_{number}")
    return get_mcp_application()


def _our_url_router() -> Any:
    """Return what a project has that builds its own router."""
    from channels.routing import ProtocolTypeRouter, URLRouter

    from mcp_django.routing import get_http_urlpatterns

    routes: list[Any] = [*get_http_urlpatterns()[:1]]
    return ProtocolTypeRouter({"http": URLRouter(routes)})


async def in_session(application: Any, request: Request) -> Request:
    """Shake hands and return the request as one of that session."""
    headers, _ = await Subject(application, initialize()).post()
    session = headers[b"mcp-session-id"].decode()
    await Subject(application, initialized().with_header("mcp-session-id", session)).post()
    return request.with_header("mcp-session-id", session)


async def _callees(apps: Applications, era: Era) -> dict[str, Subject]:
    from benchmarks.subjects import bare
    from benchmarks.subjects.functions import ARGUMENTS

    request = call(era, "add", ARGUMENTS["add"])
    subjects = {
        BARE: Subject(bare.application, request),
        OURS: Subject(apps.ours, request),
        OURS_ROUTER: Subject(_our_url_router(), request),
        SDK: Subject(apps.sdk[0], request),
    }
    if era == "modern":
        return subjects | {SDK_DEFAULT: Subject(apps.sdk_default, request)}
    for name, app in ((OURS_SESSION, apps.ours), (SDK_SESSION, apps.sdk_session), (SDK_DEFAULT, apps.sdk_default)):
        subjects[name] = Subject(app, await in_session(app, request))
    return subjects


async def _calls(apps: Applications, effort: Effort, marks: list[Mark]) -> Table:
    from benchmarks.subjects.functions import STRUCTURED

    rows: list[tuple[Any, ...]] = []
    for era in ERAS:
        subjects = await _callees(apps, era)
        for subject in subjects.values():
            check_call((await subject.post())[1], STRUCTURED["add"])
        progress(f"in process: tools/call, {era}")
        series = await take_turns(subjects, effort)
        for name in subjects:
            rows.append((era, name, series.median(name) * 1e6, series.ratio(name, BARE), series.ratio(OURS, name)))
        cheapest = min((name for name in subjects if name.startswith("SDK")), key=series.median)
        for name in (each for each in (OURS, OURS_SESSION) if each in subjects):
            label = f"in process, tools/call, {era}: {name} / {cheapest}"
            marks.append(Mark(label, series.ratio(name, cheapest), IN_PROCESS_CALL))
    columns = ("era", "application", "CPU µs", "x bare", "ours / it")
    return Table("In process: `tools/call` of `async add(a: int, b: int) -> int`", columns, rows)


async def _lists(apps: Applications, effort: Effort, marks: list[Mark]) -> Table:
    rows: list[tuple[Any, ...]] = []
    for era in ERAS:
        for count in SIZES:
            request = make_request(era, "tools/list")
            subjects = {
                OURS: Subject(apps.ours, request, f"/mcp/tools-{count}"),
                SDK: Subject(apps.sdk[count], request),
            }
            for subject in subjects.values():
                check_list((await subject.post())[1], count)
            progress(f"in process: tools/list of {count}, {era}")
            series = await take_turns(subjects, effort)
            ratio = series.ratio(OURS, SDK)
            rows.append((era, count, series.median(OURS) * 1e6, series.median(SDK) * 1e6, ratio))
            if count >= 100:
                marks.append(Mark(f"in process, tools/list of {count}, {era}: ours / SDK", ratio, IN_PROCESS_LIST))
    return Table(
        "In process: `tools/list`, all tools on one page, against the SDK's stateless JSON app",
        ("era", "tools", "ours, CPU µs", "SDK, CPU µs", "ours / SDK"),
        rows,
    )


async def _beside(apps: Applications, effort: Effort, marks: list[Mark]) -> Table:
    """Measure a call beside one tool and beside many: its cost must not grow with their number."""
    rows: list[tuple[Any, ...]] = []
    for era in ERAS:
        request = call(era, "add_0", {"a": 2, "b": 3})
        many = max(SIZES)
        subjects = {f"ours {count}": Subject(apps.ours, request, f"/mcp/tools-{count}") for count in (1, many)}
        subjects |= {f"SDK {count}": Subject(apps.sdk[count], request) for count in (1, many)}
        for subject in subjects.values():
            check_call((await subject.post())[1], {"result": 5})
        progress(f"in process: tools/call beside other tools, {era}")
        series = await take_turns(subjects, effort)
        for side in ("ours", "SDK"):
            one, all_of_them = f"{side} 1", f"{side} {many}"
            growth = series.ratio(all_of_them, one)
            if side == "ours":
                marks.append(Mark(f"in process, tools/call, {era}: beside 1,000 tools / beside one", growth, BESIDE))
            rows.append((era, side, series.median(one) * 1e6, series.median(all_of_them) * 1e6, growth))
    columns = ("era", "application", "1 tool, CPU µs", "1,000 tools, CPU µs", "1,000 / 1")
    return Table("In process: `tools/call` beside other tools", columns, rows)


async def _measure(effort: Effort, marks: list[Mark]) -> list[Table]:
    async with Applications() as apps:
        return [
            await _calls(apps, effort, marks),
            await _lists(apps, effort, marks),
            await _beside(apps, effort, marks),
        ]


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``; Django must be set up."""
    return asyncio.run(_measure(effort, marks))
