"""The page that asks: what it shows, who may not answer it, and that nothing happens without it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from oauth2_provider.models import Grant

from mcp_django import MCPServer
from tests.oauth.flow import REDIRECT, RESOURCE, Flow, application, query

pytestmark = pytest.mark.django_db

LOCAL = "http://localhost:3000/callback"


def shown(page: Any) -> str:
    """Return what people read."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


def test_the_page_says_who_asks_where_it_leads_to_and_for_whom(flow: Flow) -> None:
    application(name="<b>Notebook</b>")
    page = flow.ask()
    assert page.status_code == 200
    text = shown(page)
    for fact in ("&lt;b&gt;Notebook&lt;/b&gt;", "client.example", "ada", "Use this service as you", "Log out"):
        assert fact in text, fact


def test_where_there_are_several_servers_it_says_which_it_lets_the_client_use(flow: Flow, reports: MCPServer) -> None:
    from mcp_django import mcp

    application()
    assert "Lets it use" not in shown(flow.ask())
    mcp.add_tool(lambda: None, "search")
    try:
        assert "Lets it use reports" in shown(flow.ask(resource=f"{RESOURCE}/reports/"))
        page = flow.ask(resource=[RESOURCE, f"{RESOURCE}/reports"])
        assert "Lets it use tests , reports" in shown(page)
        assert "Lets it use tests , reports" in shown(flow.answer(page, scopes=[]))
    finally:
        mcp.remove_tool("search")


def test_it_shows_the_account_whatever_the_projects_templates_know(flow: Flow, settings: Any) -> None:
    application()
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {}}]
    assert "ada" in shown(flow.ask()).partition("Your account")[2]


def test_the_name_of_a_client_that_registered_itself_is_called_its_own_choice(flow: Flow) -> None:
    application(registration_source="dcr")
    assert "nobody has checked it" in shown(flow.ask())


@pytest.mark.parametrize("redirect_uri", [LOCAL, "http://127.0.0.1:9/cb", "http://[::1]:9/cb", "cursor://a.b/cb"])
def test_a_client_on_ones_own_computer_comes_with_a_warning(flow: Flow, redirect_uri: str) -> None:
    application(redirect_uris=redirect_uri)
    flow.redirect_uri = redirect_uri
    assert "any program there could call itself that" in shown(flow.ask())


def test_a_client_elsewhere_comes_without_it(flow: Flow) -> None:
    application()
    assert "any program there" not in shown(flow.ask())


def test_each_scope_is_a_box_that_can_be_unticked(flow: Flow) -> None:
    application()
    page = flow.ask(scope="mcp profile")
    assert page.content.count(b'type="checkbox"') == page.content.count(b"checked") == 2
    assert "See your profile" in shown(page)
    code = query(flow.answer(page, scopes=["mcp"]))["code"]
    assert flow.token(code=code).json()["scope"] == "mcp"


def test_with_nothing_ticked_the_page_comes_again(flow: Flow) -> None:
    application()
    page = flow.answer(flow.ask(), scopes=[])
    assert page.status_code == 200
    assert "Tick at least one, or cancel." in shown(page)
    assert "client.example" in shown(page)
    assert not Grant.objects.exists()


def test_a_scope_that_was_not_asked_for_can_not_be_ticked(flow: Flow) -> None:
    application()
    assert flow.answer(flow.ask(), scopes=["mcp", "profile"]).status_code == 200
    assert not Grant.objects.exists()


def test_cancelling_tells_the_client_and_gives_it_nothing(flow: Flow) -> None:
    application()
    response = flow.answer(flow.ask(), allow=False)
    assert response["Location"].startswith(f"{REDIRECT}?")
    assert query(response) == {"error": "access_denied", "state": "s-1", "iss": "http://testserver"}
    assert not Grant.objects.exists()


def test_the_client_learns_who_answers(flow: Flow) -> None:
    """RFC 9207: a client of several issuers can't be made to send one's code to another."""
    application()
    assert query(flow.answer(flow.ask()))["iss"] == "http://testserver"
    assert query(flow.ask(scope="unknown"))["iss"] == "http://testserver"


# Nothing without the page


def test_a_client_can_not_waive_the_question(flow: Flow) -> None:
    application()
    flow.connect()
    assert flow.ask(approval_prompt="auto").status_code == 200


@pytest.mark.parametrize("source", ["dcr", "cimd"])
def test_a_client_that_nobody_set_up_is_asked_about_each_time(flow: Flow, settings: Any, source: str) -> None:
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "REQUEST_APPROVAL_PROMPT": "auto"}
    application(registration_source=source, skip_authorization=True)
    flow.connect()
    assert flow.ask().status_code == 200


