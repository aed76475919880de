"""May this caller see, or call, this component?

What a caller may not have looks like what isn't there. Only what is missing for want of a scope, which the user could
consent to, is shown, and answered with a challenge that names all that is needed (2026-07-28, basic/authorization,
Scope Challenge Handling).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from mcp_types import INVALID_REQUEST

from mcp_django.auth.address import urls_of
from mcp_django.auth.challenges import baseline_challenge, step_up_challenge
from mcp_django.auth.events import tell_refusal
from mcp_django.conf import get_settings
from mcp_django.engine.errors import NotThere
from mcp_django.engine.rights import Rights
from mcp_django.engine.throttling import check_rate
from mcp_django.engine.verdicts import Verdict, judge
from mcp_django.exceptions import ProtocolError
from mcp_django.registry import Access, Kind

if TYPE_CHECKING:
    from mcp_django.engine.compile import Component, Resource
    from mcp_django.engine.exchange import Exchange

C = TypeVar("C", bound="Component")


class MustSignIn(ProtocolError):
    """Only who signs in reaches this, if it is there at all."""

    http_status = 401

    def __init__(self, exchange: Exchange, scopes: tuple[str, ...]) -> None:
        super().__init__(INVALID_REQUEST, "Sign in: this server wants an access token for that.")
        self.http_headers = _authenticate(baseline_challenge(_metadata_url(exchange), scopes=scopes))


class InsufficientScope(ProtocolError):
    """The user has to consent to more (RFC 6750 §3.1)."""

    http_status = 403

    def __init__(self, exchange: Exchange, scopes: tuple[str, ...]) -> None:
        wanted, challenge = step_up_challenge(_metadata_url(exchange), exchange.principal.granted, scopes)
        data = {"error": "insufficient_scope", "scope": " ".join(wanted)}
        super().__init__(INVALID_REQUEST, f"The access token lacks a scope: {', '.join(scopes)}.", data)
        self.http_headers = _authenticate(challenge)


def asks_nothing(exchange: Exchange) -> bool:
    """Whether this caller may see and call all that is there, as often as they like."""
    return not exchange.engine.guarded and exchange.principal.kind != "visitor"


async def admitted(component: C | None, exchange: Exchange) -> C | None:
    """Return a component that this caller may call; ``None`` when there is none, as far as they are concerned.

    Raises:
        MustSignIn: nobody signed in, and whether it is there doesn't concern them.
        InsufficientScope: the user may consent to what is missing.
    """
    if component is None:
        if exchange.principal.kind == "visitor":
            await _refuse_visitor(exchange)
        return None
    if asks_nothing(exchange):
        return component
    access = exchange.engine.access[component.declaration.kind, component.key]
    if not access.restricted and exchange.principal.kind != "visitor":
        return component
    match (await _judge([access], exchange))[0]:
        case Verdict.ALLOWED:
            return component
        case Verdict.SIGN_IN:
            await _refuse_visitor(exchange, access.scopes if _is_shown(access, Verdict.SIGN_IN) else ())
        case Verdict.STEP_UP:
            await _step_up(exchange, missing_scopes(access, exchange), _name(component))
    exchange.failure, exchange.key = "forbidden", component.key
    await tell_refusal("forbidden", exchange.engine.declared.path, exchange.principal, _name(component))
    return None


async def admitted_call(component: C | None, exchange: Exchange) -> C | None:
    """Do as ``admitted``, and count the call. Raises also ``Throttled``."""
    component = await admitted(component, exchange)
    if component is not None and exchange.engine.guarded:
        access = exchange.engine.access[component.declaration.kind, component.key]
        if access.throttle is not None:
            await check_rate(access.throttle, component, exchange)
    return component


async def admitted_resource(uri: str, exchange: Exchange) -> tuple[Resource, dict[str, Any]] | None:
    """Return the first resource or template that fits and that this caller may read, and its parameters.

    ``None``: there is none, as far as they are concerned. Raises as ``admitted_call`` does.
    """
    for resource, parameters in _there(uri, exchange):
        if await admitted_call(resource, exchange) is not None:
            return resource, parameters
    await admitted(None, exchange)
    return None


def _there(uri: str, exchange: Exchange) -> list[tuple[Resource, dict[str, Any]]]:
    try:
        return list(exchange.engine.candidates(uri))
    except NotThere:  # a parameter would leave its place
        return []


async def visible_keys(kind: Kind, exchange: Exchange) -> frozenset[str] | None:
    """Return the keys of the components of a kind that a caller sees in a list; ``None``: all of them."""
    if asks_nothing(exchange):
        return None
    keys = [(key, access) for (of, key), access in exchange.engine.access.items() if of == kind]
    verdicts = await _judge([access for _, access in keys], exchange)
    seen = frozenset(key for (key, access), verdict in zip(keys, verdicts, strict=True) if _is_shown(access, verdict))
    return None if len(seen) == len(keys) else seen


def _is_shown(access: Access, verdict: Verdict) -> bool:
    """Whether a list holds it: what one may call, and what a consent away from it declares scopes.

    Nobody could begin to sign in for what nobody sees. What declares no scopes waits until somebody has signed in.
    """
    if verdict is Verdict.SIGN_IN:
        could = bool(access.scopes) and not access.of_user
        return could and get_settings().OAUTH.MISSING_SCOPE == "step_up"
    return verdict in (Verdict.ALLOWED, Verdict.STEP_UP)


async def audible_uris(uris: Iterable[str], exchange: Exchange, *, step_up: bool = True) -> list[str]:
    """Return those URIs that a caller may hear of: all but those where only something is that they may not read.

    What is switched off looks like what isn't there. It is only for whom it is for once it is on again.

    Args:
        step_up: whether the user may be asked to consent to what is missing.

    Raises:
        InsufficientScope: what is missing, all of it in one challenge.
    """
    if asks_nothing(exchange):
        return list(uris)
    heard, missing = [], []
    for uri in uris:
        there = [exchange.engine.access["resource", resource.key] for resource, _ in _there(uri, exchange)]
        verdicts = await _judge(there, exchange)
        if Verdict.ALLOWED in verdicts or not (there or await _is_closed(uri, exchange)):
            heard.append(uri)
        elif Verdict.STEP_UP in verdicts:
            missing += missing_scopes(there[verdicts.index(Verdict.STEP_UP)], exchange)
    if missing and step_up:
        await _step_up(exchange, missing, "resource subscriptions")
    return heard


async def _is_closed(uri: str, exchange: Exchange) -> bool:
    """Whether a caller may not hear of a URI where nothing is now: visitors, and who may not read what is off there."""
    if exchange.principal.kind == "visitor":
        return True
    hidden = exchange.engine.hidden_at(uri)
    accesses = [exchange.engine.hidden_access[resource.key] for resource in hidden]
    return bool(hidden) and Verdict.ALLOWED not in await _judge(accesses, exchange)


def missing_scopes(access: Access, exchange: Exchange) -> list[str]:
    """Return the scopes that the caller's token lacks for a component."""
    return [scope for scope in access.scopes if not exchange.principal.has_scopes(scope)]


