"""What is checked of an HTTP request before its body is looked at. Raw ASGI gets none of Django's middleware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http.request import split_domain_port, validate_host
from mcp_types import HEADER_MISMATCH, INVALID_REQUEST

from mcp_django.auth.address import host_of
from mcp_django.transports.cors import allows_origin

Headers = Mapping[str, str]

SINGLE_HEADERS = frozenset({"authorization", "content-length", "content-type", "host", "origin"})
"""Whoever reads the first of two and whoever reads the last would disagree about who asks for what."""


STOPPING = "stopping"
"""The reason of a refusal that is no more to be recorded: the call that it ends is."""

REASONS = {
    400: "bad_request",
    403: "bad_origin",
    404: "no_session",
    405: "bad_method",
    406: "not_acceptable",
    411: "no_length",
    413: "too_large",
    415: "bad_media_type",
    421: "bad_host",
}


class Refusal(Exception):
    """The request is not served; the client gets this HTTP status and a JSON-RPC error that says why."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: int = INVALID_REQUEST,
        data: Any = None,
        request_id: int | str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason or REASONS.get(status, str(status))
        """Why, in a word, for the record."""

        self.status, self.code, self.data, self.request_id, self.headers = status, code, data, request_id, headers


def read_headers(scope: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """Return the headers of an ASGI scope, names in lower case, and an ``mcp-`` header that stands there twice.

    Raises:
        Refusal: 400, when a header on which a refusal rests stands there twice.
    """
    lines = scope["headers"]
    headers: dict[str, str] = {}
    for name, value in lines:  # a comprehension takes half as long again
        headers[_NAMES.get(name) or _name(name)] = value.decode("latin-1")
    return headers, None if len(headers) == len(lines) else _find_doubled(lines)


def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


_USUAL = """accept accept-encoding accept-language authorization cache-control connection content-length content-type
    cookie host last-event-id mcp-method mcp-name mcp-protocol-version mcp-session-id origin traceparent user-agent
    x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip"""
_NAMES = {name.encode("ascii"): name for name in _USUAL.split()}
"""Names that nearly all requests have: to decode them each time takes as long as to parse a small body."""


def _find_doubled(lines: Iterable[tuple[bytes, bytes]]) -> str | None:
    seen: set[str] = set()
    doubled = None
    for name, _ in lines:
        key = _name(name)
        if key in seen:
            if key in SINGLE_HEADERS:
                raise Refusal(400, f"The header {key} stands there more than once.")
            if key.startswith("mcp-"):
                doubled = key
        seen.add(key)
    return doubled


def check_host(scope: Mapping[str, Any], headers: Headers) -> None:
    """Refuse a Host that is not in ``ALLOWED_HOSTS``, with Django's own rules.

    Raises:
        Refusal: 421.
    """
    if headers.get("host") in _passed_hosts:
        return
    host = host_of(scope, headers)
    if not _is_allowed(host, _allowed_hosts()):
        raise Refusal(421, "This Host is not in ALLOWED_HOSTS.")
    if "host" in headers and not settings.USE_X_FORWARDED_HOST and len(_passed_hosts) < MAX_PASSED_HOSTS:
        _passed_hosts.add(host)


def check_origin(scope: Mapping[str, Any], headers: Headers) -> None:
    """Refuse a page of somebody else's that a browser lets talk to us (transports, Security Warning).

    An Origin is ours when its host is in ``ALLOWED_HOSTS``, when it is in ``CSRF_TRUSTED_ORIGINS``, or when it is the
    Host asked for; under ``ALLOWED_HOSTS = ["*"]`` only the last two count. Others may be in ``ALLOWED_ORIGINS``.

    Raises:
        Refusal: 403.
    """
    origin = headers.get("origin")
    if origin is None:
        return
    try:
        parts = urlsplit(origin)
        host, scheme = parts.netloc, parts.scheme
    except ValueError:
        host = scheme = ""
    named = tuple(each for each in _allowed_hosts() if each != "*")
    ours = host and scheme in ("http", "https") and (_is_allowed(host, named) or host == host_of(scope, headers))
    if not ours and not _is_trusted(origin, scheme, host) and not allows_origin(origin):
        raise Refusal(403, "This Origin may not use the endpoint: see ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS.")


def check_post(scope: Mapping[str, Any], headers: Headers, max_body_bytes: int) -> None:
    """Refuse what is no POST of JSON by a client that takes both forms of answer.

    Raises:
        Refusal: 405, 406, 415, or 413 when the length given is too large.
    """
    if scope["method"] != "POST":
        raise Refusal(405, "Send a POST.", headers=((b"allow", b"POST"),))
    if not _accepts_both(headers.get("accept", "")):
        raise Refusal(406, "The Accept header must name application/json and text/event-stream.")
    check_json(headers, max_body_bytes)


def check_json(headers: Headers, max_body_bytes: int) -> None:
    """Refuse a body that is no JSON, or too large by its own account.

    Raises:
        Refusal: 415 or 413.
    """
    if not _is_json(headers.get("content-type", "")):
        raise Refusal(415, "The Content-Type must be application/json.")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > max_body_bytes:
        raise too_large(max_body_bytes)


def accepts(headers: Headers, media_type: str) -> bool:
    """Whether the Accept header names a media type, or a range that holds it (RFC 9110 §12.5.1)."""
    return _names_type(headers.get("accept", ""), media_type)


def _names_type(accept: str, media_type: str) -> bool:
    accepted = {_media_type(part) for part in accept.split(",")}
    return not accepted.isdisjoint({media_type, "*/*", f"{media_type.partition('/')[0]}/*"})


@lru_cache(maxsize=64)
def _accepts_both(accept: str) -> bool:
    return _names_type(accept, "application/json") and _names_type(accept, "text/event-stream")


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    return _media_type(content_type) == "application/json"


def _media_type(value: str) -> str:
    """Return a media type without its parameters."""
    return value.partition(";")[0].strip().lower()


def doubled(header: str, request_id: int | str | None) -> Refusal:
    """Return the refusal of a routing header that stands there twice: readers of the first and the last disagree."""
    return Refusal(
        400, f"The header {header} stands there more than once.", code=HEADER_MISMATCH, request_id=request_id
    )


def too_large(max_body_bytes: int) -> Refusal:
    """Return the refusal of a body that is too large."""
    return Refusal(413, f"The body is larger than {max_body_bytes} bytes (MAX_BODY_BYTES).")


_passed_hosts: set[str] = set()
"""Hosts that are allowed, so that the next request needs no look at the settings."""

MAX_PASSED_HOSTS = 256


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    _passed_hosts.clear()


def _allowed_hosts() -> tuple[str, ...]:
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return (".localhost", "127.0.0.1", "[::1]")
    return tuple(settings.ALLOWED_HOSTS)


@lru_cache(maxsize=256)
def _is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _is_trusted(origin: str, scheme: str, host: str) -> bool:
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        if trusted == origin:
            return True
        pattern = urlsplit(trusted)
        if pattern.netloc.startswith("*") and pattern.scheme == scheme and host.endswith(pattern.netloc[1:]):
            return True
    return False
