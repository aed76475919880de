"""How often one caller may call a view."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import override_settings

from mcp_django.auth import Principal, limits
from mcp_django.auth.access_token import acting_for
from mcp_django.registry import Rate
from mcp_django.routes import throttle
from tests.auth.tokens import make_user
from tests.routes.conftest import Site

SIGN_IN = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still: 40 seconds into a minute."""
    now = [1_800_000_000.0 - 1_800_000_000 % 60 + 40]
    monkeypatch.setattr(limits, "time", lambda: now[0])
    return now


def statuses(site: Site, times: int, **options: Any) -> list[int]:
    return [site.send(**options).status_code for _ in range(times)]


def test_one_request_too_many_is_refused_until_the_window_ends(site: Site, now: list[float]) -> None:
    site.add(throttle("50/m")(site.view()))
    assert statuses(site, 50) == [200] * 50
    refused = site.send()
    assert (refused.status_code, refused["Retry-After"]) == (429, "20")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["detail"] == "50 requests in 60 seconds: try again in 20 seconds."
    now[0] += 20
    assert site.send().status_code == 200


def test_each_view_is_counted_by_itself_unless_they_share_a_name(site: Site) -> None:
    def other(request: Any) -> HttpResponse:
        return HttpResponse("other")

    site.add(throttle("1/m")(site.view()), "one/")
    site.add(throttle("1/m", name="other")(site.view()), "two/")
    site.add(throttle(Rate(1, 60), name="other")(site.view()), "three/")
    assert [site.send(url=f"/{each}/").status_code for each in ("one", "two", "three")] == [200, 200, 429]


def test_what_is_refused_never_reaches_the_view(site: Site) -> None:
    seen: list[str] = []
    site.add(throttle("1/m")(site.view(lambda request: seen.append("seen") or HttpResponse())))
    assert statuses(site, 3) == [200, 429, 429]
    assert seen == ["seen"]


@pytest.mark.django_db(transaction=True)
def test_users_of_the_site_are_told_apart_and_not_by_address(site: Site) -> None:
    site.add(throttle("1/m", key="user")(site.view()))
    with override_settings(MIDDLEWARE=SIGN_IN):
        assert statuses(site, 2) == [200, 429]
        site.log_in(make_user("ada"))
        assert statuses(site, 2) == [200, 429]
        assert statuses(site, 1, headers={"x-forwarded-for": "192.0.2.7"}) == [429]
        site.log_in(make_user("bob"))
        assert statuses(site, 2) == [200, 429]


@pytest.mark.django_db(transaction=True)
def test_clients_of_one_user_are_counted_each_or_together(site: Site) -> None:
    ada = make_user("ada")
    site.add(throttle("1/m")(site.view()), "client/")
    site.add(throttle("1/m", key="user")(site.view()), "user/")

    def call(client: str, url: str) -> int:
        with acting_for(Principal(ada, client, kind="key")):
            return int(site.send(url=url).status_code)

    assert [call(client, "/client/") for client in ("mcpk:1", "mcpk:1", "mcpk:2")] == [200, 429, 200]
    assert [call(client, "/user/") for client in ("mcpk:1", "mcpk:2")] == [200, 429]


def test_addresses_are_those_that_trusted_proxies_name(site: Site, limited: Any) -> None:
    site.add(throttle("1/m", key="address")(site.view()))
    sent = [{"headers": {"x-forwarded-for": each}} for each in ("192.0.2.1", "192.0.2.2")]
    assert [statuses(site, 1, **each) for each in sent] == [[200], [429]]  # nobody's word is taken for it
    limited(OAUTH={"TRUSTED_PROXIES": 1})
    assert [statuses(site, 2, **each) for each in sent] == [[200, 429], [200, 429]]


def test_a_project_tells_callers_apart_by_what_it_likes(site: Site) -> None:
    site.add(throttle("1/m", key=lambda request: request.GET["shop"])(site.view()))
    long = "x" * 3000  # longer than any cache's key may be
    assert [site.send(url=f"/view/?shop={shop}").status_code for shop in ("a", "b", long, long)] == [200, 200, 200, 429]


def test_what_is_no_rate_or_no_key_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="A rate is a number and a unit"):
        throttle("fifty a minute")
    with pytest.raises(ValueError, match="key must be 'client', 'user', 'address' or a function, not 'session'"):
        throttle("1/m", key="session")  # type: ignore[arg-type]
