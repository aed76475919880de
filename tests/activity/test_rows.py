"""Records as rows of the table, written without the ORM."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection

from mcp_django.activity.rows import NAMES, Record, as_call, write
from mcp_django.models import Call

pytestmark = pytest.mark.django_db

ENDED = datetime(2026, 11, 28, 6, 7, 8, 912000, tzinfo=UTC)


def made(**changes: Any) -> Record:
    values: dict[str, Any] = {name: f"a {name}" for name in NAMES}
    values |= {"ended": ENDED.timestamp(), "milliseconds": 1.25, "kind": "tool", "transport": "stdio", "outcome": "ok"}
    return Record(**{**values, "principal": "key", "user_id": None, **changes})


def told(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in NAMES}


def test_a_record_has_a_place_for_each_column() -> None:
    columns = [field.attname for field in Call._meta.concrete_fields if not field.primary_key]
    assert sorted(NAMES) == sorted(columns)


def test_each_value_is_written_to_its_own_column() -> None:
    ada = User.objects.create(username="ada")
    record = made(user_id=ada.pk)
    write([record])
    call = Call.objects.get()
    assert told(call) == {**record._asdict(), "ended": ENDED}
    assert call.user == ada


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_receiver_is_given_what_the_database_gives(use_tz: bool, settings: Any) -> None:
    settings.USE_TZ = use_tz
    settings.TIME_ZONE = "Asia/Kolkata"
    record = made()
    write([record])
    assert told(as_call(record)) == told(Call.objects.get())
    assert (Call.objects.get().ended.tzinfo is not None) is use_tz


def test_texts_of_clients_are_cut_to_their_columns() -> None:
    long = {name: "ü\0" * 1000 for name in NAMES if name not in ("ended", "milliseconds", "user_id", "arguments")}
    write([made(**long)])
    call = Call.objects.get()
    for name in long:
        width = Call._meta.get_field(name).max_length
        assert getattr(call, name) == "ü" * width, name


def test_records_are_written_all_or_none() -> None:
    with pytest.raises(DatabaseError):
        write([made(), made(milliseconds=None)])
    assert not Call.objects.exists()


def test_many_are_written_in_one_transaction_and_in_order(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3) as queries:  # within the savepoint of a test's transaction
        write([made(request_id=str(number)) for number in range(1500)])
    assert sum("INSERT" in query["sql"] for query in queries) == 1
    assert list(Call.objects.order_by("pk").values_list("request_id", flat=True)) == [str(n) for n in range(1500)]


def test_nothing_that_a_client_says_becomes_sql() -> None:
    name = "'); DROP TABLE mcp_django_call; --%s"
    write([made(client_name=name)])
    assert Call.objects.get().client_name == name
    assert "mcp_django_call" in connection.introspection.table_names()
