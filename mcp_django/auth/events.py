"""Telling of what was refused: to the log ``mcp_django.auth``, and to receivers of ``access_refused``.

Neither is told tokens, arguments, or what else a client sent.
"""

from __future__ import annotations

import logging
from functools import partial

from mcp_django.auth.principal import Principal
from mcp_django.lanes import on_thread
from mcp_django.signals import access_refused

logger = logging.getLogger("mcp_django.auth")

_EXPECTED = frozenset({"no_token", "insufficient_scope"})
"""How every client begins to sign in, or to ask for more: nobody need look into it."""


async def tell_refusal(reason: str, server: str, principal: Principal, component: str = "") -> None:
    """Tell that a request was refused.

    Args:
        reason: ``"no_token"``, ``"malformed"``, ``"unknown_token"``, ``"expired"``, ``"audience"``, ``"no_user"``,
            ``"inactive_user"``, ``"no_scope"``, ``"insufficient_scope"``, ``"forbidden"`` or ``"throttled"``.
        component: kind and key of the component, if it is there.
    """
    logger.log(
        logging.INFO if reason in _EXPECTED else logging.WARNING,
        "Refused (%s): server %r, %s, user %s, client %s.",
        reason,
        server,
        component or "any component",
        principal.owner[0] or "nobody",
        principal.client_id,
    )
    if access_refused.has_listeners(Principal):
        tell = partial(access_refused.send_robust, Principal, reason=reason, server=server, principal=principal)
        await on_thread(partial(tell, component=component))
