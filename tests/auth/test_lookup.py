"""Finding a row by SQL that is compiled once gives what the ORM gives."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.sql.compiler import SQLCompiler
from oauth2_provider.models import AccessToken

from mcp_django.auth import lookup
from mcp_django.auth.credentials import _KEY, _TOKEN, _user_names, principals_of_tokens
from mcp_django.auth.keys import checksum, create_key
from mcp_django.auth.lookup import find_rows
from mcp_django.auth.principal import Principal
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
        found = find_rows(AccessToken, "token_checksum", [wanted], names)
    assert found == {wanted: AccessToken.objects.filter(token_checksum=wanted).values_list(*names).get()}
    assert find_rows(AccessToken, "token_checksum", ["0" * 64], names) == {}


@pytest.mark.parametrize(("tokens", "queries"), [(1, 1), (2, 1), (3, 1), (5, 1), (8, 1), (9, 2)])
def test_several_rows_are_one_query_for_each_eight(django_assert_num_queries: Any, tokens: int, queries: int) -> None:
    user = make_user()
    wanted = [checksum(make_token(user)) for _ in range(tokens)]
    with django_assert_num_queries(queries):
        found = find_rows(AccessToken, "token_checksum", [*wanted, *wanted], ("pk",))
    assert found == {each: (AccessToken.objects.get(token_checksum=each).pk,) for each in wanted}


def test_those_that_there_are_not_are_missing_among_others() -> None:
    wanted = checksum(make_token(make_user()))
    assert set(find_rows(AccessToken, "token_checksum", ["0" * 64, wanted, "f" * 64], ("pk",))) == {wanted}


def test_it_gives_the_same_for_api_keys() -> None:
    wanted = checksum(create_key("agent", make_user(), ["mcp"]))
    names = _KEY + _user_names()
    found = find_rows(APIKey, "key_checksum", [wanted], names)
    assert found == {wanted: APIKey.objects.filter(key_checksum=wanted).values_list(*names).get()}


def test_the_sql_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = checksum(make_token(make_user()))
    assert find_rows(AccessToken, "token_checksum", [wanted], ("pk",))
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    assert find_rows(AccessToken, "token_checksum", [wanted], ("pk",))


def test_a_compiler_that_is_another_than_we_know_is_done_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = checksum(make_token(make_user()))
    with monkeypatch.context() as patch:
        patch.setattr(SQLCompiler, "get_converters", None)
        fetch = lookup._compiled(AccessToken, "token_checksum", ("scope", "resource"), "default", 1)
    assert fetch([wanted]) == {wanted: ("mcp", ["http://testserver/mcp/fixture"])}
    assert "can't be compiled once" in caplog.text


def test_a_user_is_made_as_the_orm_makes_them() -> None:
    make_user("ada", email="ada@example.com")
    user = User.objects.get()
    (principal,) = principals_of_tokens([(checksum(make_token(user)), "http://testserver/mcp/fixture")])
    assert isinstance(principal, Principal)
    account = principal.account
    assert isinstance(account, User)
    assert {name: value for name, value in vars(account).items() if name != "_state"} == {
        name: value for name, value in vars(user).items() if name != "_state"
    }
    assert (account._state.db, account._state.adding) == ("default", False)
