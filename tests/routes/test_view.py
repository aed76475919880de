"""Routes through Django's handlers, its middleware and URLconf."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse

from mcp_django import MCPServer
from tests.routes.conftest import Ask
from tests.views import in_the_urlconf

pytestmark = pytest.mark.anyio


class User(BaseModel):
    name: str
    age: int = 0


@dataclass
class Point:
    x: int
    y: int


async def test_a_route_is_a_url_of_django_s(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/users/<int:pk>", name="user_detail")
    def user(request: HttpRequest, pk: int) -> dict[str, Any]:
        assert request.resolver_match is not None
        return {"pk": pk, "name": request.resolver_match.view_name, "method": request.method}

    response = await ask("GET", "/users/7")
    assert response.json() == {"pk": 7, "name": "mcp:user_detail", "method": "GET"}
    with in_the_urlconf():
        assert reverse("mcp:user_detail", args=[7]) == "/users/7"


@pytest.mark.parametrize(
    ("result", "kind", "body"),
    [
        ("déjà", "text/plain; charset=utf-8", "déjà".encode()),
        (b"\0", "application/octet-stream", b"\0"),
        ({"a": [1, None]}, "application/json", b'{"a":[1,null]}'),
        ([User(name="ada")], "application/json", b'[{"name":"ada","age":0}]'),
        (User(name="ada"), "application/json", b'{"name":"ada","age":0}'),
        (Point(1, 2), "application/json", b'{"x":1,"y":2}'),
        (3, "application/json", b"3"),
        (HttpResponse("as it is", content_type="text/x"), "text/x", b"as it is"),
    ],
)
@pytest.mark.parametrize("flavour", ["sync", "async"])
async def test_what_a_function_returns_becomes_a_response(
    server: MCPServer, ask: Ask, result: Any, kind: str, body: bytes, flavour: str
) -> None:
    async def asynchronous() -> Any:
        return result

    server.custom_route("/x", name="x")((lambda: result) if flavour == "sync" else asynchronous)
    response = await ask("GET", "/x")
    assert (response.status_code, response["Content-Type"], response.content) == (200, kind, body)


async def test_nothing_is_204(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/x")(lambda request: None)
    response = await ask("GET", "/x")
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("flavour", ["sync", "async"])
async def test_a_generator_is_streamed_part_by_part(server: MCPServer, ask: Ask, flavour: str) -> None:
    @server.custom_route("/sync")
    def sync(request: HttpRequest) -> Iterator[str]:
        yield "one"
        yield "two"

    @server.custom_route("/async")
    async def asynchronous(request: HttpRequest) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    response = await ask("GET", f"/{flavour}")
    assert response.streaming
    assert response.parts == [b"one", b"two"]
    assert response["Content-Type"] == "text/plain; charset=utf-8"


async def test_routes_of_one_path_merge_and_other_methods_are_refused(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/x", methods=["GET"], name="one")(lambda: "got")
    server.custom_route("/x", methods=["put"], name="two")(lambda: "put")
    assert (await ask("GET", "/x")).content == b"got"
    assert (await ask("PUT", "/x")).status_code == 200
    refused = await ask("DELETE", "/x")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, OPTIONS, PUT")
    options = await ask("OPTIONS", "/x")
    assert (options.status_code, options["Allow"], options.content) == (200, "GET, HEAD, OPTIONS, PUT", b"")
    head = await ask("HEAD", "/x")
    assert (head.status_code, head.content) == (200, b"")
    with in_the_urlconf():
        assert reverse("mcp:one") == reverse("mcp:two") == "/x"


async def test_a_json_body_reaches_the_function_as_what_it_is_declared_to_be(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/users", methods=["POST"], body=User, public=True)
    def create(request: HttpRequest, body: User) -> User:
        return body

    create.csrf_exempt = True  # type: ignore[attr-defined]
    response = await ask("POST", "/users", json.dumps({"name": "ada", "age": "3"}), content_type="application/json")
    assert response.json() == {"name": "ada", "age": 3}


async def test_async_functions_see_the_starlette_request_and_answer_with_its_responses(
    server: MCPServer, ask: Ask
) -> None:
    @server.custom_route("/users/{user_id:int}", methods=["POST"])
    async def user(request: Request) -> JSONResponse:
        given = {"id": request.path_params["user_id"], "q": request.query_params["q"], "body": await request.json()}
        response = JSONResponse(given, status_code=201, headers={"X-Own": "1"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2", path="/b")
        return response

    response = await ask("POST", "/users/7?q=x", b'{"a": 1}', content_type="application/json")
    assert response.status_code == 201
    assert response.json() == {"id": 7, "q": "x", "body": {"a": 1}}
    assert response["X-Own"] == "1"
    assert [each.OutputString() for each in response.cookies.values()] == [
        "a=1; Path=/; SameSite=lax",
        "b=2; Path=/b; SameSite=lax",
    ]


async def test_starlette_s_streams_keep_their_parts(server: MCPServer, ask: Ask) -> None:
    done = []
    over = Event()

    @server.custom_route("/events")
    async def events(request: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                assert not await request.is_disconnected()
                yield "data: 2\n\n"
            finally:
                done.append("parts")

        async def background() -> None:
            done.append("background")
            over.set()

        return StreamingResponse(parts(), media_type="text/event-stream", background=BackgroundTask(background))

    response = await ask("GET", "/events")
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.parts == [b"data: 1\n\n", b"data: 2\n\n"]
    assert await asyncio.to_thread(over.wait, 10)
    assert done == ["parts", "background"]
