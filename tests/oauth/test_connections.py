"""What clients may do for somebody, and how that ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

from mcp_django.models import ServiceAccount, Session
from mcp_django.oauth.connections import connected_clients, disconnect
from tests.oauth.flow import Flow, application

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(flow: Flow) -> Client:
    """The browser of the flow, without the CSRF check of the tests for it."""
    application(name="Notebook")
    flow.connect(scope="mcp profile")
    browser = Client()
    browser.force_login(User.objects.get(username="ada"))
    return browser


def test_people_see_who_may_act_for_them_and_how(page: Client) -> None:
    response = page.get("/connected-apps/")
    for text in (b"Notebook", b"Use this service as you", b"See your profile", b"Disconnect"):
        assert text in response.content
    assert response["X-Frame-Options"] == "DENY"
    assert response["Cache-Control"] == "no-store"


def test_and_end_it_with_everything_that_the_client_holds(page: Client, flow: Flow, ada: User) -> None:
    client = Application.objects.get()
    tokens = flow.connect()  # a second set of them
    code = flow.code()
    Session.objects.create(id="s", user=ada, client_id="notebook", protocol_version="2025-11-25", seen=timezone.now())
    response = page.post(f"/connected-apps/{client.pk}/disconnect/", follow=True)
    assert b"Notebook was disconnected." in response.content
    assert b"None. A program shows up here" in response.content
    assert not AccessToken.objects.exists()
    assert not Grant.objects.exists()
    assert not Session.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()
    assert flow.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert flow.token(code=code).json()["error"] == "invalid_grant"


def test_nobody_ends_what_is_somebody_elses(page: Client, flow: Flow) -> None:
    client = Application.objects.get()
    bob = Client()
    bob.force_login(User.objects.create_user("bob"))
    assert b"Notebook" not in bob.get("/connected-apps/").content
    assert bob.post(f"/connected-apps/{client.pk}/disconnect/").status_code == 404
    assert AccessToken.objects.count() == 1


def test_nobody_ends_it_by_a_link_or_from_elsewhere(page: Client, flow: Flow) -> None:
    url = f"/connected-apps/{Application.objects.get().pk}/disconnect/"
    assert page.get(url).status_code == 405
    assert flow.browser.post(url).status_code == 403
    assert Client().post(url)["Location"].startswith("/accounts/login/")
    assert AccessToken.objects.count() == 1


def test_who_is_not_signed_in_sees_nothing() -> None:
    assert Client().get("/connected-apps/")["Location"].startswith("/accounts/login/")


def test_a_connection_lasts_as_long_as_it_can_be_renewed(page: Client, ada: User) -> None:
    AccessToken.objects.update(expires=timezone.now())
    assert connected_clients(ada).count() == 1
    disconnect(ada, Application.objects.get())
    assert connected_clients(ada).count() == 0


# The admin


@pytest.fixture
def staff(page: Client, settings: Any) -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    return browser


def test_staff_disconnect_a_client_by_any_token_of_it(staff: Client, flow: Flow) -> None:
    flow.connect()
    assert AccessToken.objects.count() == 2
    one = AccessToken.objects.first()
    assert one is not None
    model_admin, request = offered(staff, AccessToken, "ACCESS_TOKEN_ADMIN_CLASS")
    assert "disconnect" in model_admin.get_actions(request)
    model_admin.disconnect(request, AccessToken.objects.filter(pk=one.pk))
    assert not AccessToken.objects.exists()


def test_staff_give_a_program_an_account(staff: Client, ada: User) -> None:
    robot = Application.objects.create(
        name="robot", client_type="confidential", authorization_grant_type="client-credentials"
    )
    form = staff.get("/admin/mcp_django/serviceaccount/add/")
    assert robot.client_id.encode() in form.content
    assert b'value="notebook"' not in form.content  # a client of another kind
    data = {"client_id": robot.client_id, "user": ada.pk, "scopes": ["mcp"]}
    assert staff.post("/admin/mcp_django/serviceaccount/add/", data).status_code == 302
    account = ServiceAccount.objects.get()
    assert (account.client_id, account.user, account.scopes) == (robot.client_id, ada, ["mcp"])
    assert robot.client_id in str(account)
    assert staff.get(f"/admin/mcp_django/serviceaccount/?q={robot.client_id}").status_code == 200


def test_staff_give_no_scope_that_there_is_not(staff: Client, ada: User) -> None:
    robot = Application.objects.create(client_type="confidential", authorization_grant_type="client-credentials")
    data = {"client_id": robot.client_id, "user": ada.pk, "scopes": ["everything"]}
    assert staff.post("/admin/mcp_django/serviceaccount/add/", data).status_code == 200
    assert not ServiceAccount.objects.exists()


TOKENS = pytest.mark.parametrize(
    ("model", "setting"),
    [(AccessToken, "ACCESS_TOKEN_ADMIN_CLASS"), (RefreshToken, "REFRESH_TOKEN_ADMIN_CLASS")],
    ids=["access token", "refresh token"],
)


def offered(browser: Client, model: Any, setting: str) -> tuple[Any, Any]:
    """Return how the admin shows these tokens, and a request to it."""
    from oauth2_provider.settings import oauth2_settings

    request = browser.get("/admin/").wsgi_request
    request._messages = type("Messages", (), {"add": staticmethod(lambda *args, **kwargs: None)})()  # type: ignore[attr-defined]
    return getattr(oauth2_settings, setting)(model, site), request


@TOKENS
def test_what_staff_revoke_is_recorded(
    staff: Client, caplog: pytest.LogCaptureFixture, model: Any, setting: str
) -> None:
    model_admin, request = offered(staff, model, setting)
    with caplog.at_level("INFO", "mcp_django.oauth"):
        action = model_admin.get_actions(request)["revoke_tokens"]
        revoke = action.func if hasattr(action, "func") else action[0]  # a tuple before Django 6.1
        revoke(model_admin, request, model.objects.all())
    assert caplog.messages == [f"Revocation: client notebook by user {request.user.pk}"]
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


@TOKENS
def test_staff_who_may_only_look_revoke_nothing(page: Client, ada: User, model: Any, setting: str) -> None:
    ada.is_staff = True
    ada.save()
    ada.user_permissions.add(Permission.objects.get(codename=f"view_{model._meta.model_name}"))
    model_admin, request = offered(page, model, setting)
    assert model_admin.has_view_permission(request)
    assert not model_admin.get_actions(request)


def test_the_toolkits_own_list_of_tokens_leads_to_the_page_that_ends_all_of_it(page: Client) -> None:
    from django.urls import NoReverseMatch, reverse

    answer = page.get(reverse("oauth2_provider:authorized-token-list"), follow=True)
    assert answer.wsgi_request.path == "/connected-apps/"
    with pytest.raises(NoReverseMatch):
        reverse("oauth2_provider:authorized-token-delete", args=[1])
