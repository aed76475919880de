"""Asking a client of 2026-07-28: what is asked, and what the state that it carries is good for."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from mcp import Client
from mcp_types import ElicitResult
from pydantic import BaseModel

from mcp_django import Context, MCPServer
from mcp_django.auth import Principal
from mcp_django.engine import rounds
from mcp_django.registry import server as registered
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.sessions.peer import accept
from tests.sessions.roads import over_http, over_stdio
from tests.wire import MODERN, modern_request, post

pytestmark = pytest.mark.anyio

CAPABLE: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}


class Word(BaseModel):
    word: str


@pytest.fixture(autouse=True)
def _tools(server: MCPServer) -> None:
    """Declare tools and other components that ask for a word, or for two."""
    add_components(server)


def add_components(server: MCPServer) -> None:
    """Declare what asks."""

    async def one(ctx: Context, text: str = "") -> str:
        return str((await ctx.elicit(f"A word{text}?", Word)).data.word)

    async def two(ctx: Context) -> str:
        first = await ctx.elicit("First?", Word)
        return f"{first.data.word} {(await ctx.elicit('Second?', Word)).data.word}"

    for name in ("one", "another"):
        server.add_tool(one, name)
    server.add_tool(two, "two")
    server.add_prompt(two, "two")

    @server.resource("words://{place}")
    async def word(place: str, ctx: Context) -> str:
        return f"{(await ctx.elicit('A word?', Word)).data.word} at {place}"


class Asker:
    """Calls one component again and again, as a client does that carries state and answers."""

    def __init__(self, application: Any, method: str = "tools/call", **params: Any) -> None:
        self.application, self.method, self.params = application, method, params

    async def send(self, state: str | None = None, **answers: Any) -> Any:
        """Return the whole response. ``answers``: by their keys."""
        params = dict(self.params)
        if state is not None:
            params["requestState"] = state
        if answers:
            params["inputResponses"] = answers
        message, headers = modern_request(self.method, params, **CAPABLE)
        return (await post(self.application, message, headers=headers)).json

    async def state(self, **answers: Any) -> str:
        """Let it ask, and return the state that goes with the question."""
        result = (await self.send(**answers))["result"]
        assert result["resultType"] == "input_required"
        return str(result["requestState"])


@pytest.fixture
def one(application: Any) -> Asker:
    return Asker(application, name="one")


@pytest.fixture
def two(application: Any) -> Asker:
    return Asker(application, name="two")


WORD = {"elicitation_1": accept(word="yes")}


def refused(response: Any) -> bool:
    """Whether a state was refused, with the words that say nothing of the reason."""
    return bool(
        response.get("error")
        == {
            "code": -32602,
            "message": "Invalid or expired requestState",
            "data": {"reason": "invalid_request_state"},
        }
    )


# Rounds


async def test_a_question_ends_the_call_and_its_answer_comes_with_the_next(one: Asker) -> None:
    asking = (await one.send())["result"]
    assert asking["resultType"] == "input_required"
    assert list(asking["inputRequests"]) == ["elicitation_1"]
    question = asking["inputRequests"]["elicitation_1"]
    assert (question["method"], question["params"]["mode"]) == ("elicitation/create", "form")
    assert question["params"]["message"] == "A word?"
    assert question["params"]["requestedSchema"]["required"] == ["word"]
    done = (await one.send(asking["requestState"], **WORD))["result"]
    assert (done["resultType"], done["structuredContent"]) == ("complete", {"result": "yes"})


async def test_the_state_remembers_what_was_answered_before(two: Asker) -> None:
    """The client sends only the newest answer: the one before lies in the state."""
    second = (await two.send(await two.state(), elicitation_1=accept(word="first")))["result"]
    assert list(second["inputRequests"]) == ["elicitation_2"]
    done = (await two.send(second["requestState"], elicitation_2=accept(word="second")))["result"]
    assert done["structuredContent"] == {"result": "first second"}


async def test_a_client_may_answer_before_it_is_asked(two: Asker) -> None:
    done = (await two.send(elicitation_1=accept(word="first"), elicitation_2=accept(word="second")))["result"]
    assert done["structuredContent"] == {"result": "first second"}


async def test_an_answer_under_another_key_is_no_answer(one: Asker) -> None:
    asking = (await one.send(await one.state(), elicitation_9=accept(word="yes")))["result"]
    assert list(asking["inputRequests"]) == ["elicitation_1"]


async def test_prompts_and_resources_go_through_rounds_as_well(application: Any) -> None:
    prompt = Asker(application, "prompts/get", name="two")
    second = (await prompt.send(await prompt.state(), elicitation_1=accept(word="a")))["result"]
    done = (await prompt.send(second["requestState"], elicitation_2=accept(word="b")))["result"]
    assert done["messages"][0]["content"]["text"] == "a b"
    read = Asker(application, "resources/read", uri="words://home")
    done = (await read.send(await read.state(), **WORD))["result"]
    assert done["contents"][0]["text"] == "yes at home"


async def test_the_state_says_nothing_to_the_client(two: Asker) -> None:
    state = (await two.send(elicitation_1=accept(word="a secret word")))["result"]["requestState"]
    raw = base64.urlsafe_b64decode(state.split(".")[-1] + "==") + state.encode()
    assert b"secret" not in raw
    assert b"elicitation_1" not in raw


async def test_two_states_of_the_same_question_differ(one: Asker) -> None:
    assert await one.state() != await one.state()


async def test_any_process_with_the_key_goes_on(two: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await two.state()
    monkeypatch.setattr(registered, "_servers", {})
    add_components(again := MCPServer("fixture"))
    elsewhere = Asker(StreamableHTTPConsumer.as_asgi(server=again), name="two")
    asking = (await elsewhere.send(state, elicitation_1=accept(word="x")))["result"]
    assert list(asking["inputRequests"]) == ["elicitation_2"]


# What a state is not good for


@pytest.mark.parametrize("place", [0, 5, 40, -1])
async def test_a_state_that_was_tampered_with_is_refused(
    one: Asker, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    state = await one.state()
    changed = "A" if state[place] != "A" else "B"
    tampered = state[:place] + changed + (state[place + 1 :] if place != -1 else "")
    assert refused(await one.send(tampered, **WORD))
    assert "A requestState was refused" in caplog.text


@pytest.mark.parametrize("state", ["", "x", "v1.", "a.b.c", "é", "A" * 10_000, "\x00"])
async def test_what_never_was_a_state_is_refused(one: Asker, state: str) -> None:
    assert refused(await one.send(state, **WORD))


async def test_a_state_that_is_no_string_is_a_bad_request(one: Asker) -> None:
    response = await one.send(5, **WORD)  # type: ignore[arg-type]
    assert response["error"]["code"] == -32602


async def test_a_state_is_good_for_ten_minutes(one: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    state, now = await one.state(), rounds.time()
    monkeypatch.setattr(rounds, "time", lambda: now + 590)
    assert (await one.send(state, **WORD))["result"]["resultType"] == "complete"
    monkeypatch.setattr(rounds, "time", lambda: now + 610)
    assert refused(await one.send(state, **WORD))


async def test_a_state_is_good_for_its_component_alone(application: Any, one: Asker, two: Asker) -> None:
    assert refused(await Asker(application, name="another").send(await one.state(), **WORD))
    assert refused(await Asker(application, "prompts/get", name="two").send(await two.state(), **WORD))
    here, there = (Asker(application, "resources/read", uri=f"words://{place}") for place in ("here", "there"))
    assert refused(await there.send(await here.state(), **WORD))


@pytest.mark.parametrize("arguments", [{}, {"text": "b"}, {"text": "a", "more": 1}, {"text": ""}])
async def test_a_state_is_good_for_its_arguments_alone(application: Any, arguments: dict[str, Any]) -> None:
    state = await Asker(application, name="one", arguments={"text": "a"}).state()
    assert refused(await Asker(application, name="one", arguments=arguments).send(state, **WORD))


async def test_the_order_of_the_arguments_does_not_matter(application: Any, server: MCPServer) -> None:
    @server.tool
    async def pair(a: int, b: int, ctx: Context) -> str:
        return str((await ctx.elicit("A word?", Word)).data.word)

    state = await Asker(application, name="pair", arguments={"a": 1, "b": 2}).state()
    done = (await Asker(application, name="pair", arguments={"b": 2, "a": 1}).send(state, **WORD))["result"]
    assert done["structuredContent"] == {"result": "yes"}


async def test_a_state_is_good_for_its_server_alone(one: Asker) -> None:
    other = MCPServer("other")
    add_components(other)
    elsewhere = Asker(StreamableHTTPConsumer.as_asgi(server=other), name="one")
    assert refused(await elsewhere.send(await one.state(), **WORD))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Principal(), Principal(account=User(pk=1))),
        (Principal(account=User(pk=1)), Principal(account=User(pk=2))),
        (Principal(account=User(pk=1), client_id="a"), Principal(account=User(pk=1), client_id="b")),
    ],
    ids=["signed in meanwhile", "another user", "another client of the user"],
)
async def test_a_state_is_good_for_its_caller_alone(server: MCPServer, first: Principal, second: Principal) -> None:
    """Over stdio, where a principal can be chosen; the state wanders from one connection to the other."""
    states: list[str] = []

    async def note(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    async def ask(client: Client, state: str | None) -> Any:
        return await client.session.call_tool(
            "one",
            allow_input_required=True,
            **({} if state is None else {"request_state": state, "input_responses": {"elicitation_1": ANSWER}}),
        )

    for principal in (first, second, first):
        async with over_stdio(server, MODERN, principal, elicitation_callback=note) as client, asyncio.timeout(10):
            if not states:
                states.append((await ask(client, None)).request_state)
            elif principal is second:
                with pytest.raises(Exception, match="Invalid or expired requestState"):
                    await ask(client, states[0])
            else:
                assert (await ask(client, states[0])).structured_content == {"result": "yes"}


ANSWER = ElicitResult(action="accept", content={"word": "yes"})


# Keys


async def test_a_state_outlives_a_change_of_the_secret_key_as_long_as_the_old_one_is_a_fallback(
    one: Asker, settings: Any
) -> None:
    old, state = settings.SECRET_KEY, await one.state()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", ["an older one", old]
    assert (await one.send(state, **WORD))["result"]["resultType"] == "complete"
    settings.SECRET_KEY_FALLBACKS = ["an older one"]
    assert refused(await one.send(state, **WORD))


async def test_a_state_is_sealed_under_the_newest_key(one: Asker, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
    state = await one.state()
    settings.SECRET_KEY_FALLBACKS = []
    assert (await one.send(state, **WORD))["result"]["resultType"] == "complete"


async def test_a_key_may_be_its_own_fallback(one: Asker, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    assert (await one.send(await one.state(), **WORD))["result"]["resultType"] == "complete"


async def test_bytes_may_be_a_key(one: Asker, settings: Any) -> None:
    settings.SECRET_KEY = b"\xff\x00 bytes"
    assert (await one.send(await one.state(), **WORD))["result"]["resultType"] == "complete"


# What the function has done before it asks


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("flavour", ["sync", "async"])
async def test_an_atomic_tool_is_rolled_back_between_the_rounds(
    server: MCPServer, application: Any, flavour: str
) -> None:
    @server.tool(name="sync", atomic=True)
    def sync_tool(ctx: Context) -> int:
        Group.objects.create(name="staff")
        ctx.elicit_sync("A word?", Word)
        return Group.objects.count()

    @server.tool(name="async", atomic=True)
    async def async_tool(ctx: Context) -> int:
        await Group.objects.acreate(name="staff")
        await ctx.elicit("A word?", Word)
        return await Group.objects.acount()

    asker = Asker(application, name=flavour)
    state = await asker.state()
    assert await Group.objects.acount() == 0
    done = (await asker.send(state, **WORD))["result"]
    assert done["structuredContent"] == {"result": 1}
    assert await Group.objects.acount() == 1


async def test_nobody_catches_a_question_with_except_exception(server: MCPServer, application: Any) -> None:
    @server.tool
    async def careless(ctx: Context) -> str:
        try:
            return str((await ctx.elicit("A word?", Word)).data.word)
        except Exception:
            return "swallowed"

    asker = Asker(application, name="careless")
    done = (await asker.send(await asker.state(), **WORD))["result"]
    assert done["structuredContent"] == {"result": "yes"}


async def test_the_official_client_gives_up_after_many_rounds(server: MCPServer, application: Any) -> None:
    """A client that never answers as it is asked is asked again each time; it is the client that ends it."""
    rounds_seen = 0

    async def wrong(context: Any, params: Any) -> ElicitResult:
        nonlocal rounds_seen
        rounds_seen += 1
        return ElicitResult(action="accept", content={"other": str(rounds_seen)})

    async with over_http(application, mode=MODERN, elicitation_callback=wrong) as client, asyncio.timeout(10):
        with pytest.raises(Exception, match="round"):
            await client.call_tool("one")
    assert rounds_seen > 1
