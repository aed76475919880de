"""Who is counted, and how often something may be done."""

from __future__ import annotations

from threading import current_thread
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.dummy import DummyCache
from django.test import RequestFactory

from mcp_django.auth import limits
from mcp_django.auth.limits import atake, client_address, take
from mcp_django.registry import Rate


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


def address(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return client_address(RequestFactory(headers=headers).get("/", REMOTE_ADDR=peer))


def test_without_a_proxy_nobody_is_believed() -> None:
    assert address("192.0.2.1", "198.51.100.7") == "192.0.2.1"


def test_each_trusted_proxy_has_added_one_address(limited: Any) -> None:
    limited(OAUTH={"TRUSTED_PROXIES": 1})
    assert address("10.0.0.1", "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    limited(OAUTH={"TRUSTED_PROXIES": 2})
    assert address("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2") == "198.51.100.7"


def test_who_came_past_the_proxy_is_who_connected(limited: Any) -> None:
    limited(OAUTH={"TRUSTED_PROXIES": 2})
    assert address("192.0.2.1", "198.51.100.7") == "192.0.2.1"
    assert address("192.0.2.1") == "192.0.2.1"


def test_all_of_a_customers_ipv6_addresses_are_one() -> None:
    assert address("2001:db8:1:2:3:4:5:6") == address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert address("2001:db8:1:3::1") != address("2001:db8:1:2::1")
    assert address("::ffff:192.0.2.1") == "192.0.2.1"


def test_what_is_no_address_is_counted_all_the_same() -> None:
    assert address("") == ""
    assert address("unix:" + "x" * 100) == ("unix:" + "x" * 100)[:64]


def test_a_window_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_040.0  # 20 seconds into a minute of 60
    monkeypatch.setattr(limits, "time", lambda: now)
    rate = Rate(2, 60)
    assert [take(rate, "test", "a") for _ in range(3)] == [None, None, 40]
    assert take(rate, "test", "b") is None
    assert take(rate, "other", "a") is None
    now += 40
    assert take(rate, "test", "a") is None


def test_nobody_who_waits_as_long_as_they_were_told_is_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_079.2  # 0.8 seconds before the next minute
    monkeypatch.setattr(limits, "time", lambda: now)
    assert [take(Rate(1, 60), "early") for _ in range(2)] == [None, 1]
    now += 1
    assert take(Rate(1, 60), "early") is None


def test_names_are_not_run_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "time", lambda: 1_000_040.0)
    assert take(Rate(1, 60), "run", "together") is None
    assert take(Rate(1, 60), "run together") is None
    assert take(Rate(1, 60), "run\n", "together") is None


def test_what_a_client_sends_makes_no_key_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Spy(DummyCache):
        def add(self, key: str, *args: Any, **options: Any) -> bool:
            seen.append(key)
            return True

    monkeypatch.setattr(limits, "caches", {"default": Spy("", {})})
    take(Rate(1, 60), "x" * 10_000, "\0\n")
    assert [len(key) for key in seen] == [len("mcp_django.limits.") + 48]


def test_a_counter_that_is_lost_in_between_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(DummyCache):
        adds = 0

        def add(self, *args: Any, **options: Any) -> bool:
            self.adds += 1
            return False

    forgetful = Forgetful("", {})
    monkeypatch.setattr(limits, "caches", {"default": forgetful})
    assert take(Rate(1, 60), "lost") is None
    assert forgetful.adds == 2


@pytest.mark.anyio
async def test_what_lies_in_this_process_is_counted_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(fn: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(limits, "on_errand", elsewhere)
    assert await atake(Rate(1, 60), "in place") is None
    assert await atake(Rate(1, 60), "in place") is not None


@pytest.mark.anyio
async def test_what_may_block_is_counted_on_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    class Remote(DummyCache):
        def incr(self, *args: Any, **options: Any) -> int:
            threads.append(current_thread().name)
            return 1

    remote = Remote("", {})
    monkeypatch.setattr(limits, "caches", {"default": remote})
    assert await atake(Rate(1, 60), "remote") is None
    assert threads != [current_thread().name]
