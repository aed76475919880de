"""What a client reads when something fails, and what the log keeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404
from mcp.server.mcpserver.exceptions import ResourceError as SDKResourceError
from mcp.server.mcpserver.exceptions import ToolError as SDKToolError
from mcp.server.mcpserver.exceptions import UnexpectedToolError
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from mcp_django import MCPServer, ResourceError, ToolError
from mcp_django.engine.errors import NotThere, explain
from mcp_django.engine.execution import TimedOut
from mcp_django.engine.outputs import Unserialisable
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.exceptions import ProtocolError
from tests.conftest import Connect
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio

NEUTRAL = "Tool 'vote' failed unexpectedly. The error was logged."


class Choice(BaseModel):
    number: int


def shown(error: Exception) -> str:
    found = explain(error, "Tool 'vote'", ToolError)
    assert type(found) is ToolError
    return str(found)


MEANT = [
    (ToolError("No poll is open."), "No poll is open."),
    (ResourceError("No poll is open."), "No poll is open."),
    (SDKToolError("No poll is open."), "No poll is open."),
    (SDKResourceError("No poll is open."), "No poll is open."),
    (InvalidArguments("Invalid arguments: a: is required."), "Invalid arguments: a: is required."),
    (TimedOut(1.5), "Tool 'vote' took longer than 1.5 seconds."),
    (ValidationError("Choose one."), "Choose one."),
    (ValidationError(["Choose one.", "Hurry."]), "Choose one. Hurry."),
    (ValidationError("%(count)s too many", params={"count": 3}), "3 too many"),
    (
        ValidationError({"username": ["Too long.", "Taken."], "email": "Not one.", "__all__": ["Not both."]}),
        "username: Too long. username: Taken. email: Not one. Not both.",
    ),
    (PermissionDenied("Not yours."), "Not yours."),
    (PermissionDenied(), "You may not do this."),
    (Http404("No such poll."), "No such poll."),
    (Http404(), "There is no such object."),
    (ObjectDoesNotExist(), "There is no such object."),
    (User.DoesNotExist("User matching query does not exist."), "User matching query does not exist."),
]


@pytest.mark.parametrize(("error", "text"), MEANT)
def test_what_the_author_means_to_say_is_said_and_no_alarm_is_raised(
    error: Exception, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mcp_django")
    assert shown(error) == text
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert caplog.records[0].exc_info is None


CRASHED = [
    RuntimeError("the password is hunter2"),
    ValueError("the password is hunter2"),
    KeyError("hunter2"),
    TimeoutError("hunter2"),
    MultipleObjectsReturned("hunter2"),
    UnexpectedToolError("hunter2"),
    ExceptionGroup("hunter2", [ToolError("hunter2")]),
]


@pytest.mark.parametrize("error", CRASHED)
def test_a_crash_is_one_neutral_sentence_and_a_traceback_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert shown(error) == NEUTRAL
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "Tool 'vote' raised an unexpected exception.")
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_result_that_can_not_be_sent_is_told_in_the_log_by_what_to_change(caplog: pytest.LogCaptureFixture) -> None:
    assert shown(Unserialisable("User has no declared output type.")) == NEUTRAL
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "Tool 'vote': User has no declared output type.")


@pytest.mark.parametrize("error", [ProtocolError(-31000, "Mine.", {"a": 1}), NotThere("polls://5")])
def test_a_protocol_error_is_what_it_is(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert explain(error, "Tool 'vote'", ToolError) is error
    assert caplog.records == []


def test_the_sdk_s_protocol_error_means_the_same(caplog: pytest.LogCaptureFixture) -> None:
    same = explain(MCPError(-31000, "Mine.", {"a": 1}), "Tool 'vote'", ToolError)
    assert isinstance(same, ProtocolError)
    assert (same.code, same.message, same.data) == (-31000, "Mine.", {"a": 1})
    assert caplog.records == []


def test_the_wrapper_is_the_one_that_was_asked_for() -> None:
    assert type(explain(ToolError("a"), "Resource 'polls://5'", ResourceError)) is ResourceError


def test_what_is_not_there_is_said_by_its_uri_or_in_the_author_s_words() -> None:
    assert str(NotThere("polls://5")) == "Unknown resource: polls://5"
    assert str(NotThere("polls://5", "No such poll.")) == "No such poll."


# Through a client


def raising(error: BaseException, kind: str) -> Callable[[], Any]:
    """Return a tool of this kind that raises."""

    def sync() -> str:
        raise error

    async def later() -> str:
        raise error

    def generator() -> Iterator[str]:
        if kind:
            raise error
        yield "never"

    async def async_generator() -> Any:
        if kind:
            raise error
        yield "never"

    return {"sync": sync, "async": later, "generator": generator, "async generator": async_generator}[kind]


KINDS = ["sync", "async", "generator", "async generator"]


async def call(application: Any, tool: str = "vote", arguments: dict[str, Any] | None = None) -> Any:
    message, headers = modern_request("tools/call", {"name": tool, "arguments": arguments or {}})
    return (await post(application, message, headers=headers)).json


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("error", "text"), [MEANT[0], MEANT[2], MEANT[9], MEANT[11], MEANT[13]])
async def test_a_tool_that_fails_answers_with_a_result_that_says_so(
    server: MCPServer, application: Any, kind: str, error: Exception, text: str
) -> None:
    server.add_tool(raising(error, kind), "vote")
    result = (await call(application))["result"]
    assert (result["isError"], result["content"]) == (True, [{"type": "text", "text": text}])
    assert "structuredContent" not in result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "error",
    [RuntimeError("hunter2"), StopIteration("hunter2"), StopAsyncIteration("hunter2"), SystemExit("hunter2"),
     asyncio.CancelledError("hunter2"), RecursionError("hunter2")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_whatever_a_tool_raises_it_is_answered_and_the_worker_lives_on(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture, kind: str, error: BaseException
) -> None:
    server.add_tool(raising(error, kind), "vote")
    server.add_tool(lambda: "well", "next")
    result = (await call(application))["result"]
    assert (result["isError"], result["content"][0]["text"]) == (True, NEUTRAL)
    assert "hunter2" in caplog.text
    assert (await call(application, "next"))["result"]["content"][0]["text"] == "well"


@pytest.mark.parametrize("exception", [ProtocolError, MCPError])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_tool_may_answer_with_a_protocol_error_on_purpose(
    server: MCPServer, application: Any, kind: str, exception: Any
) -> None:
    server.add_tool(raising(exception(-31000, "Mine.", {"a": 1}), kind), "vote")
    assert (await call(application))["error"] == {"code": -31000, "message": "Mine.", "data": {"a": 1}}


@pytest.mark.django_db(transaction=True)
async def test_django_s_own_errors_reach_the_client_in_their_own_words(
    server: MCPServer, connect: Connect, era: str
) -> None:
    @server.tool
    def get() -> str:
        return User.objects.get(username="nobody").username

    @server.tool
    async def aget() -> str:
        return (await User.objects.aget(username="nobody")).username

    @server.tool
    def get_or_404() -> str:
        return get_object_or_404(User, username="nobody").username

    @server.tool
    def clean() -> None:
        User(username="a b", email="x").full_clean()

    async with connect(era) as client:
        texts = [
            (await client.call_tool(name, {})).content[0].text  # type: ignore[union-attr]
            for name in ("get", "aget", "get_or_404", "clean")
        ]
    assert texts[:2] == ["User matching query does not exist."] * 2
    assert texts[2] == "No User matches the given query."
    assert texts[3].startswith("password: This field cannot be blank. ")
    assert "email: Enter a valid email address." in texts[3]


async def test_a_model_that_the_author_fails_to_make_is_a_crash_and_no_argument_error(
    server: MCPServer, application: Any
) -> None:
    def vote() -> int:
        return Choice(number="hunter2").number

    server.add_tool(vote)
    assert (await call(application))["result"]["content"][0]["text"] == NEUTRAL


async def test_a_result_that_does_not_fit_the_declared_type_is_a_crash(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def vote() -> int:
        return "hunter2"  # type: ignore[return-value]

    server.add_tool(vote)
    assert (await call(application))["result"]["content"][0]["text"] == NEUTRAL
    assert "Input should be a valid integer" in caplog.text


async def test_a_tool_that_takes_too_long_says_how_long_it_may(server: MCPServer, application: Any) -> None:
    async def vote() -> None:
        await asyncio.Event().wait()

    server.add_tool(vote, timeout=0.05)
    assert (await call(application))["result"]["content"][0]["text"] == "Tool 'vote' took longer than 0.05 seconds."
