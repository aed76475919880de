"""``settings.MCP_DJANGO``: every key is known, of its type and in its range, or the project doesn't start."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from mcp_django.conf import MCPSettings, get_settings


def refused(given: Any) -> str:
    with override_settings(MCP_DJANGO=given), pytest.raises(ImproperlyConfigured) as error:
        get_settings()
    return str(error.value)


def test_a_project_needs_no_settings_at_all() -> None:
    with override_settings():
        del settings.MCP_DJANGO
        get_settings.cache_clear()
        assert get_settings() == MCPSettings()
    get_settings.cache_clear()


def test_the_defaults_are_those_that_the_documents_name() -> None:
    defaults = MCPSettings()
    assert (defaults.PATH, defaults.AUTH) == ("mcp", "required")
    assert (defaults.PAGE_SIZE, defaults.MAX_THREADS, defaults.MAX_BODY_BYTES) == (1000, 32, 4 * 1024 * 1024)
    assert (defaults.LIST_CACHE_SECONDS, defaults.KEEP_ALIVE_SECONDS, defaults.TOOL_TIMEOUT_SECONDS) == (0, 15, 300)


def test_every_default_would_be_taken_if_it_were_given() -> None:
    given = asdict(MCPSettings())
    with override_settings(MCP_DJANGO=given):
        assert get_settings() == MCPSettings()


def test_what_is_given_replaces_a_default() -> None:
    with override_settings(MCP_DJANGO={"NAME": "polls", "PAGE_SIZE": 5, "KEEP_ALIVE_SECONDS": 1}):
        found = get_settings()
    assert (found.NAME, found.PAGE_SIZE, found.KEEP_ALIVE_SECONDS) == ("polls", 5, 1)


def test_the_settings_are_read_once_and_again_when_a_test_overrides_them() -> None:
    assert get_settings() is get_settings()
    with override_settings(MCP_DJANGO={"NAME": "other"}):
        assert get_settings().NAME == "other"
        with override_settings(USE_TZ=False):
            assert get_settings().NAME == "other"
    assert get_settings().NAME == "tests"


def test_the_settings_can_not_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        get_settings().NAME = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("given", "kind"), [(None, "NoneType"), ([("NAME", "polls")], "list"), ("polls", "str")])
def test_anything_but_a_dict_is_refused(given: Any, kind: str) -> None:
    assert refused(given) == f"settings.MCP_DJANGO must be a dict, not {kind}."


@pytest.mark.parametrize(
    ("typed", "meant"), [("PAGE_SIZES", "PAGE_SIZE"), ("name", "NAME"), ("INSTRUCTION", "INSTRUCTIONS")]
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(typed: str, meant: str) -> None:
    assert refused({typed: 1}) == f"settings.MCP_DJANGO has an unknown key {typed!r}. Did you mean {meant!r}?"


@pytest.mark.parametrize("key", ["XYZZY", 5])
def test_an_unknown_key_that_resembles_none_is_refused_with_all_known_ones(key: Any) -> None:
    message = refused({key: 1})
    assert message.startswith(f"settings.MCP_DJANGO has an unknown key {key!r}. Known keys: ACTIVITY, ")
    assert all(field.name in message for field in fields(MCPSettings))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("NAME", 5, "a string"),
        ("NAME", None, "a string"),
        ("PATH", b"mcp", "a string"),
        ("PAGE_SIZE", "10", "a whole number"),
        ("PAGE_SIZE", 10.0, "a whole number"),
        ("PAGE_SIZE", True, "a whole number"),
        ("LIST_CACHE_SECONDS", "10", "a number"),
        ("LIST_CACHE_SECONDS", False, "a number"),
        ("LIST_CACHE_SECONDS", float("nan"), "a number"),
        ("KEEP_ALIVE_SECONDS", float("inf"), "a number"),
        ("TOOL_TIMEOUT_SECONDS", float("nan"), "a number"),
        ("SESSIONS", 1, "True or False"),
        ("SESSIONS", "no", "True or False"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key: str, value: Any, expected: str) -> None:
    assert refused({key: value}) == f"settings.MCP_DJANGO[{key!r}] must be {expected}, not {value!r}."


POSITIVE = [
    "ACTIVITY_DAYS",
    "EVENT_LOG_MAX_EVENTS",
    "EVENT_LOG_SECONDS",
    "KEEP_ALIVE_SECONDS",
    "MAX_BODY_BYTES",
    "MAX_CALLS_PER_SESSION",
    "MAX_SESSIONS",
    "MAX_STREAMS",
    "MAX_STREAMS_PER_USER",
    "MAX_THREADS",
    "PAGE_SIZE",
    "SESSION_IDLE_SECONDS",
    "STREAM_SECONDS",
]
NOT_NEGATIVE = ["LIST_CACHE_SECONDS", "TOOL_TIMEOUT_SECONDS"]


def test_every_number_has_its_range() -> None:
    numbers = {field.name for field in fields(MCPSettings) if str(field.type) in ("int", "float")}
    assert numbers == {*POSITIVE, *NOT_NEGATIVE}


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("value", [0, -1])
def test_what_must_be_more_than_nothing_is(key: str, value: int) -> None:
    assert refused({key: value}) == f"settings.MCP_DJANGO[{key!r}] must be greater than 0, not {value}."


@pytest.mark.parametrize("key", NOT_NEGATIVE)
def test_no_time_is_negative_though_it_may_be_nothing(key: str) -> None:
    assert refused({key: -0.5}) == f"settings.MCP_DJANGO[{key!r}] must not be negative, not -0.5."
    with override_settings(MCP_DJANGO={key: 0}):
        assert getattr(get_settings(), key) == 0


def test_http_sse_is_refused_without_the_sessions_that_it_needs() -> None:
    assert refused({"SSE": True, "SESSIONS": False}) == (
        "settings.MCP_DJANGO['SSE'] needs 'SESSIONS': each of its streams is a session."
    )


def test_auth_is_one_of_three() -> None:
    text = "settings.MCP_DJANGO['AUTH'] must be 'required', 'optional' or 'none', not 'oauth'."
    assert refused({"AUTH": "oauth"}) == text


@pytest.mark.parametrize("path", ["", "/mcp", "mcp/", "/", "a//b", "a b", "mcp?x=1", "{mcp}", "mcp\n"])
def test_a_path_that_no_url_could_have_is_refused(path: str) -> None:
    assert refused({"PATH": path}).startswith("settings.MCP_DJANGO['PATH'] must ")


@pytest.mark.parametrize("path", ["mcp", "api/mcp", "v1.0/mcp_~-"])
def test_a_path_may_have_several_parts(path: str) -> None:
    with override_settings(MCP_DJANGO={"PATH": path}):
        assert path == get_settings().PATH
