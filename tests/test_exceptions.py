"""What the package raises: one base, and Django's own for what is wrong with a project."""

from __future__ import annotations

import inspect
from copy import copy

import pytest
from django.core.exceptions import ImproperlyConfigured

from mcp_django import exceptions
from mcp_django.exceptions import (
    AlreadyRegistered,
    DiscoveryError,
    InvalidDeclaration,
    MCPDjangoError,
    NotRegistered,
    ProtocolError,
    ResourceError,
    ToolError,
    ValidationError,
)

ALL = [AlreadyRegistered, DiscoveryError, InvalidDeclaration, NotRegistered, ResourceError, ToolError, ValidationError]


def test_no_exception_is_left_out_here() -> None:
    found = {
        each
        for _, each in inspect.getmembers(exceptions, inspect.isclass)
        if each.__module__ == exceptions.__name__ and each is not MCPDjangoError
    }
    assert found == {*ALL, ProtocolError}


def test_a_protocol_error_says_its_message_and_survives_a_copy() -> None:
    error = copy(ProtocolError(-32602, "No poll is open.", {"poll": 1}))
    assert (error.code, error.message, error.data, str(error)) == (
        -32602,
        error.message,
        {"poll": 1},
        "No poll is open.",
    )
    assert issubclass(ProtocolError, MCPDjangoError)


@pytest.mark.parametrize("exception", ALL)
def test_every_exception_has_the_one_base_and_says_what_it_was_told(exception: type[Exception]) -> None:
    assert issubclass(exception, MCPDjangoError)
    assert str(exception("No poll is open.")) == "No poll is open."


@pytest.mark.parametrize("exception", [InvalidDeclaration, DiscoveryError])
def test_what_is_wrong_with_a_project_is_improperly_configured(exception: type[Exception]) -> None:
    assert issubclass(exception, ImproperlyConfigured)
