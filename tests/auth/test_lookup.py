"""Finding a row by SQL that is compiled once gives what the ORM gives."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.sql.compiler import SQLCompiler
from oauth2_provider.models import AccessToken

from mcp_django.auth import lookup
from mcp_django.auth.credentials import _KEY, _TOKEN, _user_names, principal_of_token
from mcp_django.auth.keys import checksum, create_key
from mcp_django.auth.lookup import find_row
from mcp_django.models import APIKey
from tests.auth.tokens import make_token, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    lookup._compiled.cache_clear()
    yield
    lookup._compiled.cache_clear()


def test_it_gives_what_the_orm_gives_of_every_column(django_assert_num_queries: Any) -> None:
    names = tuple(field.attname for field in AccessToken._meta.concrete_fields) + _TOKEN + _user_names()
    wanted = checksum(make_token(make_user("ada", email="ada@example.com")))
    make_token(make_user("bob"))
    with django_assert_num_queries(1):
        found = find_row(AccessToken, "token_checksum", wanted, names)
    assert found == AccessToken.objects.filter(token_checksum=wanted).values_list(*names).get()
    assert find_row(AccessToken, "token_checksum", "0" * 64, names) is None


def test_it_gives_the_same_for_api_keys() -> None:
    wanted = checksum(create_key("agent", make_user(), ["mcp"]))
    names = _KEY + _user_names()
    found = find_row(APIKey, "key_checksum", wanted, names)
    assert found == APIKey.objects.filter(key_checksum=wanted).values_list(*names).get()


def test_the_sql_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = checksum(make_token(make_user()))
    assert find_row(AccessToken, "token_checksum", wanted, ("pk",))
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    assert find_row(AccessToken, "token_checksum", wanted, ("pk",))


def test_a_compiler_that_is_another_than_we_know_is_done_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = checksum(make_token(make_user()))
    with monkeypatch.context() as patch:
        patch.setattr(SQLCompiler, "get_converters", None)
        fetch = lookup._compiled(AccessToken, "token_checksum", ("scope", "resource"), "default")
    assert fetch(wanted) == ("mcp", ["http://testserver/mcp/fixture"])
    assert "can't be compiled once" in caplog.text


def test_a_user_is_made_as_the_orm_makes_them() -> None:
    make_user("ada", email="ada@example.com")
    user = User.objects.get()
    account = principal_of_token(checksum(make_token(user)), "http://testserver/mcp/fixture").account
    assert isinstance(account, User)
    assert {name: value for name, value in vars(account).items() if name != "_state"} == {
        name: value for name, value in vars(user).items() if name != "_state"
    }
    assert (account._state.db, account._state.adding) == ("default", False)
