"""The documents in which clients read where and how to sign in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mcp_django import MCPServer

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"


def read(path: str, **headers: str) -> Any:
    response = Client(headers=headers).get(path)
    assert response.status_code == 200, path
    return response.json()


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("", "/mcp"),
        ("/mcp", "/mcp"),
        ("/mcp/", "/mcp"),
        ("/mcp/reports", "/mcp/reports"),
    ],
)
def test_each_server_has_a_document_and_the_default_one_has_it_at_the_root_too(
    reports: MCPServer, path: str, resource: str
) -> None:
    document = read(RESOURCE + path)
    assert document["resource"] == f"http://testserver{resource}"
    assert document["authorization_servers"] == ["http://testserver"]
    assert document["bearer_methods_supported"] == ["header"]


@pytest.mark.parametrize("path", ["/nothing", "/mcp/nothing", "/", "/mcp/sse", "/admin"])
def test_nothing_else_is_called_a_resource(path: str) -> None:
    assert Client().get(RESOURCE + path).status_code == 404


def test_it_asks_for_no_more_than_to_begin_with(reports: MCPServer, oauth: Any) -> None:
    oauth(BASELINE_SCOPES=["notes:read"])
    reports.scopes = frozenset({"reports"})  # type: ignore[attr-defined]
    assert read(RESOURCE)["scopes_supported"] == ["notes:read"]
    assert read(f"{RESOURCE}/mcp/reports")["scopes_supported"] == ["notes:read", "reports"]


def test_it_introduces_the_server() -> None:
    MCPServer("shop", title="The shop", website_url="https://shop.example")
    document = read(f"{RESOURCE}/mcp/shop")
    assert (document["resource_name"], document["resource_documentation"]) == ("The shop", "https://shop.example")
    assert read(RESOURCE)["resource_name"] == "tests"


def test_the_server_says_what_it_does(oauth: Any) -> None:
    document = read(SERVER)
    assert document == {
        "issuer": "http://testserver",
        "authorization_endpoint": "http://testserver/authorize/",
        "token_endpoint": "http://testserver/token/",
        "revocation_endpoint": "http://testserver/revoke_token/",
        "registration_endpoint": "http://testserver/register/",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["mcp"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }


def test_a_pinned_base_is_what_they_name_whatever_host_was_asked(oauth: Any) -> None:
    oauth(BASE_URL="https://example.com")
    document = read(SERVER)
    assert document["issuer"] == "https://example.com"
    assert document["token_endpoint"] == "https://example.com/token/"
    assert read(f"{RESOURCE}/mcp") == {
        **read(RESOURCE),
        "resource": "https://example.com/mcp",
        "authorization_servers": ["https://example.com"],
    }


def test_caches_keep_a_document_unless_it_depends_on_the_request(oauth: Any) -> None:
    assert {Client().get(path)["Cache-Control"] for path in (SERVER, RESOURCE)} == {"no-store"}
    oauth(BASE_URL="https://example.com")
    assert {Client().get(path)["Cache-Control"] for path in (SERVER, RESOURCE)} == {"public, max-age=300"}


def test_a_host_that_is_not_ours_gets_no_document() -> None:
    assert Client(headers={"host": "evil.example"}).get(SERVER).status_code == 400
    assert Client(headers={"host": "evil.example"}).get(RESOURCE).status_code == 400


@pytest.mark.parametrize("path", ["/nothing", "/mcp", "/o"])
def test_there_is_one_issuer(path: str) -> None:
    assert Client().get(SERVER + path).status_code == 404


def test_no_token_can_be_looked_into() -> None:
    assert Client().post("/introspect/").status_code == 404
    assert "introspection_endpoint" not in read(SERVER)


class Elsewhere:
    """The authorization server below a prefix, its documents at the root."""

    from django.urls import include, path

    urlpatterns = [
        path("", include("mcp_django.oauth.wellknown")),
        path("o/", include("mcp_django.oauth.urls")),
    ]


@pytest.fixture
def below_o(settings: Any) -> None:
    settings.ROOT_URLCONF = Elsewhere


@pytest.mark.usefixtures("below_o")
@pytest.mark.parametrize("path", [f"{SERVER}/o", f"/o{SERVER}"])
def test_an_issuer_below_a_prefix_has_its_document_where_clients_look(path: str) -> None:
    """RFC 8414 §3.1 puts the well-known part between host and path; others put it at the end."""
    document = read(path)
    assert document["issuer"] == "http://testserver/o"
    assert document["authorization_endpoint"] == "http://testserver/o/authorize/"


@pytest.mark.usefixtures("below_o")
def test_there_is_no_other_issuer_at_the_root() -> None:
    assert Client().get(SERVER).status_code == 404
    assert read(RESOURCE)["authorization_servers"] == ["http://testserver/o"]


@pytest.mark.parametrize("path", [SERVER, RESOURCE, f"{RESOURCE}/mcp"])
def test_a_page_of_any_origin_may_read_them(path: str) -> None:
    asked = {"origin": "https://inspector.example", "access-control-request-headers": "mcp-protocol-version"}
    ask = Client(headers=asked).options(path)
    assert ask.status_code == 204
    assert "mcp-protocol-version" in ask["Access-Control-Allow-Headers"].lower()
    for response in (ask, Client(headers=asked).get(path)):
        assert response["Access-Control-Allow-Origin"] == "*"
