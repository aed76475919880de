"""What a route takes: JSON, query strings, forms, uploads, and too much of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mcp_django import MCPServer
from tests.routes.conftest import Ask

pytestmark = pytest.mark.anyio

JSON = "application/json"


class Address(BaseModel):
    street: str


class Login(BaseModel):
    name: str
    password: str = Field(min_length=12)
    addresses: list[Address] = []


class Page(BaseModel):
    limit: int = Field(10, ge=1, le=100)
    tags: list[str] = []
    order: str | None = None


def take(body: Login) -> Login:
    return body


@pytest.fixture(autouse=True)
def _login(server: MCPServer) -> None:
    server.custom_route("/login", methods=["POST"], body=Login)(take)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"password": "hunter2hunter2"}, ["name"]),
        ({"name": 7, "password": "hunter2"}, ["name", "password"]),
        ({"name": "ada", "password": "hunter2hunter2", "addresses": [{}]}, ["addresses.0.street"]),
        ([], [""]),
        ("hunter2", [""]),
    ],
)
async def test_a_body_that_does_not_fit_names_its_fields_and_repeats_nothing(
    ask: Ask, body: Any, fields: list[str]
) -> None:
    refused = await ask("POST", "/login", json.dumps(body), content_type=JSON)
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert [each["field"] for each in refused.json()["errors"]] == fields
    assert b"hunter2" not in refused.content


@pytest.mark.parametrize("body", [" ", "{", "{'a': 1}", '"\ud800', b"\xff"])
async def test_a_body_that_is_no_json_is_refused(ask: Ask, body: Any) -> None:
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    refused = await ask("POST", "/login", data, content_type=JSON)
    assert refused.status_code == 400
    assert refused.json()["detail"] == "The body is no JSON."


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_another_content_type_is_refused(ask: Ask, kind: str) -> None:
    refused = await ask("POST", "/login", b'{"name": "ada", "password": "hunter2hunter2"}', content_type=kind)
    assert refused.status_code == 400
    assert "application/json" in refused.json()["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"])
async def test_json_by_any_of_its_names_is_taken(ask: Ask, kind: str) -> None:
    taken = await ask("POST", "/login", b'{"name": "ada", "password": "hunter2hunter2"}', content_type=kind)
    assert taken.json()["name"] == "ada"


async def test_a_query_string_becomes_what_is_declared(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/search", query=Page)
    async def search(request: HttpRequest, query: Page) -> Page:
        return query

    found = await ask("GET", "/search?limit=3&tags=a&tags=b&order=x&order=y")
    assert found.json() == {"limit": 3, "tags": ["a", "b"], "order": "y"}
    assert (await ask("GET", "/search?tags=a")).json()["tags"] == ["a"]
    refused = await ask("GET", "/search?limit=hunter2")
    assert refused.status_code == 400
    assert [each["field"] for each in refused.json()["errors"]] == ["limit"]
    assert b"hunter2" not in refused.content


@pytest.mark.parametrize("path", ["/model", "/raw", "/starlette", "/upload", "/starlette-upload"])
async def test_ten_megabytes_are_too_large_however_they_are_read(server: MCPServer, ask: Ask, path: str) -> None:
    server.custom_route("/model", methods=["POST"], body=Login)(take)
    server.custom_route("/raw", methods=["POST"])(lambda request: str(len(request.body)))
    server.custom_route("/upload", methods=["POST"])(lambda request: str(len(request.FILES)))

    @server.custom_route("/starlette", methods=["POST"])
    async def read(request: Request) -> str:
        return str(len(await request.body()))

    @server.custom_route("/starlette-upload", methods=["POST"])
    async def form(request: Request) -> str:
        return str(len(await request.form()))

    body, kind = b" " * 10_000_000, JSON
    if "upload" in path:
        body, kind = encode_multipart(BOUNDARY, {"f": SimpleUploadedFile("x", body)}), MULTIPART_CONTENT
    refused = await ask("POST", path, body, content_type=kind)
    assert refused.status_code == 413
    assert refused.json()["title"] in ("Request Entity Too Large", "Content Too Large")


async def test_a_route_may_take_more_or_less(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/less", methods=["POST"], max_body_bytes=10)(lambda request: str(len(request.body)))
    server.custom_route("/more", methods=["POST"], max_body_bytes=9_000_000)(
        lambda request: str(request.FILES["f"].size)
    )
    assert (await ask("POST", "/less", b"x" * 10, content_type="text/plain")).content == b"10"
    assert (await ask("POST", "/less", b"x" * 11, content_type="text/plain")).status_code == 413
    body = encode_multipart(BOUNDARY, {"f": SimpleUploadedFile("x", b" " * 8_000_000)})
    assert (await ask("POST", "/more", body, content_type=MULTIPART_CONTENT)).content == b"8000000"


@pytest.mark.parametrize("kind", ["django", "starlette"])
async def test_an_upload_s_name_is_what_the_client_says_and_django_takes_its_folders_away(
    server: MCPServer, ask: Ask, kind: str
) -> None:
    server.custom_route("/django", methods=["POST"])(lambda request: str(request.FILES["f"].name))

    @server.custom_route("/starlette", methods=["POST"])
    async def upload(request: Request) -> str:
        async with request.form() as form:
            f: Any = form["f"]
            return f"{f.filename} {len(await f.read())} {form['note']}"

    body = encode_multipart(BOUNDARY, {"f": SimpleUploadedFile("x", b"1234"), "note": "n"})
    response = await ask(
        "POST", f"/{kind}", body.replace(b'filename="x"', b'filename="../../x"'), content_type=MULTIPART_CONTENT
    )
    assert response.content == (b"x" if kind == "django" else b"../../x 4 n")


async def test_a_broken_form_and_an_httpexception_are_answered_as_starlette_does(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/form", methods=["POST"])
    async def form(request: Request) -> str:
        return str(await request.form())

    @server.custom_route("/teapot")
    def teapot(request: HttpRequest) -> str:
        raise HTTPException(418, "short and stout", headers={"X-Spout": "1"})

    @server.custom_route("/nothing")
    async def nothing(request: Request) -> str:
        raise HTTPException(304)

    broken = await ask("POST", "/form", b"no form", content_type="multipart/form-data")
    assert (broken.status_code, broken.content) == (400, b"Missing boundary in multipart.")
    refused = await ask("GET", "/teapot")
    assert (refused.status_code, refused.content, refused["X-Spout"]) == (418, b"short and stout", "1")
    assert (await ask("GET", "/nothing")).status_code == 304
