"""``settings.MCP_DJANGO``: one dict, read through one typed, frozen, cached object."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from mcp_django.conf.oauth import OAuthSettings, check_oauth, parse_rate
from mcp_django.conf.reading import check_numbers, read

__all__ = ["MCPSettings", "OAuthSettings", "get_settings", "parse_rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MCPSettings:
    """Every key of ``settings.MCP_DJANGO`` with its default."""

    NAME: str = ""
    """Name of the default server, as clients see it. Empty: the project's name, from ``ROOT_URLCONF``."""

    TITLE: str = ""
    """Name of the default server for people."""

    DESCRIPTION: str = ""
    """What the default server is for, in a sentence."""

    VERSION: str = ""
    """Version of the default server."""

    INSTRUCTIONS: str = ""
    """What a model should know before it uses the default server."""

    WEBSITE_URL: str = ""
    """Where people can read about the default server."""

    PATH: str = "mcp"
    """URL prefix of the endpoints, without slashes at its ends."""

    AUTH: str = "required"
    """Who may connect over HTTP: who signs in (``"required"``), others for what is public (``"optional"``), or all."""

    OAUTH: OAuthSettings = field(default_factory=OAuthSettings)
    """Sign-in: a dict of the keys of ``OAuthSettings``."""

    BUILTIN_ROUTES: bool = False
    """Whether ``mcp_django.urls`` has ``/livez``, ``/readyz``, what is served where, and the OpenAPI document."""

    PAGE_SIZE: int = 1000
    """Most items on one page of a list."""

    LIST_CACHE_SECONDS: float = 0
    """How long a client may keep a list or ``server/discover`` (``ttlMs`` of 2026-07-28)."""

    MAX_BODY_BYTES: int = 4 * 1024 * 1024
    """Largest request body; above it the answer is 413. The same default as the SDK's."""

    KEEP_ALIVE_SECONDS: float = 15
    """A call that is silent for this long gets an event stream and a comment on it, so that proxies keep it open."""

    TOOL_TIMEOUT_SECONDS: float = 300
    """How long a tool, resource or prompt may run when it has no ``timeout`` of its own. 0: for ever."""

    SESSIONS: bool = True
    """Whether clients that shake hands get sessions. Without, they can't be asked anything and hear of no changes."""

    SSE: bool = False
    """Whether the HTTP+SSE transport of 2024-11-05 is served as well. It needs ``SESSIONS``."""

    SESSION_IDLE_SECONDS: float = 24 * 3600
    """A handshake client that was silent for this long has to shake hands again."""

    MAX_SESSIONS: int = 10_000
    """Most sessions of handshake clients, on all workers together; above it new ones are refused with 503."""

    EVENT_LOG: bool = False
    """Whether a handshake client that lost its connection may have the rest of an answer (``Last-Event-ID``)."""

    EVENT_LOG_SECONDS: float = 300
    """How long it may be away; what it was told is kept in the database for as long."""

    EVENT_LOG_MAX_EVENTS: int = 1000
    """Most messages that are kept of one session; the oldest go first."""

    MAX_CALLS_PER_SESSION: int = 32
    """Most calls of one session that run at a time on one worker; above it the answer is 429."""

    MAX_STREAMS: int = 1000
    """Most event streams that wait for events in one process; above it the answer is 503."""

    MAX_STREAMS_PER_USER: int = 32
    """Most of them that belong to one user and client; above it the answer is 429. Nobody's have no such limit."""

    STREAM_SECONDS: float = 4 * 3600
    """A stream that waits for events ends after this long; the client opens another."""

    ACTIVITY: str = "buffered"
    """Calls are recorded a moment later (``"buffered"``), before the answer (``"strict"``), or not (``"off"``)."""

    ACTIVITY_DAYS: float = 30
    """How long ``manage.py clearmcpactivity`` keeps what was recorded."""

    ACTIVITY_ARGUMENTS: bool = False
    """Whether the arguments of calls are recorded, too."""

    ACTIVITY_REDACT: tuple[str, ...] = ("authorization", "cookie", "key", "passphrase", "password", "secret", "token")
    """Arguments whose names contain one of these, in upper or lower case, are never recorded."""

    MAX_THREADS: int = 32
    """Most threads, and so database connections of an alias, that calls use in one process at a time.

    Sessions use two further ones (``threads.OWN_THREADS``) for their own work.
    """


_PATH = re.compile(r"[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*")
_POSITIVE = (
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
)
_NOT_NEGATIVE = ("LIST_CACHE_SECONDS", "TOOL_TIMEOUT_SECONDS")


@cache
def get_settings() -> MCPSettings:
    """Return the settings, checked.

    Raises:
        ImproperlyConfigured: a key is unknown, or its value has the wrong type or is out of range.
    """
    given = getattr(settings, "MCP_DJANGO", {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f"settings.MCP_DJANGO must be a dict, not {type(given).__name__}.")
    where = "settings.MCP_DJANGO"
    values = read(MCPSettings, where, given, _check)
    if isinstance(values.get("OAUTH"), dict):
        values["OAUTH"] = OAuthSettings(**read(OAuthSettings, f"{where}['OAUTH']", values["OAUTH"], check_oauth))
    found = MCPSettings(**values)
    if found.SSE and not found.SESSIONS:
        raise ImproperlyConfigured("settings.MCP_DJANGO['SSE'] needs 'SESSIONS': each of its streams is a session.")
    return found


def _check(key: str, where: str, value: Any) -> None:
    check_numbers(_POSITIVE, _NOT_NEGATIVE, key, where, value)
    if key == "AUTH" and value not in ("required", "optional", "none"):
        raise ImproperlyConfigured(f"{where} must be 'required', 'optional' or 'none', not {value!r}.")
    if key == "ACTIVITY" and value not in ("buffered", "strict", "off"):
        raise ImproperlyConfigured(f"{where} must be 'buffered', 'strict' or 'off', not {value!r}.")
    if key == "PATH" and not _PATH.fullmatch(value):
        raise ImproperlyConfigured(f"{where} must be a URL path without a slash at either end, not {value!r}.")


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "MCP_DJANGO":
        get_settings.cache_clear()
