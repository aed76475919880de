"""How an answer finds the call that waits for it. A layer of the test's own makes this process one of several."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from mcp_django.auth import ANONYMOUS
from mcp_django.models import Question, Session
from mcp_django.sessions import hub as hubs
from mcp_django.sessions import questions
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.hub import Hub, close_hub
from mcp_django.sessions.questions import SessionEnded, ask, take_answer
from mcp_django.sessions.store import LiveSession, end_session, open_session
from tests.sessions.layers import SharedLayer
from tests.sessions.queries import note_queries

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sessions")]

SECONDS = 10
ANSWER: dict[str, Any] = {"jsonrpc": "2.0", "id": "mcp-1", "result": {"action": "accept", "content": {"a": "\0 é"}}}


class Asking:
    """A question, under way."""

    def __init__(self, session: LiveSession) -> None:
        self.sent = asyncio.Event()
        self.id = ""
        self.task = asyncio.ensure_future(ask(session, self._send))

    async def _send(self, question_id: str) -> None:
        self.id = question_id
        self.sent.set()

    async def begun(self) -> Asking:
        """Wait until the client has the question."""
        async with asyncio.timeout(SECONDS):
            await self.sent.wait()
        return self

    async def answer(self) -> Any:
        """Wait for the answer."""
        async with asyncio.timeout(SECONDS):
            return await self.task

    async def is_waiting(self) -> bool:
        """Whether it still waits, after a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(self.task)
        return not self.task.done()


@asynccontextmanager
async def one_of_several() -> AsyncIterator[SharedLayer]:
    """Let the hub of the loop be one of several."""
    layer = SharedLayer()
    hub = Hub(layer)
    hubs._hubs[hub.loop] = hub
    await hub.joined()
    yield layer
    await close_hub()


@pytest.fixture
async def layer() -> AsyncIterator[SharedLayer]:
    async with one_of_several() as layer:
        yield layer


@pytest.fixture(params=["one process", "several"])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Run the test in the only process there is, and as one of several."""
    async with one_of_several() if request.param == "several" else nullcontext():
        yield


@pytest.fixture
async def session() -> LiveSession:
    return await open_session("fixture", ANONYMOUS, Connection("2025-11-25"))


@pytest.fixture
async def elsewhere(layer: SharedLayer, session: LiveSession) -> AsyncIterator[Any]:
    """Take an answer as another worker does: with a hub of its own, which knows of no question."""
    here, there = hubs.get_hub(), Hub(layer)
    await there.joined()

    async def take(question_id: str, answer: Any = ANSWER, *, of: LiveSession = session) -> None:
        hubs._hubs[there.loop] = there
        try:
            await take_answer(of, question_id, answer)
        finally:
            hubs._hubs[here.loop] = here

    yield take
    await there.close()


# Here


async def test_an_answer_that_arrives_here_is_handed_over_without_the_database(session: LiveSession) -> None:
    asking = await Asking(session).begun()
    assert await Question.objects.acount() == 0
    await take_answer(session, asking.id, ANSWER)
    assert await asking.answer() == ANSWER


async def test_questions_have_ids_that_nobody_can_guess(session: LiveSession) -> None:
    first, second = [await Asking(session).begun() for _ in range(2)]
    assert first.id != second.id
    assert all(each.id.startswith("mcp-") and len(each.id) >= 20 for each in (first, second))
    for each in (first, second):
        each.task.cancel()


async def test_each_call_gets_its_own_answer(session: LiveSession) -> None:
    askings = [await Asking(session).begun() for _ in range(20)]
    for number, asking in enumerate(reversed(askings)):
        await take_answer(session, asking.id, {"result": number})
    assert [(await asking.answer())["result"] for asking in askings] == list(reversed(range(20)))


@pytest.mark.usefixtures("processes")
async def test_only_the_session_that_was_asked_can_answer(session: LiveSession) -> None:
    other = await open_session("fixture", ANONYMOUS, Connection("2025-11-25"))
    asking = await Asking(session).begun()
    await take_answer(other, asking.id, ANSWER)
    assert await asking.is_waiting()
    await take_answer(session, asking.id, ANSWER)
    assert await asking.answer() == ANSWER


@pytest.mark.parametrize("question_id", ["nope", "", 7, None, "mcp-" + "x" * 1000, "\0", "é"])
async def test_an_answer_that_nobody_asked_for_is_dropped(
    layer: SharedLayer, session: LiveSession, question_id: Any
) -> None:
    await take_answer(session, question_id, ANSWER)
    assert layer.items == []


async def test_the_first_answer_counts(session: LiveSession) -> None:
    asking = await Asking(session).begun()
    await asyncio.gather(*(take_answer(session, asking.id, {"result": number}) for number in range(3)))
    assert await asking.answer() == {"result": 0}


async def test_a_question_that_could_not_be_sent_is_forgotten(layer: SharedLayer, session: LiveSession) -> None:
    async def fail(question_id: str) -> None:
        raise ConnectionError("the client is gone")

    with pytest.raises(ConnectionError):
        await ask(session, fail)
    assert (questions.get_questions(hubs.get_hub()).waiting, await Question.objects.acount()) == ({}, 0)


# By way of another worker


async def test_a_question_lies_in_the_database_while_it_waits(layer: SharedLayer, session: LiveSession) -> None:
    asking = await Asking(session).begun()
    row = await Question.objects.aget()
    assert (row.pk, row.session_id, row.answer) == (asking.id, session.id, None)
    await take_answer(session, asking.id, ANSWER)
    await asking.answer()
    assert await Question.objects.acount() == 0


async def test_an_answer_that_arrives_elsewhere_is_told_of_at_once(
    layer: SharedLayer, session: LiveSession, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 3600)
    asking = await Asking(session).begun()
    await elsewhere(asking.id)
    assert await asking.answer() == ANSWER
    assert layer.items == [["nudge", "answered", asking.id]]
    assert await Question.objects.acount() == 0


async def test_an_answer_is_found_when_nobody_tells_of_it(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    asking = await Asking(session).begun()
    await Question.objects.filter(pk=asking.id).aupdate(answer=json.dumps(ANSWER))
    assert await asking.answer() == ANSWER


async def test_an_answer_that_arrives_before_the_call_waits_is_not_missed(
    layer: SharedLayer, session: LiveSession, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client may be faster than the sending of the question."""
    monkeypatch.setattr(questions, "LOOK_SECONDS", 3600)

    async def send(question_id: str) -> None:
        await elsewhere(question_id)

    async with asyncio.timeout(SECONDS):
        assert await ask(session, send) == ANSWER


