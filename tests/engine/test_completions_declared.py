"""Completions from the database, and completions that can't be served."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Lower

from mcp_django import MCPServer
from mcp_django.engine.server import Engine, get_engine
from mcp_django.exceptions import InvalidDeclaration
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio

names = User.objects.order_by("username").values_list("username", flat=True)


def greet(who: str) -> str:
    return f"hello {who}"


async def suggest(application: Any, value: str = "") -> Any:
    ref = {"type": "ref/prompt", "name": "greet"}
    message, headers = modern_request("completion/complete", {"ref": ref, "argument": {"name": "who", "value": value}})
    return (await post(application, message, headers=headers)).json["result"]["completion"]


@pytest.mark.django_db(transaction=True)
async def test_a_queryset_suggests_what_begins_with_the_text_and_is_always_fresh(
    server: MCPServer, application: Any
) -> None:
    server.add_prompt(greet, complete={"who": names})
    await User.objects.acreate(username="ada")
    await User.objects.acreate(username="Adele")
    assert await suggest(application, "ad") == {"values": ["Adele", "ada"], "total": 2, "hasMore": False}
    await User.objects.acreate(username="bob")
    assert (await suggest(application))["values"] == ["Adele", "ada", "bob"]
    await User.objects.all().adelete()
    assert (await suggest(application))["values"] == []


@pytest.mark.django_db(transaction=True)
async def test_a_hundred_rows_are_sent_and_no_more_are_read(server: MCPServer, application: Any) -> None:
    server.add_prompt(greet, complete={"who": names})
    await User.objects.abulk_create(User(username=f"u{number:03}") for number in range(120))
    found = await suggest(application, "u")
    assert found["values"] == [f"u{number:03}" for number in range(100)]
    assert found["hasMore"] is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda typed: names.filter(username__icontains=typed), ["ada", "dave"]),
        (lambda typed: names.filter(username__icontains=typed)[:1], ["ada"]),
        (lambda typed: User.objects.order_by("username"), ["ada", "bob", "dave"]),
        (lambda typed: names.none(), []),
    ],
)
@pytest.mark.parametrize("how", ["sync", "async"])
async def test_the_queryset_that_a_function_returns_is_taken_as_it_is(
    server: MCPServer, application: Any, fn: Any, expected: list[str], how: str
) -> None:
    async def later(typed: str) -> Any:
        return fn(typed)

    await User.objects.abulk_create(User(username=name) for name in ("ada", "bob", "dave"))
    server.add_prompt(greet, complete={"who": fn if how == "sync" else later})
    assert (await suggest(application, "da"))["values"] == expected


@pytest.mark.parametrize(
    "queryset",
    [
        User.objects.all(),
        User.objects.values("username"),
        User.objects.values_list("username"),
        User.objects.values_list("username", "email"),
        User.objects.values_list("username", flat=True)[:5],
    ],
)
def test_a_queryset_of_anything_but_one_field_is_refused(server: MCPServer, queryset: Any) -> None:
    server.add_prompt(greet, complete={"who": queryset})
    with pytest.raises(InvalidDeclaration, match=r"must end in values_list\('field', flat=True\)"):
        Engine(server)


def test_an_expression_is_no_field(server: MCPServer) -> None:
    server.add_prompt(greet, complete={"who": User.objects.values_list(Lower("username"), flat=True)})
    with pytest.raises(InvalidDeclaration, match=r"must end in values_list\('field', flat=True\)"):
        Engine(server)


@pytest.mark.parametrize("source", [5, "red", b"red", {"red": "Red"}, object()])
def test_what_gives_no_suggestions_is_refused(server: MCPServer, source: Any) -> None:
    server.add_prompt(greet, complete={"who": source})
    with pytest.raises(InvalidDeclaration, match=f"prompt 'greet' in {__name__}: .* gives no suggestions"):
        Engine(server)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"prompt": "missing", "argument": "who"}, f"{__name__} completes an argument of prompt 'missing'"),
        (
            {"resource": "polls://{who}", "argument": "who"},
            f"{__name__} completes an argument of resource 'polls://{{who}}'",
        ),
        (
            {"prompt": "greet", "argument": "what"},
            f"prompt 'greet' in {__name__}: it has no parameter 'what' to complete.",
        ),
    ],
)
def test_suggestions_for_what_is_not_there_are_refused(server: MCPServer, options: dict[str, str], reason: str) -> None:
    server.add_prompt(greet)
    server.completion(**options)(lambda typed: [])
    with pytest.raises(InvalidDeclaration) as refused:
        Engine(server)
    assert str(refused.value).startswith(reason)


def test_an_unknown_parameter_in_an_option_is_refused(server: MCPServer) -> None:
    server.add_prompt(greet, complete={"what": ["a"], "where": ["b"]})
    with pytest.raises(InvalidDeclaration, match="it has no parameter 'what', 'where' to complete"):
        Engine(server)


def star(*given: str) -> list[str]: ...  # type: ignore[empty-body]
def double_star(typed: str, **given: str) -> list[str]: ...  # type: ignore[empty-body]
def three(typed: str, filled: dict[str, str], third: str) -> list[str]: ...  # type: ignore[empty-body]


@pytest.mark.parametrize("fn", [star, double_star, three])
@pytest.mark.parametrize("how", ["decorator", "option"])
def test_a_function_with_parameters_that_nothing_fills_is_refused(server: MCPServer, fn: Any, how: str) -> None:
    server.add_prompt(greet, complete={"who": fn} if how == "option" else {})
    with pytest.raises(InvalidDeclaration):
        start(server, fn if how == "decorator" else None)


def start(server: MCPServer, completer: Any) -> Engine:
    if completer is not None:
        server.completion(prompt="greet", argument="who")(completer)
    return Engine(server)


async def test_suggestions_may_be_declared_before_what_they_are_for_and_added_while_it_runs(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    get_engine(server)
    server.completion(prompt="greet", argument="who")(lambda typed: ["ada"])
    get_engine(server)
    assert "completes an argument of prompt 'greet', which isn't there" in caplog.text
    server.add_prompt(greet)
    assert (await suggest(application))["values"] == ["ada"]
    server.remove("completion", "prompt greet argument who")
    assert (await suggest(application))["values"] == []
