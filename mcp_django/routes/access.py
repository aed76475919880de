"""May this request call this route? The same rules as for components, except that a route may be seen by all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpRequest

from mcp_django.auth import ANONYMOUS, VISITOR, Principal, authenticate
from mcp_django.auth.address import urls_of
from mcp_django.auth.bearer import bearer_of
from mcp_django.auth.challenges import NotAuthenticated, baseline_challenge, step_up_challenge
from mcp_django.auth.events import tell_refusal
from mcp_django.auth.limits import atake, client_address
from mcp_django.conf import get_settings
from mcp_django.registry import Access, MCPServer, Rate, RouteDeclaration, access_of
from mcp_django.routes.problems import Problem
from mcp_django.transports.scopes import scope_of


def route_access(declaration: RouteDeclaration, server: MCPServer) -> Access:
    """Return what a route asks of callers: nothing, as in FastMCP, where neither it nor its server says otherwise.

    Raises:
        InvalidDeclaration: a default that was set on the server has no meaning.
    """
    access = access_of(declaration, server)
    silent = declaration.public is None and server.public is None and not access.restricted
    return replace(access, public=True) if silent else access


async def admit(request: HttpRequest, declaration: RouteDeclaration, access: Access, server: MCPServer) -> Principal:
    """Return on whose behalf a route is called: by the ``Authorization`` header alone, never by a cookie.

    Raises:
        Problem: 401 or 403 with the challenge of the server's endpoint, 403, or 429 with ``Retry-After``.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    principal = await _caller(request, headers, access, server)
    if not access.public:
        await _judge(request, headers, principal, declaration, access, server)
    if access.throttle is not None:
        await _count(request, principal, declaration, access.throttle, server)
    return principal


async def _caller(request: HttpRequest, headers: Mapping[str, str], access: Access, server: MCPServer) -> Principal:
    if get_settings().AUTH == "none":
        return ANONYMOUS
    if bearer_of(headers) is None:
        if access.public:
            return VISITOR
        await tell_refusal("no_token", server.path, VISITOR)
        challenge = baseline_challenge(_metadata(request, headers, server), scopes=access.scopes)
        raise Problem(401, "Sign in: this route wants an access token.", headers={"WWW-Authenticate": challenge})
    request.get_host()  # refuses one that isn't in ALLOWED_HOSTS
    resource, metadata = urls_of(server, scope_of(request), headers)
    try:
        return await authenticate(headers, resource, metadata, server)
    except NotAuthenticated as error:
        if access.public:  # what it brings may be meant for the route's own function
            return VISITOR
        raise Problem(error.status, str(error), headers={"WWW-Authenticate": error.challenge}) from None


async def _judge(
    request: HttpRequest,
    headers: Mapping[str, str],
    principal: Principal,
    declaration: RouteDeclaration,
    access: Access,
    server: MCPServer,
) -> None:
    from mcp_django.engine.rights import Rights  # loads the SDK, which public routes can do without
    from mcp_django.engine.verdicts import Verdict, judge

    (verdict,) = await judge([access], principal, Rights(principal))
    if verdict is Verdict.ALLOWED:
        return
    name = f"route {declaration.key!r}"
    if verdict is Verdict.STEP_UP:
        missing = [scope for scope in access.scopes if not principal.has_scopes(scope)]
        await tell_refusal("insufficient_scope", server.path, principal, name)
        _, challenge = step_up_challenge(_metadata(request, headers, server), principal.granted, missing)
        message = f"The access token lacks a scope: {', '.join(missing)}."
        raise Problem(403, message, headers={"WWW-Authenticate": challenge})
    await tell_refusal("forbidden", server.path, principal, name)
    raise Problem(403, "You may not do this.")


async def _count(
    request: HttpRequest, principal: Principal, declaration: RouteDeclaration, rate: Rate, server: MCPServer
) -> None:
    name = f"route {declaration.key!r}"
    caller = principal.owner if any(principal.owner) else ("", f"address {client_address(request)}")
    wait = await atake(rate, "route", server.path, name, *caller)
    if wait is not None:
        await tell_refusal("throttled", server.path, principal, name)
        text = f"This route takes {rate.limit} calls in {rate.seconds} seconds: try again in {wait} seconds."
        raise Problem(429, text, headers={"Retry-After": str(wait)})


def _metadata(request: HttpRequest, headers: Mapping[str, str], server: MCPServer) -> str:
    request.get_host()
    return urls_of(server, scope_of(request), headers)[1]
