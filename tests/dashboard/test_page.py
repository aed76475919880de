"""The frame of all pages: where they are, who sees them, and what leads to them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, path, reverse

from mcp_django.admin import SessionAdmin, register
from mcp_django.dashboard.audit import log_action
from mcp_django.dashboard.pages import PAGES, Address
from mcp_django.models import Session
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

DASHBOARD = "/admin/mcp_django/dashboard/"

ops = admin.AdminSite(name="ops")
register(ops)
bare = admin.AdminSite(name="bare")
bare.register(Session, SessionAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("ops/", ops.urls), path("bare/", bare.urls)]
"""A project with further admin sites: one with all of this app, one with its sessions only."""


def url_of(address: Address, site: str = "admin") -> str | None:
    """Return where a page is; ``None`` for one that needs to be told of what."""
    try:
        return reverse(f"admin:{address.url_name}", current_app=site)
    except NoReverseMatch:
        return None


ADDRESSES = [pytest.param(address, id=address.url_name) for address in PAGES if url_of(address)]


def codename(address: Address) -> str:
    return address.page.permission.removeprefix("mcp_django.")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_for_who_has_its_permission(address: Address, sign_in: SignIn) -> None:
    response = sign_in(codename(address)).get(url_of(address) or "")
    assert response.status_code == 200
    assert response.context["title"] == address.page.title


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_is_refused_to_staff_without_its_permission(address: Address, method: str, sign_in: SignIn) -> None:
    client = sign_in()
    assert getattr(client, method)(url_of(address) or "").status_code == 403


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", ["nobody", "a user", "an inactive superuser"])
def test_a_page_sends_who_is_no_staff_to_the_login(address: Address, who: str, client: Client) -> None:
    if who != "nobody":
        boss = who == "an inactive superuser"
        client.force_login(User.objects.create(username="u", is_staff=boss, is_superuser=boss, is_active=not boss))
    response = client.get(url_of(address) or "")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_valid_and_needs_nothing_inline_or_from_elsewhere(address: Address, admin_client: Client) -> None:
    html = admin_client.get(url_of(address) or "").content.decode()
    assert_valid(html)
    assert_strict(html)


def test_the_admins_index_leads_to_the_dashboard(sign_in: SignIn) -> None:
    assert f'href="{DASHBOARD}"' in sign_in("view_dashboard").get("/admin/").content.decode()
    assert DASHBOARD not in sign_in().get("/admin/").content.decode()


@pytest.mark.parametrize(
    "page", ["session/", "session/s-1/change/", "session/s-1/delete/", "session/s-1/history/", "apikey/add/", ""]
)
def test_every_page_of_the_app_has_the_navigation(page: str, admin_client: Client) -> None:
    Session.objects.create(id="s-1", seen="2026-07-28T00:00:00Z")
    html = admin_client.get(f"/admin/mcp_django/{page}").content.decode()
    assert '<nav class="mcp-nav"' in html
    assert html.count("mcp_django/dashboard.css") == 1
    assert f'<a href="{DASHBOARD}">Dashboard</a>' in html


def test_a_popup_has_no_navigation(admin_client: Client) -> None:
    assert '<nav class="mcp-nav"' not in admin_client.get("/admin/mcp_django/session/?_popup=1").content.decode()


def test_the_navigation_says_where_one_is(admin_client: Client) -> None:
    assert f'<a href="{DASHBOARD}" aria-current="page">' in admin_client.get(DASHBOARD).content.decode()


def test_the_navigation_leads_only_to_what_a_user_may_see(sign_in: SignIn) -> None:
    html = sign_in("view_session").get("/admin/mcp_django/session/").content.decode()
    assert f'<a href="{DASHBOARD}"' not in html


@pytest.mark.urls(__name__)
def test_a_site_of_ones_own_has_the_pages_and_links_to_its_own(admin_client: Client) -> None:
    html = admin_client.get("/ops/mcp_django/dashboard/").content.decode()
    assert 'href="/ops/mcp_django/dashboard/"' in html
    assert "/admin/" not in html
    assert 'href="/ops/mcp_django/dashboard/"' in admin_client.get("/ops/mcp_django/session/").content.decode()


@pytest.mark.urls(__name__)
def test_a_site_of_ones_own_refuses_by_its_own_rule(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in("view_dashboard")
    assert client.get("/ops/mcp_django/dashboard/").status_code == 200
    monkeypatch.setattr(ops, "has_permission", lambda request: False)
    assert client.get("/ops/mcp_django/dashboard/").status_code == 302


@pytest.mark.urls(__name__)
def test_a_site_without_the_dashboard_has_no_link_to_it(admin_client: Client) -> None:
    html = admin_client.get("/bare/mcp_django/session/").content.decode()
    assert "/bare/mcp_django/session/" in html
    assert 'href="/bare/mcp_django/dashboard/' not in html


def test_what_staff_do_is_in_the_admins_log(rf: RequestFactory, admin_user: Any, admin_client: Client) -> None:
    request = rf.post("/")
    request.user = admin_user
    log_action(request, "tool search of atlas", "Switched off.")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr, entry.action_flag) == (admin_user, "tool search of atlas", CHANGE)
    assert entry.get_change_message() == "Switched off."
    assert "tool search of atlas" in admin_client.get("/admin/").content.decode()
