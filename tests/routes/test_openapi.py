"""The OpenAPI document of the routes, and its page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from mcp_django import MCPServer
from tests.routes.conftest import Ask

pytestmark = pytest.mark.anyio


class Address(BaseModel):
    street: str


class User(BaseModel):
    name: str
    addresses: list[Address] = []


class Page(BaseModel):
    limit: int = 10
    after: str


@pytest.fixture(autouse=True)
def _routes(server: MCPServer, limited: Any) -> None:
    limited(BUILTIN_ROUTES=True, AUTH="required")

    @server.custom_route("/users/{pk:int}", methods=["GET"], name="user", tags="people")
    def user(request: HttpRequest, pk: int) -> User:
        """Find a user.

        By number.
        """
        return User(name="ada")

    @server.custom_route(
        "/users", methods=["POST"], body=User, scopes=["write", "read"], throttle="5/m", title="Create"
    )
    def create(request: HttpRequest, body: User) -> None: ...

    @server.custom_route("/users", methods=["GET"], query=Page, public=False)
    def search(request: HttpRequest, query: Page) -> list[User]:
        return []

    @server.custom_route("/export/{name:path}")
    def export(request: HttpRequest, name: str) -> Iterator[str]:
        yield name

    server.custom_route("/page/{a:uuid}/{b:float}/<slug:c>")(lambda request, a, b, c: HttpResponse("<p>"))
    server.custom_route("/secret", include_in_schema=False)(lambda request: "x")


async def document(ask: Ask) -> Any:
    return (await ask("GET", "/openapi.json")).json()


async def test_the_document_is_valid(ask: Ask) -> None:
    found = await document(ask)
    assert found["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(found).validate()


async def test_an_empty_document_is_valid_as_well(ask: Ask, server: MCPServer) -> None:
    for declaration in server.declarations("route"):
        server.remove("route", declaration.key)
    found = await document(ask)
    OpenAPIV31SpecValidator(found).validate()
    assert found["paths"] == {}


async def test_it_describes_what_routes_take_and_give(ask: Ask) -> None:
    found = await document(ask)
    assert set(found["paths"]) == {"/users/{pk}", "/users", "/export/{name}", "/page/{a}/{b}/{c}"}
    user = found["paths"]["/users/{pk}"]["get"]
    assert (user["summary"], user["description"], user["tags"]) == ("Find a user.", "By number.", ["people"])
    assert user["parameters"] == [
        {"name": "pk", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    ]
    reference = {"$ref": "#/components/schemas/User"}
    assert user["responses"] == {
        "200": {"description": "Done.", "content": {"application/json": {"schema": reference}}}
    }
    assert found["components"]["schemas"]["User"]["properties"]["name"] == {"title": "Name", "type": "string"}
    create, search = found["paths"]["/users"]["post"], found["paths"]["/users"]["get"]
    assert create["summary"] == "Create"
    assert create["requestBody"]["required"]
    assert list(create["responses"]) == ["204", "400", "401", "403", "413", "429"]
    assert {each["name"]: each["required"] for each in search["parameters"]} == {"limit": False, "after": True}
    assert search["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "array", "items": reference}
    export = found["paths"]["/export/{name}"]["get"]["responses"]["200"]["content"]
    assert export == {"text/plain": {"schema": {"type": "string"}}}


async def test_it_says_what_callers_need(ask: Ask) -> None:
    paths = (await document(ask))["paths"]
    assert paths["/users"]["post"]["security"] == [{"bearer": ["write", "read"]}]
    assert paths["/users"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in paths["/users/{pk}"]["get"]


class Sources(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.found += [value for name, value in attrs if name in ("src", "href", "style")]


async def test_the_page_shows_it_without_script_or_anything_from_elsewhere(ask: Ask, server: MCPServer) -> None:
    server.custom_route("/evil", title="<script>alert(1)</script>", name="evil")(lambda request: "x")
    page = await ask("GET", "/openapi")
    text = page.content.decode()
    policy = page["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    sources = Sources()
    sources.feed(text)
    assert sources.found == ["/openapi.json"]
    assert "script" not in sources.tags
    assert "&lt;script&gt;alert(1)" in text
    for shown in ("GET /users/{pk}", "POST /users", "Find a user.", "write, read", "#/components/schemas/User"):
        assert shown in text.replace("&quot;", '"'), shown
