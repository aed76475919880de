"""What docstrings say of tools and their parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import pytest
from pydantic import Field

from mcp_django.engine.compile import Tool, compile_tool
from mcp_django.engine.signatures import read_docstring
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare


def tool_of(fn: Callable[..., Any], **options: Any) -> Tool:
    return compile_tool(declare(ToolDeclaration, fn, "tool", options))


def google(query: str, limit: int) -> None:
    """Find polls.

    Looks at every word.

    Args:
        query: The words,
            in any order.
        limit (int): Most to return.

    Returns:
        Nothing.
    """


def numpy(query: str, limit: int) -> None:
    """Find polls.

    Looks at every word.

    Parameters
    ----------
    query : str
        The words,
        in any order.
    limit
        Most to return.

    Returns
    -------
    None
    """


def sphinx(query: str, limit: int) -> None:
    """Find polls.

    Looks at every word.

    :param query: The words,
        in any order.
    :param int limit: Most to return.
    :returns: Nothing.
    """


@pytest.mark.parametrize("fn", [google, numpy, sphinx])
def test_a_docstring_describes_the_tool_and_its_parameters(fn: Callable[..., Any]) -> None:
    listing = tool_of(fn).listing
    assert listing["description"].startswith("Find polls.\n\nLooks at every word.")
    assert "Most to return" not in listing["description"]
    properties = listing["inputSchema"]["properties"]
    assert properties["query"]["description"].split() == ["The", "words,", "in", "any", "order."]
    assert properties["limit"]["description"] == "Most to return."


def described(query: Annotated[str, Field(description="From the annotation")], limit: int) -> None:
    """Find polls.

    Args:
        query: From the docstring
        limit: From the docstring
        ctx: Of no parameter
    """


def described_in_the_default(query: str = Field("x", description="From the default")) -> None:
    """Find polls.

    Args:
        query: From the docstring
    """


def described_with_an_awkward_name(schema: str) -> None:
    """Find polls.

    Args:
        schema: From the docstring
    """


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (described, {"query": "From the annotation", "limit": "From the docstring"}),
        (described_in_the_default, {"query": "From the default"}),
        (described_with_an_awkward_name, {"schema": "From the docstring"}),
    ],
)
def test_what_a_field_says_goes_before_what_the_docstring_says(fn: Callable[..., Any], expected: Any) -> None:
    properties = tool_of(fn).listing["inputSchema"]["properties"]
    assert {name: each["description"] for name, each in properties.items()} == expected


def test_a_docstring_without_parameters_is_taken_whole() -> None:
    def example() -> None:
        """Find polls: all of them.

        Example:
            >>> example()
        """

    assert read_docstring(example).text == "Find polls: all of them.\n\nExample:\n    >>> example()"
    assert read_docstring(example).parameters == {}


def instructive(query: str) -> None:
    """Find polls.

    Args:
        query: The words.

    Returns:
        The newest first.

    Example:
        Find "cheese" before you ask for polls on dairies.
    """


def test_what_else_a_docstring_says_stays_in_the_description() -> None:
    """The declaration promises the docstring "less its section on parameters"."""
    found = read_docstring(instructive)
    assert "The newest first." in found.text
    assert "before you ask for polls on dairies" in found.text
    assert "The words." not in found.text


@pytest.mark.parametrize("docstring", ["Find polls.\n\n:param", "Find polls.\n\n: : all of them", ": :"])
def test_a_docstring_that_no_style_fits_is_taken_whole(docstring: str) -> None:
    def odd() -> None: ...

    odd.__doc__ = docstring
    assert read_docstring(odd).text == docstring
    assert read_docstring(odd).parameters == {}


def test_a_partial_speaks_with_the_docstring_of_its_function() -> None:
    assert read_docstring(partial(google, limit=3)) == read_docstring(google)


def undescribed(number: int) -> None: ...


def test_no_docstring_is_no_description() -> None:
    assert "description" not in tool_of(undescribed).listing


def test_a_description_that_is_given_takes_the_place_of_the_docstring() -> None:
    listing = tool_of(google, description="Other.").listing
    assert listing["description"] == "Other."
    assert listing["inputSchema"]["properties"]["limit"]["description"] == "Most to return."
