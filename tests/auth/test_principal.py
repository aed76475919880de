"""The one on whose behalf a request runs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from django.contrib.auth.models import AnonymousUser, User

from mcp_django.auth import ANONYMOUS, Principal


def test_nobody_is_django_s_anonymous_user() -> None:
    assert isinstance(ANONYMOUS.user, AnonymousUser)
    assert ANONYMOUS.client_id is None


def test_a_principal_is_the_user_it_was_made_of() -> None:
    ada = User(username="ada")
    principal = Principal(ada, client_id="editor")
    assert principal.user is ada
    assert principal.client_id == "editor"


def test_the_user_of_a_principal_is_always_the_same_object() -> None:
    principal = Principal()
    assert principal.user is principal.user


def test_a_principal_can_not_be_turned_into_another() -> None:
    with pytest.raises(FrozenInstanceError):
        ANONYMOUS.account = User(username="mallory")  # type: ignore[misc]
