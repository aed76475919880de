"""What a function asks the client, in every era and over every transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import Elicit, ListRoots, Sample
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ErrorData,
    ListRootsResult,
    Root,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel

from mcp_django import Context, MCPServer, ToolError
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.sessions.peer import SECONDS, Peer, accept, asked, heard, result_of, text_of
from tests.sessions.roads import over_http, over_stdio
from tests.sessions.switch import sessions_on
from tests.wire import MODERN, modern_request, post

pytestmark = pytest.mark.anyio

WAYS = [
    pytest.param(("http", "legacy"), id="http legacy", marks=pytest.mark.django_db(transaction=True)),
    pytest.param(("http", MODERN), id="http modern"),
    pytest.param(("stdio", "legacy"), id="stdio legacy"),
    pytest.param(("stdio", MODERN), id="stdio modern"),
]
"""Only the first keeps a session."""
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"

Ask = Callable[..., AbstractAsyncContextManager[Client]]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Person(BaseModel):
    name: str
    age: int = 0
    colour: Literal["red", "blue"] = "red"


@pytest.fixture
def _sessions(transactional_db: None, settings: Any) -> Iterator[None]:
    with sessions_on(settings):
        yield


@pytest.fixture(params=WAYS)
def ask(request: pytest.FixtureRequest, server: MCPServer, settings: Any) -> Iterator[Ask]:
    """Connect the official client: over HTTP and stdio, in both eras."""
    road, era = request.param

    @asynccontextmanager
    async def ask(**options: Any) -> AsyncIterator[Client]:
        connected = (
            over_stdio(server, era, **options)
            if road == "stdio"
            else over_http(StreamableHTTPConsumer.as_asgi(server=server), mode=era, **options)
        )
        async with asyncio.timeout(SECONDS), connected as client:
            yield client

    with sessions_on(settings):
        yield ask


@pytest.fixture
def person(server: MCPServer) -> None:
    """Tools that ask for a person, from async and from sync code."""

    @server.tool
    async def greet(ctx: Context) -> str:
        return said(await ctx.elicit("Who are you?", Person))

    @server.tool
    def greet_sync(ctx: Context) -> str:
        return said(ctx.elicit_sync("Who are you?", Person))


def said(answer: Any) -> str:
    """Tell what somebody answered."""
    return str(answer.data) if answer.action == "accept" else str(answer.action)


def answering(*answers: Any) -> tuple[Any, list[Any]]:
    """Make a callback that gives these answers in turn, and a list of what it is asked."""
    questions: list[Any] = []
    left = list(answers)

    async def callback(context: Any, params: Any) -> Any:
        questions.append(params)
        return left.pop(0)

    return callback, questions


# Elicitation


@pytest.mark.parametrize("tool", ["greet", "greet_sync"])
@pytest.mark.usefixtures("person")
async def test_a_person_fills_in_what_a_function_asks_for(ask: Ask, tool: str) -> None:
    callback, questions = answering(ElicitResult(action="accept", content={"name": "Ada", "age": 36, "colour": "blue"}))
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool(tool)
    assert text_of(result.model_dump()) == str(Person(name="Ada", age=36, colour="blue"))
    (question,) = questions
    assert question.message == "Who are you?"
    assert question.requested_schema["required"] == ["name"]
    assert question.requested_schema["properties"].keys() == {"name", "age", "colour"}


@pytest.mark.parametrize("action", ["decline", "cancel"])
@pytest.mark.usefixtures("person")
async def test_a_person_may_decline_or_cancel(ask: Ask, action: Any) -> None:
    callback, _ = answering(ElicitResult(action=action))
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("greet")
    assert (text_of(result.model_dump()), result.is_error) == (action, False)


async def test_a_choice_may_be_an_enum(server: MCPServer, ask: Ask) -> None:
    class Paint(BaseModel):
        colour: Colour = Colour.RED

    @server.tool
    async def paint(ctx: Context) -> str:
        answer = await ctx.elicit("Which?", Paint)
        assert isinstance(answer.data.colour, Colour)
        return str(answer.data.colour.value)

    callback, questions = answering(ElicitResult(action="accept", content={"colour": "blue"}))
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("paint")
    assert text_of(result.model_dump()) == "blue"
    assert questions[0].requested_schema["properties"]["colour"]["enum"] == ["red", "blue"]


async def test_a_schema_may_be_written_out_and_its_answer_is_a_dict(server: MCPServer, ask: Ask) -> None:
    schema = {"type": "object", "properties": {"tags": {"type": "array", "items": {"enum": ["a", "b"]}}}}

    @server.tool
    async def tag(ctx: Context) -> dict[str, Any]:
        answer = await ctx.elicit("Which?", schema)
        assert isinstance(answer.data, dict)
        return answer.data

    callback, questions = answering(ElicitResult(action="accept", content={"tags": ["a"]}))
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("tag")
    assert result.structured_content == {"tags": ["a"]}
    assert questions[0].requested_schema == schema


async def test_a_person_is_sent_to_a_page(server: MCPServer, ask: Ask) -> None:
    @server.tool
    async def pay(ctx: Context) -> str:
        answer = await ctx.elicit_url("Pay here.", "https://pay.example/7", "seven")
        return str(answer.action)

    callback, questions = answering(ElicitResult(action="accept"))
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("pay")
    assert text_of(result.model_dump()) == "accept"
    assert (questions[0].mode, questions[0].url) == ("url", "https://pay.example/7")


async def test_a_second_question_may_depend_on_the_first_answer(server: MCPServer, ask: Ask) -> None:
    @server.tool
    async def interview(ctx: Context) -> str:
        first = await ctx.elicit("Who are you?", Person)
        second = await ctx.elicit(f"Who is {first.data.name}'s friend?", Person)
        return f"{first.data.name} and {second.data.name}"

    callback, questions = answering(
        ElicitResult(action="accept", content={"name": "Ada"}), ElicitResult(action="accept", content={"name": "Mary"})
    )
    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("interview")
    assert text_of(result.model_dump()) == "Ada and Mary"
    assert [question.message for question in questions] == ["Who are you?", "Who is Ada's friend?"]


# Sampling, roots, and several at once


async def test_the_clients_model_is_asked(server: MCPServer, ask: Ask) -> None:
    @server.tool
    async def capital(ctx: Context) -> str:
        answer = await ctx.sample("The capital of France?", max_tokens=10, system_prompt="Be brief.", temperature=0.5)
        return f"{answer.model}: {answer.content.text}"

    text = TextContent(type="text", text="Paris")
    callback, questions = answering(CreateMessageResult(role="assistant", content=text, model="m"))
    async with ask(sampling_callback=callback) as client:
        result = await client.call_tool("capital")
    assert text_of(result.model_dump()) == "m: Paris"
    (question,) = questions
    assert (question.max_tokens, question.system_prompt, question.temperature) == (10, "Be brief.", 0.5)
    assert question.messages[0].content.text == "The capital of France?"


async def test_the_clients_folders_are_asked_for(server: MCPServer, ask: Ask) -> None:
    @server.tool
    async def folders(ctx: Context) -> list[str]:
        return [str(root.uri) for root in await ctx.list_roots()]

    async def roots(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///a"), Root(uri="file:///b")])  # type: ignore[arg-type]

    async with ask(list_roots_callback=roots) as client:
        result = await client.call_tool("folders")
    assert result.structured_content == {"result": ["file:///a", "file:///b"]}


async def test_several_questions_go_out_at_once(server: MCPServer, ask: Ask) -> None:
    """Each callback waits until all three have been asked."""
    waiting = 0
    together = asyncio.Event()

    async def meet() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            together.set()
        await together.wait()

    async def elicited(context: Any, params: Any) -> ElicitResult:
        await meet()
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def sampled(context: Any, params: Any) -> CreateMessageResult:
        await meet()
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Hi"), model="m")

    async def rooted(context: Any) -> ListRootsResult:
        await meet()
        return ListRootsResult(roots=[])

    @server.tool
    async def everything(ctx: Context) -> str:
        message = SamplingMessage(role="user", content=TextContent(type="text", text="Greet."))
        answers = await ctx.ask(
            {"who": Elicit("Who?", Person), "hello": Sample([message], max_tokens=5), "where": ListRoots()}
        )
        return f"{answers['hello'].content.text} {answers['who'].data.name} {len(answers['where'].roots)}"

    async with ask(elicitation_callback=elicited, sampling_callback=sampled, list_roots_callback=rooted) as client:
        result = await client.call_tool("everything")
    assert text_of(result.model_dump()) == "Hi Ada 0"


async def test_questions_in_a_task_group_are_answered(server: MCPServer, ask: Ask) -> None:
    """In 2026-07-28 a question ends the function, and a task group wraps what ends it."""

    @server.tool
    async def grouped(ctx: Context) -> str:
        names: dict[str, str] = {}

        async def one(key: str) -> None:
            names[key] = (await ctx.elicit(f"Who is {key}?", Person, key=key)).data.name

        async with anyio.create_task_group() as group:
            group.start_soon(one, "first")
            group.start_soon(one, "second")
        return f"{names['first']} {names['second']}"

    async def callback(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada" if "first" in params.message else "Mary"})

    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("grouped")
    assert text_of(result.model_dump()) == "Ada Mary"


async def test_a_prompt_and_a_resource_may_ask_as_well(server: MCPServer, ask: Ask) -> None:
    @server.prompt
    async def letter(ctx: Context) -> str:
        return f"Write to {(await ctx.elicit('To whom?', Person)).data.name}."

    @server.resource("people://{place}")
    async def people(place: str, ctx: Context) -> str:
        return f"{(await ctx.elicit('Who?', Person)).data.name} in {place}"

    callback, _ = answering(*[ElicitResult(action="accept", content={"name": "Ada"})] * 2)
    async with ask(elicitation_callback=callback) as client:
        prompt = await client.get_prompt("letter")
        read = await client.read_resource("people://here")
    assert prompt.messages[0].content.text == "Write to Ada."  # type: ignore[union-attr]
    assert read.contents[0].text == "Ada in here"  # type: ignore[union-attr]


async def test_a_function_that_reads_a_resource_which_asks_hears_the_answer(server: MCPServer, ask: Ask) -> None:
    """The function and the resource have asked one question each, which are not taken for each other."""

    @server.resource("people://one")
    async def people(ctx: Context) -> str:
        return str((await ctx.elicit("Who is there?", Person)).data.name)

    @server.tool
    async def visit(ctx: Context) -> str:
        me = await ctx.elicit("Who are you?", Person)
        (content,) = await ctx.read_resource("people://one")
        return f"{me.data.name} visits {content.content!s}"

    async def callback(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada" if "you" in params.message else "Mary"})

    async with ask(elicitation_callback=callback) as client:
        result = await client.call_tool("visit")
    assert text_of(result.model_dump()) == "Ada visits Mary"


@pytest.mark.parametrize("tool", ["ping", "ping_sync"])
async def test_a_client_that_shook_hands_gives_a_sign_of_life(server: MCPServer, ask: Ask, tool: str) -> None:
    """2026-07-28 has no such request."""

    @server.tool
    async def ping(ctx: Context) -> str:
        await ctx.ping()
        return "there"

    @server.tool
    def ping_sync(ctx: Context) -> str:
        ctx.ping_sync()
        return "there"

    async with ask() as client:
        result = (await client.call_tool(tool)).model_dump()
        if client.protocol_version == MODERN:
            assert (result["is_error"], "can't be asked" in text_of(result)) == (True, True)
        else:
            assert text_of(result) == "there"


@pytest.mark.usefixtures("_sessions")
async def test_a_sign_of_life_may_be_an_error(server: MCPServer, application: Any) -> None:
    @server.tool
    async def ping(ctx: Context) -> None:
        await ctx.ping()

    peer = await Peer.open(application, {})
    call = peer.start("ping")
    (question,) = await heard(call, "ping")
    await peer.answer(question, error={"code": -32601, "message": "Method not found"})
    result = await result_of(call)
    assert (result["isError"], text_of(result)) == (True, "The client did not answer: Method not found")


async def test_every_question_can_be_asked_from_sync_code(server: MCPServer, ask: Ask) -> None:
    @server.tool
    def everything(ctx: Context) -> str:
        person = ctx.elicit_sync("Who?", Person, key="who")
        paid = ctx.elicit_url_sync("Pay.", "https://pay.example", "1", key="paid")
        text = ctx.sample_sync("Hi", max_tokens=5, key="text").content.text
        roots = ctx.list_roots_sync(key="roots")
        both = ctx.ask_sync({"a": Elicit("A?", Person), "b": Elicit("B?", Person)})
        return f"{person.data.name} {paid.action} {text} {len(roots)} {both['a'].data.name} {both['b'].data.name}"

    async def elicited(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"} if params.mode == "form" else None)

    async def sampled(context: Any, params: Any) -> CreateMessageResult:
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Hello"), model="m")

    async def rooted(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[])

    async with ask(elicitation_callback=elicited, sampling_callback=sampled, list_roots_callback=rooted) as client:
        result = await client.call_tool("everything")
    assert text_of(result.model_dump()) == "Ada accept Hello 0 Ada Ada"


# Clients that can't be asked, and answers that don't fit


@pytest.mark.parametrize(("question", "name"), [("elicit", "elicitation"), ("sample", "sampling"), ("roots", "roots")])
async def test_a_client_is_asked_only_for_what_it_offers(server: MCPServer, ask: Ask, question: str, name: str) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        assert not ctx.supports(name)
        questions: Mapping[str, Any] = {
            "elicit": lambda: ctx.elicit("Who?", Person),
            "sample": lambda: ctx.sample("Hi", max_tokens=1),
            "roots": ctx.list_roots,
        }
        await questions[question]()
        return "never"

    async with ask() as client:
        if client.protocol_version == MODERN:
            with pytest.raises(MCPError) as refused:
                await client.call_tool("tool")
            assert refused.value.code == -32021
            assert refused.value.data == {"requiredCapabilities": {name: {}}}
        else:
            result = await client.call_tool("tool")
            assert (result.is_error, text_of(result.model_dump())) == (True, f"The client doesn't offer {name}.")


@pytest.mark.usefixtures("person")
async def test_a_client_that_refuses_to_answer_makes_the_tool_fail(server: MCPServer, ask: Ask) -> None:
    callback, _ = answering(ErrorData(code=-1, message="Not today"))
    async with ask(elicitation_callback=callback) as client:
        if client.protocol_version == MODERN:  # the client itself gives up, for there is no such answer
            with pytest.raises(MCPError, match="Not today"):
                await client.call_tool("greet")
        else:
            result = await client.call_tool("greet")
            assert (result.is_error, text_of(result.model_dump())) == (True, "The client did not answer: Not today")


@pytest.mark.usefixtures("_sessions")
async def test_the_author_can_catch_what_a_client_does_not_answer(server: MCPServer, application: Any) -> None:
    @server.tool
    async def careful(ctx: Context) -> str:
        try:
            await ctx.elicit("Who?", Person)
        except ToolError as error:
            return f"never mind: {error}"
        return "never"

    peer = await Peer.open(application)
    call = peer.start("careful")
    await peer.answer(await asked(call), error={"code": -1, "message": "no"})
    assert text_of(await result_of(call)) == "never mind: The client did not answer: no"


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "accept", "content": {"age": 3}},
        {"action": "accept", "content": {"name": "Ada", "age": "old"}},
        {"action": "accept"},
        {"action": "perhaps"},
        {},
    ],
    ids=str,
)
@pytest.mark.usefixtures("_sessions", "person")
async def test_an_answer_that_does_not_fit_fails_a_call_of_a_client_that_shook_hands(
    application: Any, answer: dict[str, Any]
) -> None:
    peer = await Peer.open(application)
    call = peer.start("greet")
    await peer.answer(await asked(call), answer)
    result = await result_of(call)
    assert (result["isError"], text_of(result)) == (True, "The client's answer doesn't fit the question.")


@pytest.mark.usefixtures("_sessions", "person")
async def test_an_answer_that_does_not_fit_is_asked_for_again_in_2026(application: Any) -> None:
    capable = {CAPABILITIES: {"elicitation": {"form": {}}}}
    params: dict[str, Any] = {"name": "greet"}
    for content in (None, {"age": 3}):
        if content is not None:
            params["inputResponses"] = {"elicitation_1": {"action": "accept", "content": content}}
        message, headers = modern_request("tools/call", params, **capable)
        asking = (await post(application, message, headers=headers)).json["result"]
        assert asking["resultType"] == "input_required"
        assert asking["inputRequests"]["elicitation_1"]["method"] == "elicitation/create"
        params["requestState"] = asking["requestState"]


@pytest.mark.parametrize(
    ("offered", "form", "url"),
    [({}, True, False), ({"form": {}}, True, False), ({"url": {}}, False, True), ({"form": {}, "url": {}}, True, True)],
    ids=str,
)
@pytest.mark.parametrize("era", ["handshake", "modern"])
@pytest.mark.usefixtures("_sessions")
async def test_a_client_is_asked_only_in_a_mode_that_it_offers(
    server: MCPServer, application: Any, era: str, offered: dict[str, Any], form: bool, url: bool
) -> None:
    """2025-11-25 and 2026-07-28, client/elicitation, Capabilities: an empty object is form mode alone."""

    @server.tool
    async def fill(ctx: Context) -> None:
        await ctx.elicit("Who?", Person)

    @server.tool
    async def visit(ctx: Context) -> None:
        await ctx.elicit_url("There.", "https://there.example", "1")

    for tool, may in (("fill", form), ("visit", url)):
        if era == "modern":
            message, headers = modern_request("tools/call", {"name": tool}, **{CAPABILITIES: {"elicitation": offered}})
            answer = (await post(application, message, headers=headers)).json
            assert ("result" in answer) is may
            if not may:
                assert answer["error"]["code"] == -32021
        else:
            peer = await Peer.open(application, {"elicitation": offered})
            call = peer.start(tool)
            if may:
                await peer.answer(await asked(call), {"action": "decline"})
            assert (await result_of(call))["isError"] is not may


@pytest.mark.usefixtures("_sessions", "person")
async def test_a_client_without_a_session_can_not_be_asked(application: Any) -> None:
    peer = Peer(application, None)
    result = await peer.call("greet")
    assert (result["isError"], text_of(result)) == (True, "The client can't be asked anything: it has no session.")


@pytest.mark.usefixtures("_sessions")
async def test_what_is_no_question_is_the_authors_mistake(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @server.tool
    async def tool(ctx: Context) -> None:
        await ctx.ask({"what": "Who are you?"})

    result = await (await Peer.open(application)).call("tool")
    assert (result["isError"], text_of(result)) == (True, "Tool 'tool' failed unexpectedly. The error was logged.")
    assert "'Who are you?' is no question" in caplog.text


# A call that asks and comes to an end


@pytest.mark.parametrize("tool", ["greet", "greet_sync"])
@pytest.mark.usefixtures("_sessions", "person")
async def test_a_call_that_waits_for_an_answer_can_be_cancelled(application: Any, tool: str) -> None:
    peer = await Peer.open(application)
    call = peer.start(tool, id=77)
    await asked(call)
    await peer.tell("notifications/cancelled", {"requestId": 77})
    assert all("result" not in event for event in (await call.finished()).events)


@pytest.mark.usefixtures("_sessions")
async def test_a_call_that_waits_for_an_answer_has_a_timeout(server: MCPServer, application: Any) -> None:
    @server.tool(timeout=0.2)
    async def greet(ctx: Context) -> None:
        await ctx.elicit("Who?", Person)

    call = (await Peer.open(application)).start("greet")
    result = await result_of(call)
    assert (result["isError"], "longer than 0.2 seconds" in text_of(result)) == (True, True)


@pytest.mark.usefixtures("_sessions")
async def test_nothing_waits_on_when_one_of_several_questions_fails(server: MCPServer, application: Any) -> None:
    tasks_before: set[Any] = set()

    @server.tool
    async def several(ctx: Context) -> None:
        tasks_before.update(asyncio.all_tasks())
        await ctx.ask({"who": Elicit("Who?", Person), "where": ListRoots()})

    peer = await Peer.open(application)
    call = peer.start("several")
    await asked(call, times=2)
    (roots,) = [event for event in call.response.events if event["method"] == "roots/list"]
    await peer.answer(roots, error={"code": -1, "message": "none of your business"})
    assert text_of(await result_of(call)) == "The client did not answer: none of your business"
    async with asyncio.timeout(5):
        while asyncio.all_tasks() - tasks_before - {asyncio.current_task()}:
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("_sessions", "person")
async def test_an_answer_is_heard_while_every_thread_of_the_tools_waits_for_one(
    application: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool holds the only thread while it waits; what the answer's own request reads needs another."""
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "MAX_THREADS": 1}
    monkeypatch.setattr("mcp_django.sessions.store.FRESH_SECONDS", -1)
    peer = await Peer.open(application)
    call = peer.start("greet_sync")
    assert (await peer.answer(await asked(call), accept(name="Ada"))).status == 202
    assert text_of(await result_of(call)) == str(Person(name="Ada"))
