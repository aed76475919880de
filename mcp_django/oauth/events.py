"""What happened that matters to security: signals for a project's own audit, and records of ``mcp_django.oauth``.

None of them carries a token, a code or a secret.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse

from mcp_django import signals
from mcp_django.auth.limits import client_address

logger = logging.getLogger("mcp_django.oauth")

_MAX = 200


def consent_given(request: HttpRequest, application: Any, scopes: Iterable[str], *, more: bool) -> None:
    """Somebody allowed a client what it asked for; ``more``: it had been allowed something before."""
    granted = sorted(scopes)
    signals.consent_given.send(sender=None, request=request, application=application, scopes=granted, step_up=more)
    word = "Step-up" if more else "Consent"
    logger.info("%s: user %s, client %s, scopes %s", word, request.user.pk, _name(application), " ".join(granted))


def consent_denied(request: HttpRequest, application: Any) -> None:
    """Somebody didn't."""
    signals.consent_denied.send(sender=None, request=request, application=application)
    logger.info("Consent denied: user %s, client %s", request.user.pk, _name(application))


def client_registered(request: HttpRequest, application: Any) -> None:
    """A client registered itself."""
    signals.client_registered.send(sender=None, request=request, application=application)
    logger.info("Client registered: %s from %s", _name(application), client_address(request))


def client_disconnected(user: Any, application: Any, count: int) -> None:
    """All tokens that a client had of a user ended."""
    signals.client_disconnected.send(sender=None, user=user, application=application)
    logger.info("Disconnected: user %s, client %s, %d tokens", user.pk, _name(application), count)


def token_revoked(request: HttpRequest, application: Any, *, by: Any = None) -> None:
    """A token was ended: by its client (RFC 7009), or ``by`` a member of the staff."""
    signals.token_revoked.send(sender=None, request=request, application=application)
    who = f"by user {by.pk}" if by is not None else f"from {client_address(request)}"
    logger.info("Revocation: client %s %s", _name(application), who)


def refused(request: HttpRequest, what: str, status: int, error: str) -> None:
    """A client was refused ``what`` it wanted, with an error of RFC 6749 §5.2."""
    signals.oauth_refused.send(sender=None, request=request, what=what, status=status, error=error)
    form = {} if what == "registration" else request.POST  # whose body is no form, whatever it calls itself
    client_id = _printable(form.get("client_id") or request.GET.get("client_id") or "unknown")
    address = client_address(request)
    logger.warning("Refused: %s, %s %s, client %s from %s", what, status, _printable(error), client_id, address)


def error_of(response: HttpResponse) -> str:
    """Return the error that an answer in JSON names; empty when it names none."""
    try:
        return str(json.loads(response.content).get("error", ""))
    except (ValueError, AttributeError):
        return ""


def _name(application: Any) -> str:
    return "unknown" if application is None else _printable(str(application.client_id))


def _printable(text: str) -> str:
    """Return a client's own words so that they stay on one line of a log."""
    return "".join(c if c.isprintable() else "?" for c in text[:_MAX])
