from __future__ import annotations

import asyncio

import pytest

from mcp_django.sessions.events import Event
from mcp_django.sessions.listeners import LIST_KINDS, Listener, Listeners

pytestmark = pytest.mark.anyio

TOOLS, PROMPTS = Event("a", "tools"), Event("a", "prompts")


def resource(uri: str, server: str = "a") -> Event:
    return Event(server, "resource", uri)


@pytest.fixture
def listeners() -> Listeners:
    return Listeners()


def add(
    listeners: Listeners, *uris: str, server: str = "a", kinds: tuple[str, ...] = (), session: str = ""
) -> Listener:
    listener = Listener(server, kinds, uris, session=session)
    listeners.add(listener)
    return listener


async def woken(listener: Listener) -> list[Event]:
    """Wait until a listener is awake, and return what it has to send."""
    async with asyncio.timeout(5):
        await listener.woken()
    return listener.take()


async def test_an_event_reaches_those_who_wait_for_it_and_nobody_else(listeners: Listeners) -> None:
    tools, one, other_server = (
        add(listeners, kinds=("tools",)),
        add(listeners, "x://1"),
        add(listeners, "x://1", server="b", kinds=tuple(LIST_KINDS)),
    )
    for event in (TOOLS, PROMPTS, resource("x://1"), resource("x://2")):
        listeners.tell(event)
    assert tools.take() == [TOOLS]
    assert one.take() == [resource("x://1")]
    assert other_server.take() == []


async def test_what_happens_twice_before_it_is_sent_is_sent_once_in_its_first_place(listeners: Listeners) -> None:
    listener = add(listeners, "x://1", kinds=("tools",))
    for event in (resource("x://1"), TOOLS, resource("x://1"), TOOLS):
        listeners.tell(event)
    assert listener.take() == [resource("x://1"), TOOLS]
    listeners.tell(TOOLS)
    assert listener.take() == [TOOLS]


async def test_a_listener_that_is_never_read_holds_each_event_once(listeners: Listeners) -> None:
    listener = add(listeners, "x://1", "x://2")
    for number in range(10_000):
        listeners.tell(resource(f"x://{number % 3}"))
    assert len(listener.take()) == 2


async def test_an_event_wakes_who_waits(listeners: Listeners) -> None:
    listener = add(listeners, "x://1")
    assert not listener.awake
    waiting = asyncio.ensure_future(woken(listener))
    await asyncio.sleep(0)
    assert not waiting.done()
    listeners.tell(resource("x://1"))
    assert listener.awake
    assert await waiting == [resource("x://1")]
    assert not listener.awake


async def test_what_arrives_while_a_listener_gives_up_waiting_is_not_lost(listeners: Listeners) -> None:
    listener = add(listeners, "x://1")
    waiting = asyncio.ensure_future(woken(listener))
    await asyncio.sleep(0)
    listeners.tell(resource("x://1"))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert listener.take() == [resource("x://1")]


async def test_everything_is_what_a_listener_waits_for_and_no_more(listeners: Listeners) -> None:
    one, lists = add(listeners, "x://1", "x://2"), add(listeners, kinds=("tools", "prompts"))
    listeners.tell_everything()
    assert set(one.take()) == {resource("x://1"), resource("x://2")}
    assert set(lists.take()) == {TOOLS, PROMPTS}


async def test_a_listener_that_has_ended_waits_no_more(listeners: Listeners) -> None:
    listener = add(listeners, "x://1")
    listeners.end_all()
    assert (listener.ended, listener.awake, listener.take()) == (True, True, [])


async def test_a_listener_that_is_touched_wakes_to_look(listeners: Listeners) -> None:
    listener = add(listeners, "x://1")
    waiting = asyncio.ensure_future(woken(listener))
    await asyncio.sleep(0)
    listener.touch()
    assert await waiting == []
    assert (listener.stale, listener.ended, listener.awake) == (True, False, True)


async def test_a_listener_that_was_removed_hears_nothing(listeners: Listeners) -> None:
    listener = add(listeners, "x://1", kinds=("tools",), session="s")
    listeners.remove(listener)
    listeners.remove(listener)
    listeners.tell(TOOLS)
    listeners.tell_everything()
    assert (listener.take(), len(listeners), listeners.of_session("s")) == ([], 0, None)


async def test_a_listener_may_wait_for_other_resources_than_before(listeners: Listeners) -> None:
    listener = add(listeners, "x://1", kinds=("tools",), session="s")
    listeners.tell(resource("x://1"))
    listeners.resubscribe(listener, ["x://2"])
    for event in (resource("x://1"), resource("x://2"), TOOLS):
        listeners.tell(event)
    assert listener.take() == [resource("x://1"), resource("x://2"), TOOLS]
    assert (listeners.of_session("s"), listener.ended) == (listener, False)


async def test_a_listener_that_is_gone_does_not_come_back_by_subscribing(listeners: Listeners) -> None:
    listener = add(listeners, "x://1")
    listeners.remove(listener)
    listeners.resubscribe(listener, ["x://2"])
    listeners.tell(resource("x://2"))
    assert (len(listeners), listener.take()) == (0, [])


async def test_a_session_has_one_listener_and_the_newer_ends_the_older(listeners: Listeners) -> None:
    older, newer = add(listeners, session="s"), add(listeners, session="s")
    assert (older.ended, newer.ended, listeners.of_session("s")) == (True, False, newer)
    listeners.remove(older)
    assert listeners.of_session("s") is newer


async def test_an_older_one_that_subscribes_meanwhile_does_not_end_the_newer(listeners: Listeners) -> None:
    """It may be looking at its session just when the newer one comes."""
    older, newer = add(listeners, "x://1", session="s"), add(listeners, "x://1", session="s")
    listeners.resubscribe(older, ["x://2"])
    assert (older.ended, newer.ended, listeners.of_session("s")) == (True, False, newer)
    listeners.remove(older)
    listeners.remove(newer)
    assert listeners._by_topic == {}


async def test_many_listeners_may_have_no_session(listeners: Listeners) -> None:
    first, second = add(listeners), add(listeners)
    assert (first.ended, second.ended, len(listeners)) == (False, False, 2)


async def test_listeners_are_counted_by_their_owner(listeners: Listeners) -> None:
    for owner in (("1", "app"), ("1", "app"), ("1", "other"), ("", "")):
        add(listeners).owner = owner
    assert [listeners.count_of(owner) for owner in (("1", "app"), ("1", "other"), ("2", "app"))] == [2, 1, 0]


async def test_nothing_is_kept_of_listeners_that_left(listeners: Listeners) -> None:
    for number in range(100):
        listeners.remove(add(listeners, f"x://{number}", kinds=tuple(LIST_KINDS), session=str(number)))
    assert (len(listeners), listeners._by_topic, listeners._by_session) == (0, {}, {})


def test_an_event_names_its_notification() -> None:
    assert (TOOLS.method, TOOLS.params) == ("notifications/tools/list_changed", {})
    updated = resource("x://1")
    assert (updated.method, updated.params) == ("notifications/resources/updated", {"uri": "x://1"})
    assert Event("a", "prompts").method == "notifications/prompts/list_changed"
    assert Event("a", "resources").method == "notifications/resources/list_changed"


async def test_a_listener_that_is_touched_is_heeded_once(listeners: Listeners) -> None:
    listener = add(listeners)
    listener.touch()
    assert listener.take() == []
    assert [listener.heed(), listener.heed()] == [True, False]


def test_listeners_to_the_same_lists_share_one_set() -> None:
    first, second = (Listener("", ["tools", "prompts"], ()) for _ in range(2))
    assert first.kinds is second.kinds