def test_so_is_one_on_ones_own_computer(flow: Flow, settings: Any) -> None:
    """Any program there can listen on a port, and call itself by that client's name."""
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "REQUEST_APPROVAL_PROMPT": "auto"}
    application(redirect_uris=LOCAL, skip_authorization=True)
    flow.redirect_uri = LOCAL
    flow.connect()
    flow.redirect_uri = "http://localhost:4444/callback"
    page = flow.ask()
    assert (page.status_code, "localhost:4444" in shown(page)) == (200, True)


def test_one_that_people_set_up_may_be_trusted(flow: Flow) -> None:
    application(skip_authorization=True)
    assert "code" in query(flow.ask())


def test_a_page_of_somebody_elses_can_not_answer(flow: Flow) -> None:
    application()
    assert flow.answer(flow.ask(), csrfmiddlewaretoken="guessed").status_code == 403


def test_nobody_who_is_not_signed_in_sees_it(ada: User) -> None:
    application()
    response = Client().get("/authorize/", {"client_id": "notebook", "response_type": "code"})
    assert response["Location"].startswith("/accounts/login/?next=/authorize/")


def test_a_client_that_may_not_ask_learns_that_nobody_is_signed_in(flow: Flow) -> None:
    application()
    flow.browser = Client()
    answer = query(flow.ask(prompt="none"))
    assert (answer["error"], answer["iss"]) == ("login_required", "http://testserver")


@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{REDIRECT}/../evil"},
        {"redirect_uri": f"{REDIRECT}?next=https://evil.example"},
        {"redirect_uri": "https://client.example.evil.example/callback"},
        {"client_id": "unknown"},
    ],
)
def test_nobody_is_sent_anywhere_that_the_client_did_not_register(
    flow: Flow, change: dict[str, str], prompt: str | None, *, signed_in: bool
) -> None:
    application()
    if not signed_in:
        flow.browser = Client()
    response = flow.ask(prompt=prompt, **change)
    assert "evil" not in response.get("Location", "").partition("?")[0]
    assert response.status_code == (400 if signed_in or prompt else 302)


def test_a_form_with_another_client_or_redirect_is_refused(flow: Flow) -> None:
    application()
    for change in ({"client_id": "unknown"}, {"client_id": "note\0book"}, {"redirect_uri": "https://evil.example/cb"}):
        for allow in (True, False):
            response = flow.answer(flow.ask(), allow=allow, **change)
            assert response.status_code == 400
            assert "Location" not in response.headers


def test_what_is_wrong_with_a_request_is_a_page_and_echoes_nothing_active(flow: Flow) -> None:
    page = flow.ask(client_id="<script>alert(1)</script>")
    assert page.status_code == 400
    assert b"<script" not in page.content
    assert "invalid_request" in shown(page)


# Headers


@pytest.mark.parametrize("allowed", [True, False])
def test_no_other_page_can_frame_it_and_no_cache_keeps_it(flow: Flow, settings: Any, *, allowed: bool) -> None:
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"  # for pages of the project's own
    if allowed:
        application()
    page = flow.ask()
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "form-action" not in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"


def test_the_window_that_opened_it_hears_of_its_end(flow: Flow) -> None:
    application()
    page = flow.ask()
    assert page["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert flow.answer(page)["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_it_needs_no_script_and_nothing_from_elsewhere(flow: Flow) -> None:
    application()
    html = flow.ask().content.decode()
    assert "<script" not in html
    assert "style=" not in html
    assert re.findall(r'(?:src|href)="([^"]+)"', html) == ["/static/mcp_django/oauth.css", "/connected-apps/"]


def test_every_control_has_a_name(flow: Flow) -> None:
    application()
    html = flow.ask(scope="mcp profile").content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]* id="([^"]+)"', html)
    assert len(boxes) == 2
    assert all(f'for="{box}"' in html for box in boxes)
    assert '<html lang="en-us" dir="ltr">' in html


# Somebody else


def test_whoever_is_not_the_one_signed_in_may_log_out_and_comes_back(flow: Flow) -> None:
    application()
    page = flow.ask()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token is not None
    here = page.wsgi_request.get_full_path()
    response = flow.browser.post("/switch-account/", {"next": here, "csrfmiddlewaretoken": token[1]})
    assert response["Location"].startswith("/accounts/login/?next=/authorize/")
    assert flow.ask().status_code == 302
    assert RESOURCE not in response["Location"]  # quoted, so that it stays one parameter


def test_logging_out_leads_nowhere_else(flow: Flow) -> None:
    browser = Client()
    response = browser.post("/switch-account/", {"next": "https://evil.example/"})
    assert response["Location"] == "/accounts/login/?next=/connected-apps/"
    assert browser.get("/switch-account/").status_code == 405
