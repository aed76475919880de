"""Who is counted, and how often something may be done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from mcp_django.oauth import limits
from mcp_django.oauth.limits import client_address, retry_after


def address(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return client_address(RequestFactory(headers=headers).get("/", REMOTE_ADDR=peer))


def test_without_a_proxy_nobody_is_believed() -> None:
    assert address("192.0.2.1", "198.51.100.7") == "192.0.2.1"


def test_each_trusted_proxy_has_added_one_address(oauth: Any) -> None:
    oauth(TRUSTED_PROXIES=1)
    assert address("10.0.0.1", "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    oauth(TRUSTED_PROXIES=2)
    assert address("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2") == "198.51.100.7"


def test_who_came_past_the_proxy_is_who_connected(oauth: Any) -> None:
    oauth(TRUSTED_PROXIES=2)
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
    monkeypatch.setattr(limits.time, "time", lambda: now)
    assert [retry_after("test", "2/m", "a") for _ in range(3)] == [None, None, 40]
    assert retry_after("test", "2/m", "b") is None
    assert retry_after("other", "2/m", "a") is None
    now += 40
    assert retry_after("test", "2/m", "a") is None
