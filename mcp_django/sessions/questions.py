"""Requests from the server to a handshake client, whose answer may arrive at any worker.

The question goes out on the stream of the call that asks. The answer comes in a POST of its own: to this process, and
it is handed over; or to another, which writes it into the question's row and nudges this one. The nudge may be lost, so
the row is also looked at now and then.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.db import IntegrityError

from mcp_django.models import Question
from mcp_django.sessions.hub import Hub, get_hub
from mcp_django.sessions.store import LiveSession, in_thread

LOOK_SECONDS = 1
"""How often a call that waits looks for an answer of whose arrival it may not have been told."""

Answer = dict[str, Any]
"""The client's JSON-RPC response: with ``result`` or with ``error``."""


class SessionEnded(Exception):
    """The session is over, so that no answer can come any more."""


class Waiting:
    """One call that waits for one answer."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.answer: Answer | None = None
        self.look = asyncio.Event()
        self.ended = False


async def ask(session: LiveSession, send: Callable[[str], Awaitable[None]]) -> Answer:
    """Ask the client, and wait for what it answers.

    Args:
        send: sends the request with the id that it is given.

    Raises:
        SessionEnded: it has ended meanwhile.
    """
    hub, question_id = get_hub(), f"mcp-{secrets.token_urlsafe(16)}"
    hub.on("answered", _answered)
    hub.on("ended", _session_ended)
    waiting = _waiting(hub)[question_id] = Waiting(session.id)
    shared = hub.layer is not None
    try:
        if shared:
            await in_thread(_insert, question_id, session.id)
        await send(question_id)
        while (answer := waiting.answer) is None:
            await _wait(waiting, LOOK_SECONDS if shared else None)
            if waiting.ended:
                raise SessionEnded("The session has ended.")
            if shared and waiting.answer is None:
                waiting.answer, waiting.ended = await in_thread(_read, question_id)
        return answer
    finally:
        del _waiting(hub)[question_id]
        if shared:
            await asyncio.shield(in_thread(_delete, question_id))


async def take_answer(session: LiveSession, question_id: Any, answer: Answer) -> None:
    """Take a client's response to the call that waits for it. What nobody asked for is dropped."""
    hub = get_hub()
    waiting = _waiting(hub).get(question_id)
    if waiting is not None:
        if waiting.session_id == session.id and waiting.answer is None:
            waiting.answer = answer
            waiting.look.set()
        return
    elsewhere = hub.layer is not None and isinstance(question_id, str) and len(question_id) <= 64
    if elsewhere and await in_thread(_write, question_id, session.id, answer) == 1:
        hub.publish(("answered", question_id))


def _answered(question_id: str) -> None:
    if (waiting := _waiting(get_hub()).get(question_id)) is not None:
        waiting.look.set()


def _session_ended(session_id: str) -> None:
    for waiting in _waiting(get_hub()).values():
        if waiting.session_id == session_id:
            waiting.ended = True
            waiting.look.set()


_waiting_by_hub: WeakKeyDictionary[Hub, dict[Any, Waiting]] = WeakKeyDictionary()


def _waiting(hub: Hub) -> dict[Any, Waiting]:
    return _waiting_by_hub.setdefault(hub, {})


async def _wait(waiting: Waiting, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waiting.look.wait()
    except TimeoutError:
        return
    waiting.look.clear()


def _insert(question_id: str, session_id: str) -> None:
    try:
        Question.objects.create(id=question_id, session_id=session_id)
    except IntegrityError as error:
        raise SessionEnded("The session has ended.") from error


def _read(question_id: str) -> tuple[Answer | None, bool]:
    """Return the answer, and whether the question is gone, as it goes with its session."""
    found = Question.objects.filter(pk=question_id).values_list("answer", flat=True)[:1]
    for answer in found:
        return (None if answer is None else json.loads(answer)), False
    return None, True


def _write(question_id: str, session_id: str, answer: Answer) -> int:
    unanswered = Question.objects.filter(pk=question_id, session=session_id, answer=None)
    return unanswered.update(answer=json.dumps(answer))


def _delete(question_id: str) -> None:
    Question.objects.filter(pk=question_id).delete()
