"""Names of servers and scopes: one spelling of each, so that they can be compared."""

from __future__ import annotations

import pytest
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.auth.resources import (
    base_url,
    canonical,
    implied,
    mcp_scopes,
    metadata_url,
    resource_url,
    server_scopes,
)


def oauth(**keys: object) -> override_settings:
    return override_settings(MCP_DJANGO={"OAUTH": keys})


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("https", "example.com", "https://example.com"),
        ("https", "EXAMPLE.com:443", "https://example.com"),
        ("http", "localhost:80", "http://localhost"),
        ("http", "localhost:8000", "http://localhost:8000"),
        ("http", "[::1]:8000", "http://[::1]:8000"),
        ("https", "example.com:80", "https://example.com:80"),
    ],
)
def test_the_base_is_where_the_request_went(scheme: str, host: str, expected: str) -> None:
    assert base_url(scheme, host) == expected


def test_a_pinned_base_is_the_same_whatever_the_request_says() -> None:
    with oauth(BASE_URL="https://Example.com:443"):
        assert base_url("http", "evil.example") == "https://example.com"


def test_the_prefix_that_a_server_took_off_is_put_back() -> None:
    assert base_url("https", "example.com", "/app/") == "https://example.com/app"
    assert metadata_url("", base_url("https", "example.com", "/app")) == (
        "https://example.com/.well-known/oauth-protected-resource/app/mcp"
    )


@pytest.mark.parametrize(
    ("path", "resource", "metadata"),
    [
        ("", "https://example.com/mcp", "https://example.com/.well-known/oauth-protected-resource/mcp"),
        (
            "reports",
            "https://example.com/mcp/reports",
            "https://example.com/.well-known/oauth-protected-resource/mcp/reports",
        ),
    ],
)
def test_each_server_has_an_identifier_and_a_document_about_it(path: str, resource: str, metadata: str) -> None:
    assert resource_url(path, "https://example.com") == resource
    assert metadata_url(path, "https://example.com") == metadata


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("https://example.com/mcp/", "https://example.com/mcp"),
        ("HTTPS://EXAMPLE.COM:443/mcp", "https://example.com/mcp"),
        ("https://example.com/MCP", "https://example.com/MCP"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com/mcp?a=1", "https://example.com/mcp?a=1"),
    ],
)
def test_a_url_has_one_canonical_form(written: str, compared: str) -> None:
    assert canonical(written) == compared == canonical(compared)


def test_the_scopes_are_the_baseline_and_what_the_servers_ask_for(server: MCPServer, no_demo: None) -> None:
    server.scopes = frozenset({"notes:write", "notes:read"})  # type: ignore[attr-defined]
    assert server_scopes(server) == {"notes:read", "notes:write"}
    with override_settings(OAUTH2_PROVIDER={"SCOPES": {"notes:read": "Read your notes", "profile": "Not ours"}}):
        assert mcp_scopes() == {"mcp": "mcp", "notes:read": "Read your notes", "notes:write": "notes:write"}


def test_a_scope_includes_what_it_implies_and_what_that_implies() -> None:
    with oauth(SCOPE_IMPLIES={"a": ["b"], "b": ["c", "a"]}):
        assert implied(["a"]) == {"a", "b", "c"}
        assert implied(["c", "d"]) == {"c", "d"}
