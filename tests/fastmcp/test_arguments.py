"""What becomes of FastMCP's arguments and of its variables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.fastmcp import FastMCP, FastMCPWarning


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("log_level", "DEBUG", "settings.LOGGING"),
        ("debug", True, "settings.DEBUG"),
        ("mount_path", "/api", "['PATH']"),
        ("sse_path", "/events", "['SSE']"),
        ("message_path", "/post", "['SSE']"),
        ("json_response", True, "one JSON body"),
        ("max_request_body_size", 1, "['MAX_BODY_BYTES']"),
        ("session_idle_timeout", 1, "['SESSION_IDLE_SECONDS']"),
        ("max_sessions", 1, "['MAX_SESSIONS']"),
        ("lifespan", print, "first used"),
        ("transport_security", object(), "settings.ALLOWED_HOSTS"),
        ("event_store", object(), "['EVENT_LOG']"),
        ("retry_interval", 1, "close_sse_stream"),
    ],
)
def test_what_does_nothing_here_is_a_warning_that_names_what_does(option: str, value: Any, said: str) -> None:
    with pytest.warns(FastMCPWarning) as caught:
        FastMCP("x", **{option: value})
    (warning,) = caught
    assert f" {option}: " in str(warning.message)
    assert said in str(warning.message)
    assert warning.filename == __file__


def test_sessions_are_switched_off_by_a_setting(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "SESSIONS": True}
    with pytest.warns(FastMCPWarning, match=r"stateless_http: set settings.MCP_DJANGO\['SESSIONS'\] to False."):
        FastMCP("x", stateless_http=True)


def test_what_the_settings_say_as_well_is_no_warning(settings: Any) -> None:
    settings.DEBUG = True
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "EVENT_LOG": True, "MAX_BODY_BYTES": 5}
    mcp = FastMCP(
        "x", debug=True, log_level="INFO", stateless_http=True, event_store=object(), max_request_body_size=5, port=1
    )
    assert (mcp.settings.debug, mcp.settings.port, mcp.dependencies) == (True, 1, [])


def test_variables_are_read_and_arguments_go_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"HOST": "0.0.0.0", "PORT": "9000", "SESSION_IDLE_TIMEOUT": "86400", "WARN_ON_DUPLICATE_TOOLS": "false"}
    for name, value in variables.items():
        monkeypatch.setenv(f"FASTMCP_{name}", value)
    settings = FastMCP("x", port=1).settings
    assert (settings.host, settings.port, settings.session_idle_timeout) == ("0.0.0.0", 1, 86400)
    assert settings.warn_on_duplicate_tools is False
    settings.port = 2  # as old code does before it runs
    assert settings.port == 2


@pytest.mark.parametrize(("name", "value"), [("PORT", "many"), ("DEBUG", "perhaps")])
def test_a_variable_that_can_not_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FASTMCP_{name}", value)
    with pytest.raises(InvalidDeclaration, match=f"The environment variable FASTMCP_{name} can't be '{value}'."):
        FastMCP("x")


def test_variables_of_an_authorization_server_elsewhere_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTMCP_AUTH_ISSUER_URL", "https://example.com")
    with pytest.warns(FastMCPWarning, match="FASTMCP_AUTH_ISSUER_URL: the authorization server is this project"):
        FastMCP("x")


def test_required_scopes_are_asked_of_callers(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required"}
    auth = SimpleNamespace(required_scopes=["read"])
    with pytest.warns(FastMCPWarning, match="auth: people sign in through django-oauth-toolkit"):
        mcp = FastMCP("x", auth=auth)
    assert mcp.access().scopes == ("read",)
    with pytest.warns(FastMCPWarning):
        assert FastMCP("y", auth=auth, scopes=["write"]).access().scopes == ("write",)  # type: ignore[call-arg]


@pytest.mark.parametrize("option", ["auth", "auth_server_provider"])
def test_sign_in_that_this_project_switched_off_is_an_error(option: str) -> None:
    with pytest.raises(InvalidDeclaration, match=r"settings.MCP_DJANGO\['AUTH'\] is 'none': set it to 'required'"):
        FastMCP("x", **{option: object()})


@pytest.mark.parametrize(
    ("option", "said"), [("token_verifier", "no counterpart"), ("tools", r"call mcp.add_tool\(function\)")]
)
def test_what_would_be_less_than_was_asked_for_is_an_error(option: str, said: str) -> None:
    with pytest.raises(InvalidDeclaration, match=said):
        FastMCP("x", **{option: [object()]})


def test_an_unknown_argument_is_an_error_that_names_it() -> None:
    with pytest.raises(InvalidDeclaration, match="takes no 'prot'"):
        FastMCP("x", prot=8000)  # type: ignore[call-arg]
