"""Requests from the server to a handshake client, whose answer may arrive at any worker.

The question goes out on the stream of the call that asks. The answer comes in a POST of its own: to this process, and
it is handed over; or to another, which writes it into the question's row and nudges this one. The nudge may be lost, so
the rows of all calls that wait are also looked at now and then, in one query.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import IntegrityError

from mcp_django.lanes import on_own_thread
from mcp_django.models import Question
from mcp_django.sessions.hub import Hub, get_hub
from mcp_django.sessions.store import LiveSession

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1
"""How often a process looks for answers of whose arrival it may not have been told."""

MAX_LOOK = 500
"""Most questions that one query looks at."""

Answer = dict[str, Any]
"""The client's JSON-RPC response: with ``result`` or with ``error``."""


class SessionEnded(Exception):
    """The session is over, so that no answer can come any more."""


class Waiting:
    """One call that waits for one answer."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self._outcome: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def take(self, answer: Answer | None) -> None:
        """Take the first answer there is; ``None`` when none can come any more."""
        if not self._outcome.done():
            self._outcome.set_result(answer)

    async def answer(self) -> Answer:
        """Wait for it. Raises ``SessionEnded`` when the session ends meanwhile."""
        answer = await self._outcome
        if answer is None:
            raise SessionEnded("The session has ended.")
        return answer


class Questions:
    """What the calls of one process and loop wait for."""

    def __init__(self, hub: Hub) -> None:
        self.waiting: dict[Any, Waiting] = {}
        self._nudged: set[str] = set()
        self._wake = asyncio.Event()
        self._looking = False
        hub.on("answered", self._answered)
        hub.on("ended", self._session_ended)

    def add(self, question_id: str, waiting: Waiting, hub: Hub) -> None:
        """Wait for an answer. Its row must be there by now, if answers come through rows."""
        self.waiting[question_id] = waiting
        if hub.layer is not None and not self._looking:
            self._looking = True
            hub.start(self._look())

    def remove(self, question_id: str) -> None:
        """Wait no longer, if it was waited for."""
        self.waiting.pop(question_id, None)
        if not self.waiting:
            self._wake.set()

    async def _look(self) -> None:
        """While anybody waits, look at the rows: at those that a nudge names at once, at all every second."""
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_SECONDS
        try:
            while self.waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._wake.wait()
                self._wake.clear()
                late = loop.time() >= due
                named = list(self.waiting) if late else [each for each in self._nudged if each in self.waiting]
                self._nudged.clear()
                await self._read(named)
                due = loop.time() + LOOK_SECONDS if late else due
        finally:
            self._looking = False

    async def _read(self, question_ids: list[str]) -> None:
        for start in range(0, len(question_ids), MAX_LOOK):
            part = question_ids[start : start + MAX_LOOK]
            try:
                answers = await on_own_thread(_read, part)
            except Exception:  # such as a database that restarts: those who wait go on waiting
                logger.exception("Looking for the answers of clients failed; trying again.")
                return
            for question_id in part:
                if (waiting := self.waiting.get(question_id)) is None:
                    continue
                if question_id not in answers:  # it went with its session
                    waiting.take(None)
                elif (answer := answers[question_id]) is not None:
                    waiting.take(json.loads(answer))

    def _answered(self, question_id: str) -> None:
        if question_id in self.waiting:
            self._nudged.add(question_id)
            self._wake.set()

    def _session_ended(self, session_id: str) -> None:
        for waiting in self.waiting.values():
            if waiting.session_id == session_id:
                waiting.take(None)


async def ask(session: LiveSession, send: Callable[[str], Awaitable[None]]) -> Answer:
    """Ask the client, and wait for what it answers.

    Args:
        send: sends the request with the id that it is given.

    Raises:
        SessionEnded: it has ended meanwhile.
    """
    hub, question_id = get_hub(), f"mcp-{secrets.token_urlsafe(16)}"
    questions, waiting = get_questions(hub), Waiting(session.id)
    shared = hub.layer is not None
    try:
        if shared:
            await on_own_thread(_insert, question_id, session.id)
        questions.add(question_id, waiting, hub)
        await send(question_id)
        return await waiting.answer()
    finally:
        questions.remove(question_id)
        if shared:
            await asyncio.shield(on_own_thread(_delete, question_id))


async def take_answer(session: LiveSession, question_id: Any, answer: Answer) -> None:
    """Take a client's response to the call that waits for it. What nobody asked for is dropped."""
    hub = get_hub()
    waiting = get_questions(hub).waiting.get(question_id)
    if waiting is not None:
        if waiting.session_id == session.id:
            waiting.take(answer)
        return
    elsewhere = hub.layer is not None and isinstance(question_id, str) and len(question_id) <= 64
    if elsewhere and await on_own_thread(_write, question_id, session.id, answer) == 1:
        hub.publish(("answered", question_id))


_questions: WeakKeyDictionary[Hub, Questions] = WeakKeyDictionary()


def get_questions(hub: Hub) -> Questions:
    """Return the questions of the hub's process and loop."""
    if hub not in _questions:
        _questions[hub] = Questions(hub)
    return _questions[hub]


def _insert(question_id: str, session_id: str) -> None:
    try:
        Question.objects.create(id=question_id, session_id=session_id)
    except IntegrityError as error:
        raise SessionEnded("The session has ended.") from error


def _read(question_ids: Collection[str]) -> dict[str, str | None]:
    """Return the answers, as JSON, by question. A question that is gone is missing."""
    return dict(Question.objects.filter(pk__in=question_ids).values_list("pk", "answer"))


def _write(question_id: str, session_id: str, answer: Answer) -> int:
    unanswered = Question.objects.filter(pk=question_id, session=session_id, answer=None)
    return unanswered.update(answer=json.dumps(answer))


def _delete(question_id: str) -> None:
    Question.objects.filter(pk=question_id).delete()
