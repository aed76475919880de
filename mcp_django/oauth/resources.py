"""What a token may be asked for (RFC 8707): the identifiers of this project's servers, in one spelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from mcp_django.auth.resources import canonical, mcp_scopes, resource_url
from mcp_django.conf import get_settings
from mcp_django.oauth.issuer import resource_base
from mcp_django.registry import MCPServer, servers


def known_resources(request: Any) -> list[str]:
    """Return the identifiers of all servers, for Django's request or oauthlib's."""
    base = resource_base(request)
    return [resource_url(server.path, base) for server in servers()]


def spelled(resources: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the resources, each as ``known`` spells it, if it is among them."""
    ours = set(known)
    found = []
    for resource in resources:
        try:
            name = canonical(resource)
        except ValueError:
            name = resource
        found.append(name if name in ours else resource)
    return found


def bind(resources: list[str], scopes: Iterable[str], client: Any, request: Any) -> list[str]:
    """Return what a token is for, given what the client asked for.

    A client that names no resource gets a token for the only server; where there are several it has to say which.
    Clients that people have set up may ask for resources of their own, as long as no scope of a server goes with them.

    Args:
        request: Django's request or oauthlib's, for the names of the servers.

    Raises:
        CustomOAuth2Error: ``invalid_target``.
    """
    foreign = client.registration_source == client.RegistrationSource.MANUAL and not set(scopes) & set(mcp_scopes())
    if foreign:
        return resources
    known = known_resources(request)
    if not resources and len(only := _used_servers()) == 1:
        return [resource_url(only[0].path, resource_base(request))]
    found = spelled(resources, known)
    strangers = [resource for resource in found if resource not in known]
    if strangers or not found:
        state = request.GET.get("state") if isinstance(request, HttpRequest) else request.state
        raise invalid_target(strangers, state)
    return list(dict.fromkeys(found))


def names_of(resources: str, request: HttpRequest) -> list[str]:
    """Return how people know the servers that a client asks for; none where there is only one.

    Args:
        resources: their identifiers, with spaces between them.
    """
    base, asked = resource_base(request), resources.split()
    if len(_used_servers()) == 1:
        return []
    found = {resource_url(server.path, base): server for server in servers()}
    settings = get_settings()
    named = [found[each] for each in spelled(asked, found) if each in found]
    return [server.title or server.name or settings.TITLE or settings.NAME or "MCP" for server in named]


def invalid_target(strangers: list[str], state: str | None) -> CustomOAuth2Error:
    """Return the refusal of a resource that nobody serves here (RFC 8707 §2). It tells nobody which ones there are."""
    asked = f"{strangers[0]} is no server of this project" if strangers else "Name the server that the token is for"
    text = f"{asked}: resource must be the URL of its endpoint."
    return CustomOAuth2Error(error="invalid_target", description=_printable(text), state=state)


def _printable(text: str) -> str:
    """Return what may stand in an error_description (RFC 6749 §4.1.2.1)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text[:500])


def _used_servers() -> list[MCPServer]:
    """Return the servers that have components; the default one is always there, used or not."""
    found = servers()
    used = [server for server in found if any(server.declarations(kind) for kind in ("tool", "resource", "prompt"))]
    return used or list(found)
