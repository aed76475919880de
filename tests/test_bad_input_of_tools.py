"""Bad functions: the client reads one neutral sentence, the log holds the rest, and the worker lives on."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from mcp_types import INTERNAL_ERROR
from pydantic import BaseModel
from typing_extensions import TypedDict

from mcp_django import MCPServer, ToolError
from tests.bad_input import REVISIONS, call_tool, living_on
from tests.differential.corpus import Form
from tests.differential.sides import ask

pytestmark = pytest.mark.anyio

SECRET = "the password is hunter2"


@pytest.fixture(params=REVISIONS)
def form(request: pytest.FixtureRequest) -> Form:
    return Form(request.param)


@pytest.fixture(autouse=True)
async def _the_worker_lives_on(server: MCPServer, application: Any) -> AsyncIterator[None]:
    async with living_on(server, application):
        yield


# What can't be sent


class Opaque:
    def __repr__(self) -> str:
        return SECRET


class Grumpy:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __str__


class Row(TypedDict):
    value: int


class Place(BaseModel):
    name: str


def circular_list() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def circular_dict() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    return circle


def failing_generator() -> Iterator[int]:
    yield 1
    raise RuntimeError(SECRET)


UNSENDABLE: dict[str, Callable[[], Any]] = {
    "an object": Opaque,
    "an object in a list": lambda: [Opaque()],
    "an object in a dict": lambda: {"a": {"b": Opaque()}},
    "an object for a key": lambda: {Opaque(): 1},
    "an object that can't be printed": Grumpy,
    "a set of objects": lambda: {Opaque()},
    "a class": lambda: Opaque,
    "a function": lambda: circular_list,
    "an exception": lambda: RuntimeError(SECRET),
    "a list in itself": circular_list,
    "a dict in itself": circular_dict,
    "bytes in a dict that are no text": lambda: {"a": b"\xff"},
    "a model": lambda: Group(name=SECRET),
    "models in a list": lambda: [Group(name=SECRET)],
    "a QuerySet": lambda: Group.objects.all(),
    "a manager": lambda: Group.objects,
    "a generator that fails": lambda: {"a": failing_generator()},
    "a lock": threading.Lock,
    "a coroutine's frame": lambda: {"a": asyncio.Event()},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", UNSENDABLE)
async def test_a_tool_that_returns_what_cant_be_sent(
    server: MCPServer, application: Any, form: Form, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    @server.tool
    async def give() -> Any:
        return UNSENDABLE[name]()

    answer = await call_tool(application, form.revision, "give")
    assert answer.status == 200
    assert answer.result["isError"]
    _nothing_leaks(answer.messages)
    assert _errors(caplog)


@pytest.mark.parametrize("value", [{"value": "x"}, {"value": None}, {}, [], None, Opaque()])
async def test_a_tool_that_returns_another_type_than_it_says(
    server: MCPServer, application: Any, form: Form, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    @server.tool
    async def give() -> Row:
        return value  # type: ignore[no-any-return]

    answer = await call_tool(application, form.revision, "give")
    assert answer.result["isError"]
    assert "structuredContent" not in answer.result
    _nothing_leaks(answer.messages)
    assert _errors(caplog)


async def test_a_tool_that_returns_a_broken_model(server: MCPServer, application: Any, form: Form) -> None:
    @server.tool
    async def give() -> Place:
        return Place.model_construct(name=Opaque())  # type: ignore[arg-type]

    answer = await call_tool(application, form.revision, "give")
    _nothing_leaks(answer.messages)
    assert answer.result["isError"]


@pytest.mark.parametrize("name", ["an object", "a list in itself", "an object in a dict", "a model"])
async def test_a_resource_and_a_prompt_that_return_what_cant_be_sent(
    server: MCPServer, application: Any, form: Form, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    @server.resource("bad://resource")
    async def give() -> Any:
        return UNSENDABLE[name]()

    server.add_prompt(give, "give")
    for method, params in (("resources/read", {"uri": "bad://resource"}), ("prompts/get", {"name": "give"})):
        answer = await ask(application, form.request(method, params))
        assert (answer.status, answer.error_code) == (200, INTERNAL_ERROR)
        _nothing_leaks(answer.messages)
    assert len(_errors(caplog)) == 2


# What raises


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError(SECRET)


def recurse() -> None:
    recurse()


def raise_(error: BaseException) -> Any:
    raise error


RAISING: dict[str, Callable[[], Any]] = {
    "an exception": lambda: raise_(RuntimeError(SECRET)),
    "a key that is missing": lambda: dict[str, str]()[SECRET],
    "an exception that can't be printed": lambda: raise_(Unprintable()),
    "a group of exceptions": lambda: raise_(ExceptionGroup(SECRET, [ValueError(SECRET)])),
    "the end of an iterator": lambda: next(iter(())),
    "the end of an async iterator": lambda: raise_(StopAsyncIteration(SECRET)),
    "an endless recursion": recurse,
    "no memory": lambda: raise_(MemoryError(SECRET)),
    "the end of the process": lambda: raise_(SystemExit(SECRET)),
    "a cancellation of its own": lambda: raise_(asyncio.CancelledError(SECRET)),
    "a timeout of its own": lambda: raise_(TimeoutError(SECRET)),
    "a failed assertion": lambda: raise_(AssertionError(SECRET)),
}


@pytest.mark.parametrize("name", RAISING)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_tool_that_raises(
    server: MCPServer, application: Any, form: Form, caplog: pytest.LogCaptureFixture, kind: str, name: str
) -> None:
    async def fail() -> str:
        return str(RAISING[name]())

    server.add_tool(fail if kind == "async" else lambda: str(RAISING[name]()), "fail")
    answer = await call_tool(application, form.revision, "fail")
    assert answer.status == 200
    assert answer.result["isError"]
    _nothing_leaks(answer.messages)
    assert any(record.exc_info for record in _errors(caplog))


async def test_what_an_author_means_the_client_to_read_is_read(server: MCPServer, application: Any, form: Form) -> None:
    @server.tool
    async def fail() -> str:
        try:
            raise RuntimeError(SECRET)
        except RuntimeError as error:
            raise ToolError("Try another day.") from error

    answer = await call_tool(application, form.revision, "fail")
    assert answer.result["content"] == [{"type": "text", "text": "Try another day."}]
    _nothing_leaks(answer.messages)


def _nothing_leaks(messages: Any) -> None:
    text = repr(messages)
    for secret in ("hunter2", "Traceback", __file__, "object at 0x", "Opaque", "RuntimeError"):
        assert secret not in text


def _errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name.startswith("mcp_django") and each.levelno >= logging.ERROR]
