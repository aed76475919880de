"""The arguments of ``FastMCP(...)`` in SDK 1.30, the ``FASTMCP_*`` variables, and what becomes of each in Django."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from django.conf import settings as django_settings

from mcp_django.conf import get_settings
from mcp_django.exceptions import InvalidDeclaration

PREFIX = "FASTMCP_"

MIRRORED = {
    "max_request_body_size": "MAX_BODY_BYTES",
    "session_idle_timeout": "SESSION_IDLE_SECONDS",
    "max_sessions": "MAX_SESSIONS",
}
"""Arguments for which there is a setting of the same meaning."""


class FastMCPWarning(UserWarning):
    """Code written for FastMCP asks for something that is done elsewhere here; the text says where."""


class FastMCPOptions(TypedDict, total=False):
    """The keyword arguments of ``FastMCP(...)``; what isn't given is read from ``FASTMCP_<NAME>``."""

    debug: bool
    log_level: str
    host: str
    port: int
    mount_path: str
    sse_path: str
    message_path: str
    streamable_http_path: str
    json_response: bool
    stateless_http: bool
    max_request_body_size: int
    session_idle_timeout: float | None
    max_sessions: int | None
    warn_on_duplicate_resources: bool
    warn_on_duplicate_tools: bool
    warn_on_duplicate_prompts: bool
    dependencies: Iterable[str]
    lifespan: Callable[[Any], Any] | None
    auth: Any
    transport_security: Any


@dataclass(slots=True, kw_only=True)
class FastMCPSettings:
    """``mcp.settings``: an argument, or else its ``FASTMCP_*`` variable, or else FastMCP's default."""

    debug: bool = False
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = 8000
    mount_path: str = "/"
    sse_path: str = "/sse"
    message_path: str = "/messages/"
    streamable_http_path: str = "/mcp"
    json_response: bool = False
    stateless_http: bool = False
    max_request_body_size: int = 4 * 1024 * 1024
    """Bytes."""

    session_idle_timeout: float | None = 1800
    """Seconds."""

    max_sessions: int | None = 10_000
    warn_on_duplicate_resources: bool = True
    warn_on_duplicate_tools: bool = True
    warn_on_duplicate_prompts: bool = True
    dependencies: Iterable[str] = ()
    lifespan: Callable[[Any], Any] | None = None
    auth: Any = None
    transport_security: Any = None


NAMES = frozenset(field.name for field in fields(FastMCPSettings))


def in_project() -> bool:
    """Whether a Django project is around, and not a bare script."""
    return django_settings.configured or bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def read_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said: the arguments, and the variables of the environment for those that were not given.

    Raises:
        InvalidDeclaration: a variable holds something that its argument can't be.
    """
    return {**_environment(), **{name: value for name, value in options.items() if name in NAMES}}


def _environment() -> dict[str, Any]:
    read: Mapping[str, Callable[[str], Any]] = {
        "bool": _boolean,
        "int": int,
        "float | None": float,
        "int | None": int,
        "str": str,
    }
    found = {}
    for field in fields(FastMCPSettings):
        variable, kind = f"{PREFIX}{field.name.upper()}", str(field.type)
        if kind in read and (text := os.environ.get(variable)):
            try:
                found[field.name] = read[kind](text)
            except ValueError:
                raise InvalidDeclaration(f"The environment variable {variable} can't be {text!r}.") from None
    return found


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "t", "yes", "y", "on"):
        return True
    if text.lower() in ("0", "false", "f", "no", "n", "off"):
        return False
    raise ValueError(text)


_ELSEWHERE = {
    "json_response": "an answer is one JSON body here, unless the function speaks before it is done; drop it",
    "lifespan": "no server starts and ends it; make what functions share when it is first used, in the module's scope",
    "log_level": "what is logged, and where, says settings.LOGGING",
    "message_path": "clients of HTTP+SSE post to <endpoint>/messages; settings.MCP_DJANGO['SSE'] switches it on",
    "mount_path": "the prefix of the endpoints is settings.MCP_DJANGO['PATH']",
    "sse_path": "HTTP+SSE is at <endpoint>/sse; settings.MCP_DJANGO['SSE'] switches it on",
    "transport_security": "hosts are checked by settings.ALLOWED_HOSTS, origins by settings.CSRF_TRUSTED_ORIGINS",
}

_OTHERS = {
    "auth": (
        "people sign in through django-oauth-toolkit: settings.MCP_DJANGO['AUTH'] is 'required', and "
        "OAUTH2_PROVIDER['SCOPES'] names the scopes. Of it, required_scopes and valid_scopes are used"
    ),
    "auth_server_provider": "django-oauth-toolkit is the authorization server; its settings are OAUTH2_PROVIDER",
    "retry_interval": "ctx.close_sse_stream(retry_seconds=...) says it for each stream",
}


def notices(given: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each argument that does nothing in a project, because a setting decides.

    Args:
        given: the keyword arguments of ``FastMCPOptions`` that were said.
        others: the rest of FastMCP's arguments.
    """
    defaults, current = FastMCPSettings(), get_settings()
    said = {name for name, value in given.items() if value != getattr(defaults, name)}
    texts = {name: text for name, text in _ELSEWHERE.items() if name in said}
    texts |= {name: text for name, text in _OTHERS.items() if others.get(name) is not None or name in said}
    if given.get("debug") and not django_settings.DEBUG:
        texts["debug"] = "only mcp.settings.debug is; pages of errors show what settings.DEBUG lets them"
    if given.get("stateless_http") and current.SESSIONS:
        texts["stateless_http"] = "set settings.MCP_DJANGO['SESSIONS'] to False"
    if others.get("event_store") is not None and not current.EVENT_LOG:
        texts["event_store"] = "set settings.MCP_DJANGO['EVENT_LOG'] to True; events are kept in the database"
    for name, setting in MIRRORED.items():
        if name in given and given[name] != getattr(current, setting):
            texts[name] = f"set settings.MCP_DJANGO[{setting!r}]"
    for variable in ("AUTH_ISSUER_URL", "AUTH_CLIENT_ID"):
        if os.environ.get(PREFIX + variable):
            texts[PREFIX + variable] = "the authorization server is this project: settings.MCP_DJANGO['OAUTH']"
    return [f"{name}: {text}." for name, text in sorted(texts.items())]
