"""What tokens are for: the URL of each server (RFC 8707, RFC 9728), and the scopes that exist."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from mcp_django.conf import get_settings
from mcp_django.registry import Kind, MCPServer, access_of, servers

WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""Where the document about a resource is: this, and then the resource's own path (RFC 9728 §3.1)."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_KINDS: tuple[Kind, ...] = ("tool", "resource", "prompt", "route")


def base_url(scheme: str, host: str, root_path: str = "") -> str:
    """Return where this project is, such as ``"https://example.com"``: ``BASE_URL`` when it is set.

    Args:
        scheme: ``"http"`` or ``"https"``.
        host: the ``Host`` of the request, with its port if it has one. ``ALLOWED_HOSTS`` must have checked it.
        root_path: the prefix that the server has taken off the path (ASGI's ``root_path``, WSGI's ``SCRIPT_NAME``).
    """
    pinned = get_settings().OAUTH.BASE_URL
    return canonical(pinned or f"{scheme}://{host}") + root_path.rstrip("/")


def resource_url(server_path: str, base: str) -> str:
    """Return a server's identifier, such as ``"https://example.com/mcp/reports"`` (RFC 8707 §2).

    Args:
        server_path: ``MCPServer.path``; empty for the default server.
        base: what ``base_url`` returns.
    """
    return "/".join(part for part in (base, get_settings().PATH, server_path) if part)


def metadata_url(server_path: str, base: str) -> str:
    """Return the URL of the document that tells clients where to sign in for a server (RFC 9728 §3.1)."""
    resource = urlsplit(resource_url(server_path, base))
    return f"{resource.scheme}://{resource.netloc}{WELL_KNOWN}{resource.path}"


def canonical(url: str) -> str:
    """Return a URL as it is compared: lower-case scheme and host, no default port, no slash at its end.

    Raises:
        ValueError: the port is none.
    """
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(scheme)) else f":{parts.port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{name}{port}{parts.path.rstrip('/')}{query}"


def mcp_scopes() -> dict[str, str]:
    """Return every scope that a server or one of its components asks for, with what to tell people about it.

    The texts are those of ``OAUTH2_PROVIDER["SCOPES"]``; a scope that isn't there is described by its own name.
    """
    names = dict.fromkeys(get_settings().OAUTH.BASELINE_SCOPES)
    for server in servers():
        names.update(dict.fromkeys(sorted(server_scopes(server))))
    described = (getattr(settings, "OAUTH2_PROVIDER", None) or {}).get("SCOPES", {})
    return {name: str(described.get(name, name)) for name in names}


def server_scopes(server: MCPServer) -> frozenset[str]:
    """Return the scopes that a server and its components ask for, or look for themselves."""
    declarations = (each for kind in _KINDS for each in server.declarations(kind))
    asked = {scope for each in declarations for scope in access_of(each, server).scopes}
    return frozenset(asked.union(server.access().scopes, server.valid_scopes))


def implied(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes and all that they include, by ``SCOPE_IMPLIES``."""
    includes = get_settings().OAUTH.SCOPE_IMPLIES
    found: set[str] = set()
    waiting = list(scopes)
    while waiting:
        scope = waiting.pop()
        if scope not in found:
            found.add(scope)
            waiting += includes.get(scope, ())
    return frozenset(found)
