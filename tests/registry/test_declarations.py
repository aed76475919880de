"""What a decorator leaves behind: frozen data, checked as far as that goes without the SDK."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import (
    CompletionDeclaration,
    Declaration,
    PromptDeclaration,
    ResourceDeclaration,
    RouteDeclaration,
    ToolDeclaration,
)
from mcp_django.registry.declarations import check_parameters, declare


def vote(choice_id: int) -> str:
    return f"voted {choice_id}"


class Ballot:
    def __call__(self, choice_id: int) -> str:
        return f"counted {choice_id}"

    def cast(self, choice_id: int) -> str:
        return f"cast {choice_id}"


def test_a_component_without_a_name_gets_that_of_its_function() -> None:
    assert declare(ToolDeclaration, vote, None, {}).name == "vote"


def test_a_name_that_is_given_wins() -> None:
    assert declare(ToolDeclaration, vote, "polls.vote-now_2", {}).name == "polls.vote-now_2"


@pytest.mark.parametrize("name", ["a b", "ü", "a/b", "x" * 129, "<lambda>", "a\n"])
def test_a_name_of_other_characters_or_more_than_128_is_refused(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="can't be the name of a component: use 1 to 128 letters"):
        declare(ToolDeclaration, vote, name, {})


def test_a_name_of_128_characters_is_taken() -> None:
    assert declare(ToolDeclaration, vote, "x" * 128, {}).name == "x" * 128


def test_a_lambda_is_told_to_take_a_name() -> None:
    with pytest.raises(InvalidDeclaration, match="give a lambda a name"):
        declare(ToolDeclaration, lambda: None, None, {})
    assert declare(ToolDeclaration, lambda: None, "nothing", {}).name == "nothing"


def test_what_has_no_name_of_its_own_is_refused_by_its_repr() -> None:
    bound = functools.partial(vote, 3)
    with pytest.raises(InvalidDeclaration, match=r"functools\.partial.*can't be the name"):
        declare(ToolDeclaration, bound, None, {})


def test_an_unknown_option_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        declare(ToolDeclaration, vote, None, {"colour": "red"})
    assert str(refused.value) == "'vote': got an unexpected keyword argument 'colour'."


@pytest.mark.parametrize("options", [{"tags": 5}, {"tags": [5]}, {"meta": 5}, {"icons": 5}])
def test_an_option_of_the_wrong_kind_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration):
        declare(ToolDeclaration, vote, None, options)


@pytest.mark.parametrize("option", ["tags", "icons"])
def test_one_string_is_never_taken_for_a_list_of_letters(option: str) -> None:
    try:
        declaration = declare(ToolDeclaration, vote, None, {option: "geo"})
    except InvalidDeclaration:
        return
    assert list(getattr(declaration, option)) == ["geo"]


def test_a_declaration_can_not_be_changed() -> None:
    declaration = declare(ToolDeclaration, vote, None, {})
    with pytest.raises(FrozenInstanceError):
        declaration.name = "other"  # type: ignore[misc]


def test_lists_of_the_author_are_taken_as_they_were() -> None:
    icons, tags, meta = ["https://polls.test/icon.png"], ["polls"], {"owner": "ada"}
    declaration = declare(ToolDeclaration, vote, None, {"icons": icons, "tags": tags, "meta": meta})
    for given in (icons, tags, meta):
        given.clear()
    assert declaration.icons == ("https://polls.test/icon.png",)
    assert declaration.tags == {"polls"}
    assert declaration.meta == {"owner": "ada"}


def test_none_stands_for_no_icons_tags_and_meta() -> None:
    declaration = declare(ToolDeclaration, vote, None, {"icons": None, "tags": None, "meta": None})
    assert (declaration.icons, declaration.tags, declaration.meta) == ((), frozenset(), {})


def test_every_declaration_has_its_kind_and_the_key_that_no_other_may_share() -> None:
    found = [
        (each.kind, each.key)
        for each in (
            ToolDeclaration(fn=vote, name="vote"),
            ResourceDeclaration(fn=vote, name="vote", uri="polls://1"),
            PromptDeclaration(fn=vote, name="vote"),
            CompletionDeclaration(fn=vote, prompt="summarise", argument="poll_id"),
            CompletionDeclaration(fn=vote, resource="polls://{poll_id}", argument="poll_id"),
            CompletionDeclaration(fn=vote),
            RouteDeclaration(fn=vote, path="/health", methods=("GET", "POST")),
        )
    ]
    assert found == [
        ("tool", "vote"),
        ("resource", "polls://1"),
        ("prompt", "vote"),
        ("completion", "prompt summarise argument poll_id"),
        ("completion", "resource polls://{poll_id} argument poll_id"),
        ("completion", "*"),
        ("route", "GET,POST /health"),
    ]


def test_the_base_of_all_declarations_has_no_kind() -> None:
    with pytest.raises(TypeError, match="Declaration names no kind"):
        Declaration(fn=vote).kind  # noqa: B018 - reading it is what fails


def test_a_resource_with_parameters_is_a_template() -> None:
    assert ResourceDeclaration(fn=vote, uri="polls://{poll_id}").is_template
    assert not ResourceDeclaration(fn=vote, uri="polls://latest").is_template


@pytest.mark.parametrize("fn", [vote, Ballot(), Ballot().cast, functools.partial(vote, choice_id=3)])
def test_the_module_of_a_component_is_where_its_function_is_written(fn: Callable[..., Any]) -> None:
    module = declare(ToolDeclaration, fn, "vote", {}).module
    assert module == (__name__ if not isinstance(fn, functools.partial) else "functools")


def star(*choices: int) -> None: ...
def double_star(**choices: int) -> None: ...
def positional(choice: int, /) -> None: ...


@pytest.mark.parametrize(
    ("fn", "parameter"),
    [(star, "*choices: 'int'"), (double_star, "**choices: 'int'"), (positional, "choice: 'int'")],
)
def test_a_parameter_that_no_named_argument_fills_is_refused(fn: Callable[..., Any], parameter: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        check_parameters(declare(ToolDeclaration, fn, None, {}))
    assert f"tool {fn.__name__!r} in {__name__}" in str(refused.value)
    assert parameter in str(refused.value)
    assert "Name each argument" in str(refused.value)


def test_double_stars_are_welcome_where_a_raw_schema_says_what_they_hold() -> None:
    check_parameters(declare(ToolDeclaration, double_star, None, {}), catch_all=True)


@pytest.mark.parametrize("fn", [star, positional])
def test_other_unnamed_parameters_are_not(fn: Callable[..., Any]) -> None:
    with pytest.raises(InvalidDeclaration, match="a client can't fill the parameter"):
        check_parameters(declare(ToolDeclaration, fn, None, {}), catch_all=True)


def test_what_can_not_be_called_is_no_component() -> None:
    not_a_function: Any = {"vote": 1}
    with pytest.raises(InvalidDeclaration, match="tool 'vote' must be a function, not"):
        check_parameters(declare(ToolDeclaration, not_a_function, "vote", {}))


@pytest.mark.parametrize("fn", [vote, Ballot(), Ballot().cast])
def test_functions_methods_and_callable_objects_are_components(fn: Callable[..., Any]) -> None:
    check_parameters(declare(ToolDeclaration, fn, "vote", {}))
