"""What other services tell a project: signed POSTs, checked before anything of them is parsed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from time import time
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mcp_django.routes.problems import Problem, json_errors
from mcp_django.routes.signatures import STANDARD, InvalidSignature, Signature
from mcp_django.routes.steps import VIEW, Steps, View, around
from mcp_django.signals import webhook_received

logger = logging.getLogger("mcp_django.routes")

MAX_BODY_BYTES = 1024 * 1024
"""Largest body of a webhook unless somebody says otherwise; above it the answer is 413."""

Secrets = Sequence[str] | Callable[[], Sequence[str]]
Receiver = TypeVar("Receiver", bound="Callable[[WebhookEvent], Any]")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What a service tells."""

    source: str
    """The name of the ``Webhook``."""

    type: str
    id: str
    """The same when it is sent again. Empty: the service gives none."""

    data: dict[str, Any]
    """The body."""


def signed(
    signature: Signature = STANDARD, *, secrets: Secrets, max_body_bytes: int = MAX_BODY_BYTES
) -> Callable[[View], View]:
    """Let nobody call a view, sync or async, but who signed the bytes of the body; ``request.body`` has them.

    A body that is too large is refused (413) before it is read to its end, and one that isn't signed (401) before it is
    parsed. The view is exempt from CSRF protection: no cookie counts.

    Args:
        signature: how the service signs: ``GITHUB``, ``STRIPE``, ``STANDARD``, or an ``HMACSignature`` of its own.
        secrets: one, or several while one is exchanged for another; or a function that returns them.
        max_body_bytes: largest body.

    Raises:
        ImproperlyConfigured: there is no secret. Of a function's, when a request comes.
    """
    if not callable(secrets):
        _checked(secrets)

    def steps(request: HttpRequest) -> Steps:
        try:
            body = yield partial(_read, request, max_body_bytes)
            known = _checked((yield secrets) if callable(secrets) else secrets)
            signature.verify(request.headers, body, known, time())
        except Problem as problem:
            return problem.response(request)
        except InvalidSignature as error:
            logger.warning("A webhook was refused: %s.", error, extra={"request": request})
            challenge = {"WWW-Authenticate": f'Signature header="{signature.header}"'}
            return Problem(401, "The signature is missing or not valid.", headers=challenge).response(request)
        return (yield VIEW)

    return lambda view: csrf_exempt(around(view, steps))


class Webhook:
    """One service's webhook: its view, and what its events are for.

    An event goes to the functions of its type, sync or async, and to receivers of the signal ``webhook_received``. What
    one of them raises is answered 500, so that the service sends the event again; receivers see ``event.id``. A type
    that nobody waits for is answered 200: a service would send it for ever.

    Args:
        name: of the service, as receivers of the signal see it.
        signature: as ``signed`` takes it, and so the others.
    """

    def __init__(
        self, name: str, signature: Signature = STANDARD, *, secrets: Secrets, max_body_bytes: int = MAX_BODY_BYTES
    ) -> None:
        self.name, self._signature = name, signature
        self._receivers: dict[str, list[Callable[[WebhookEvent], Any]]] = {}
        guard = signed(signature, secrets=secrets, max_body_bytes=max_body_bytes)
        self.view: Callable[[HttpRequest], HttpResponse] = json_errors(guard(require_POST(self._receive)))
        """For the URLconf: ``path("hooks/github/", github.view)``. Sync, so that ``ATOMIC_REQUESTS`` holds."""

    def on(self, *types: str) -> Callable[[Receiver], Receiver]:
        """Call the function below with each event of these types."""

        def register(receiver: Receiver) -> Receiver:
            for each in types:
                self._receivers.setdefault(each, []).append(receiver)
            return receiver

        return register

    def _receive(self, request: HttpRequest) -> HttpResponse:
        event = self._event(request)
        receivers = self._receivers.get(event.type, ())
        for receiver in receivers:
            (async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver)(event)
        told = webhook_received.send(Webhook, event=event, request=request)
        return JsonResponse({"handled": bool(receivers or told)})

    def _event(self, request: HttpRequest) -> WebhookEvent:
        kind = request.content_type or ""  # without the charset
        if kind != "application/json" and not kind.endswith("+json"):
            raise Problem(415, "The body must be JSON, and the Content-Type say so.")
        try:
            data = json.loads(request.body)
        except (UnicodeDecodeError, RecursionError):
            raise Problem(400, "The body is not JSON.") from None
        if not isinstance(data, dict):
            raise Problem(400, "The body must be a JSON object.")
        headers, by = request.headers, self._signature
        type_ = headers.get(by.event_header) if by.event_header else data.get("type")
        if not isinstance(type_, str):
            raise Problem(400, f"{by.event_header or 'type'} must say what the event is.")
        number = headers.get(by.id_header) if by.id_header else data.get("id")
        return WebhookEvent(source=self.name, type=type_, id="" if number is None else str(number), data=data)


def _checked(secrets: Sequence[str]) -> Sequence[str]:
    if isinstance(secrets, str) or not secrets or not all(secrets):
        raise ImproperlyConfigured("secrets must be a list of at least one secret, none of them empty.")
    return secrets


def _read(request: HttpRequest, limit: int) -> bytes:
    """Return the body, and leave it as ``request.body``. Raises ``Problem``: it is too large, or it ended too early."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdecimal() and int(length[:20]) > limit:
        raise _too_large(limit)
    try:
        body = request.body if hasattr(request, "_body") else request.read(limit + 1)
    except UnreadablePostError:
        raise Problem(400, "The body could not be read to its end.") from None
    if len(body) > limit:
        raise _too_large(limit)
    request._body, request._stream = body, BytesIO(body)  # as Django's ``body`` does
    return body


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The body is larger than {limit} bytes.")