async def _judge(accesses: list[Access], exchange: Exchange) -> list[Verdict]:
    """Judge several components. What has to be read of the user is read once for a request."""
    if exchange.rights is None:
        exchange.rights = Rights(exchange.principal)
    return await judge(accesses, exchange.principal, exchange.rights)


async def _refuse_visitor(exchange: Exchange, scopes: tuple[str, ...] = ()) -> NoReturn:
    """Ask for all that is needed at once, where a list shows it: some clients don't step up right after signing in."""
    exchange.failure = "no_token"
    await tell_refusal("no_token", exchange.engine.declared.path, exchange.principal)
    raise MustSignIn(exchange, scopes)


async def _step_up(exchange: Exchange, scopes: list[str], name: str) -> NoReturn:
    exchange.failure = "insufficient_scope"
    await tell_refusal("insufficient_scope", exchange.engine.declared.path, exchange.principal, name)
    raise InsufficientScope(exchange, tuple(dict.fromkeys(scopes)))


def _name(component: Component) -> str:
    return f"{component.declaration.kind} {component.key!r}"


def _metadata_url(exchange: Exchange) -> str:
    return urls_of(exchange.engine.declared, exchange.scope or {}, exchange.headers or {})[1]


def _authenticate(challenge: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"www-authenticate", challenge.encode("ascii")),)
