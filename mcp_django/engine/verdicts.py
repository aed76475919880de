"""What a caller may do with something that asks for ``Access``: a component of the protocol, or a route."""

from __future__ import annotations

from enum import Enum

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.engine.rights import Rights, asks_async, needs_thread
from mcp_django.lanes import on_thread
from mcp_django.registry import Access


class Verdict(Enum):
    """What a caller may do with a component."""

    ALLOWED = "allowed"
    STEP_UP = "step up"
    """Its token lacks a scope that the user may consent to."""

    SIGN_IN = "sign in"
    """Nobody has signed in, and it isn't public."""

    HIDDEN = "hidden"


async def judge(accesses: list[Access], principal: Principal, rights: Rights) -> list[Verdict]:
    """Judge several at once. What has to be read of the user is read in a thread."""
    verdicts = [_at_first_sight(access, principal) for access in accesses]
    asked = [
        place
        for place, access in enumerate(accesses)
        if verdicts[place] in (Verdict.ALLOWED, Verdict.STEP_UP) and access.of_user
    ]
    if any(needs_thread(accesses[place], principal) for place in asked):
        allowed = await on_thread(lambda: [rights.allow(accesses[place]) for place in asked])
    else:
        allowed = [rights.allow(accesses[place]) for place in asked]
    for place, may in zip(asked, allowed, strict=True):
        if not may or (asks_async(accesses[place]) and not await rights.allow_async(accesses[place])):
            verdicts[place] = Verdict.HIDDEN
    return verdicts


def _at_first_sight(access: Access, principal: Principal) -> Verdict:
    """Judge by what is at hand: who signed in, and the scopes of the token."""
    if access.public:
        return Verdict.ALLOWED
    if principal.kind == "visitor":
        return Verdict.SIGN_IN
    if principal.has_scopes(*access.scopes):
        return Verdict.ALLOWED
    steps = principal.interactive and get_settings().OAUTH.MISSING_SCOPE == "step_up"
    return Verdict.STEP_UP if steps else Verdict.HIDDEN
