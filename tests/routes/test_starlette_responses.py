"""What functions of Starlette's kind give and get, through Django's handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from mcp_django import MCPServer
from tests.routes.conftest import Ask

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("response", "status", "kind", "body"),
    [
        (JSONResponse({"a": 1}, 201), 201, "application/json", b'{"a":1}'),
        (PlainTextResponse("x"), 200, "text/plain; charset=utf-8", b"x"),
        (HTMLResponse("<p>"), 200, "text/html; charset=utf-8", b"<p>"),
        (Response(status_code=204), 204, "", b""),
        (Response(memoryview(b"raw"), media_type="x/y"), 200, "x/y", b"raw"),
    ],
)
async def test_whole_responses_are_sent_as_they_are(
    server: MCPServer, ask: Ask, response: Response, status: int, kind: str, body: bytes
) -> None:
    server.custom_route("/x")(lambda request: response)
    sent = await ask("GET", "/x")
    assert (sent.status_code, sent.get("Content-Type", ""), sent.content) == (status, kind, body)


async def test_a_redirect_keeps_its_target(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/x")(lambda request: RedirectResponse("/y?a=b c", 303))
    sent = await ask("GET", "/x")
    assert (sent.status_code, sent["Location"]) == (303, "/y?a=b%20c")


@pytest.mark.parametrize(
    ("method", "headers", "status", "body"),
    [
        ("GET", {}, 200, b"0123456789"),
        ("GET", {"Range": "bytes=2-4"}, 206, b"234"),
        ("GET", {"Range": "bytes=-3"}, 206, b"789"),
        ("GET", {"Range": "bytes=50-"}, 416, b""),
        ("HEAD", {}, 200, b""),
    ],
)
async def test_a_file_is_sent_with_ranges(
    server: MCPServer, ask: Ask, tmp_path: Path, method: str, headers: Any, status: int, body: bytes
) -> None:
    (tmp_path / "f.txt").write_bytes(b"0123456789")

    @server.custom_route("/x", methods=["GET", "HEAD"])
    async def file(request: Request) -> FileResponse:
        return FileResponse(tmp_path / "f.txt", filename="f.txt")

    sent = await ask(method, "/x", headers=headers)
    assert sent.status_code == status
    assert b"".join(sent.parts) == body
    if status != 416:
        assert sent["Accept-Ranges"] == "bytes"
        assert sent["Content-Disposition"] == 'attachment; filename="f.txt"'
        assert int(sent["Content-Length"]) == (len(body) if method == "GET" else 10)


async def test_a_file_that_is_not_there_is_an_error_of_the_server(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/x")(lambda request: FileResponse("/nowhere"))
    assert (await ask("GET", "/x")).status_code == 500


async def test_cookies_of_one_name_and_repeated_headers_all_arrive(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/x")
    async def cookies(request: Request) -> Response:
        response = PlainTextResponse(f"{request.cookies}", headers={"Connection": "keep-alive"})
        response.set_cookie("a", "1", path="/one", httponly=True)
        response.set_cookie("a", "2", path="/two")
        response.headers.append("Link", "</a>")
        response.headers.append("Link", "</b>")
        return response

    sent = await ask("GET", "/x", headers={"Cookie": "seen=yes"})
    assert sent.content == b"{'seen': 'yes'}"
    assert [each.output(header="").strip() for each in sent.cookies.values()] == [
        "a=1; HttpOnly; Path=/one; SameSite=lax",
        "a=2; Path=/two; SameSite=lax",
    ]
    assert sent["Link"] == "</a>, </b>"
    assert not sent.has_header("Connection")


async def test_the_request_is_a_real_one(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/users/{pk:int}/{rest:path}", name="user")
    async def user(request: Request) -> dict[str, Any]:
        request.state.seen = True
        return {
            "path": request.url.path,
            "params": {name: str(value) for name, value in request.path_params.items()},
            "query": request.query_params.getlist("a"),
            "header": request.headers["x-own"],
            "client": request.client.host if request.client else None,
            "state": request.state.seen,
            "url_for": str(request.url_for("user", pk=8, rest="b")),
            "connected": not await request.is_disconnected(),
            "user": request.user.get_username(),
            "scopes": request.auth.scopes,
        }

    sent = await ask("GET", "/users/7/a/b?a=1&a=2", headers={"X-Own": "1"})
    assert sent.json() == {
        "path": "/users/7/a/b",
        "params": {"pk": "7", "rest": "a/b"},
        "query": ["1", "2"],
        "header": "1",
        "client": "127.0.0.1",
        "state": True,
        "url_for": "http://testserver/users/8/b",
        "connected": True,
        "user": "",
        "scopes": [],
    }


async def test_a_background_task_that_fails_is_told_in_the_log(
    server: MCPServer, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("late")

    server.custom_route("/x")(lambda request: PlainTextResponse("sent", background=BackgroundTask(fail)))
    assert (await ask("GET", "/x")).content == b"sent"
    assert "A background task of a route failed." in caplog.text


async def test_an_iterator_that_fails_ends_the_stream_and_cleans_up(server: MCPServer, ask: Ask) -> None:
    done = []

    async def parts() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            raise ValueError("in the middle")
        finally:
            done.append(True)

    server.custom_route("/starlette")(lambda request: StreamingResponse(parts()))
    server.custom_route("/generator")(lambda request: parts())
    for path in ("/starlette", "/generator"):
        with pytest.raises(ValueError, match="in the middle"):
            await ask("GET", path)
    assert done == [True, True]