async def test_another_session_s_question_is_not_answered_elsewhere(
    layer: SharedLayer, session: LiveSession, elsewhere: Any
) -> None:
    other = await open_session("fixture", ANONYMOUS, Connection("2025-11-25"))
    asking = await Asking(session).begun()
    await elsewhere(asking.id, of=other)
    assert (await Question.objects.aget()).answer is None
    assert layer.items == []
    await elsewhere(asking.id)
    assert await asking.answer() == ANSWER


async def test_the_first_answer_counts_elsewhere_too(
    layer: SharedLayer, session: LiveSession, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 3600)
    asking = await Asking(session).begun()
    layer.lose = 3
    for number in range(3):
        await elsewhere(asking.id, {"result": number})
    assert json.loads((await Question.objects.aget()).answer or "") == {"result": 0}
    asking.task.cancel()
    await asyncio.gather(asking.task, return_exceptions=True)


async def test_all_that_wait_are_looked_at_in_one_query(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    askings = [await Asking(session).begun() for _ in range(20)]
    queries = note_queries(monkeypatch)
    await Question.objects.aupdate(answer=json.dumps(ANSWER))
    assert [await asking.answer() for asking in askings] == [ANSWER] * 20
    looks = [query for query in queries if query.startswith("SELECT") and "mcp_django_question" in query]
    assert len(looks) < 20


async def test_more_than_one_query_can_hold_are_all_looked_at(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(questions, "MAX_LOOK", 3)
    askings = [await Asking(session).begun() for _ in range(7)]
    await Question.objects.aupdate(answer=json.dumps(ANSWER))
    assert [await asking.answer() for asking in askings] == [ANSWER] * 7


async def test_a_nudge_leads_to_a_look_at_its_question_alone(
    layer: SharedLayer, session: LiveSession, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 3600)
    first, second = [await Asking(session).begun() for _ in range(2)]
    await Question.objects.filter(pk=second.id).aupdate(answer=json.dumps(ANSWER))
    await elsewhere(first.id)
    assert await first.answer() == ANSWER
    assert await second.is_waiting()
    await take_answer(session, second.id, ANSWER)
    await second.answer()


async def test_nobody_looks_when_nobody_waits(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 3600)
    hub = hubs.get_hub()
    idle = set(hub._tasks)
    asking = await Asking(session).begun()
    (look,) = hub._tasks - idle
    await take_answer(session, asking.id, ANSWER)
    await asking.answer()
    async with asyncio.timeout(SECONDS):
        await look
    again = await Asking(session).begun()
    assert len(hub._tasks - idle) == 1
    await take_answer(session, again.id, ANSWER)
    await again.answer()


async def test_a_look_that_fails_is_told_in_the_log_and_tried_again(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    failures = iter([OperationalError("the database went away")])
    read = questions._read

    def fail_once(question_ids: Any) -> Any:
        for failure in failures:
            raise failure
        return read(question_ids)

    monkeypatch.setattr(questions, "_read", fail_once)
    asking = await Asking(session).begun()
    await Question.objects.aupdate(answer=json.dumps(ANSWER))
    assert await asking.answer() == ANSWER
    assert "Looking for the answers of clients failed; trying again." in caplog.text


# Nobody waits, or nobody will answer


async def test_a_call_that_is_cancelled_leaves_no_question_behind(layer: SharedLayer, session: LiveSession) -> None:
    asking = await Asking(session).begun()
    asking.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking.answer()
    assert (questions.get_questions(hubs.get_hub()).waiting, await Question.objects.acount()) == ({}, 0)


@pytest.mark.usefixtures("processes")
async def test_a_call_does_not_wait_for_a_session_that_has_ended(session: LiveSession) -> None:
    asking = await Asking(session).begun()
    await end_session(session)
    with pytest.raises(SessionEnded):
        await asking.answer()
    assert questions.get_questions(hubs.get_hub()).waiting == {}


async def test_a_call_finds_out_when_nobody_tells_it_that_its_session_has_ended(
    layer: SharedLayer, session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    asking = await Asking(session).begun()
    await Session.objects.all().adelete()
    with pytest.raises(SessionEnded):
        await asking.answer()


async def test_a_session_that_has_ended_is_asked_nothing(layer: SharedLayer, session: LiveSession) -> None:
    await sync_to_async(Session.objects.all().delete)()
    asking = Asking(session)
    with pytest.raises(SessionEnded):
        await asking.answer()
    assert not asking.sent.is_set()
