"""Signing in at another service, as its client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.http import HttpResponse, JsonResponse
from django.test import override_settings

from mcp_django.routes import OAuthFailed, OAuthLogin, json_errors, oauth_login
from mcp_django.routes.oauth_login import MAX_BEGUN, post_form
from tests.auth.tokens import make_user
from tests.routes.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

CALLBACK = "https://testserver/callback/"
SIGN_IN = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


class Service:
    """The token endpoint of another service, and what it was sent."""

    def __init__(self) -> None:
        self.answer = '{"access_token": "s3cret", "token_type": "Bearer"}'
        self.sent: list[dict[str, str]] = []

    def exchange(self, url: str, body: str, headers: Mapping[str, str]) -> str:
        assert url == "https://service.example/token"
        self.sent.append({name: values[0] for name, values in parse_qs(body).items()})
        return self.answer


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def login(service: Service) -> OAuthLogin:
    return OAuthLogin(
        name="service",
        authorize_url="https://service.example/authorize",
        token_url="https://service.example/token",
        client_id="ours",
        client_secret="hush",
        scope=("read", "write"),
        issuer="https://service.example",
        exchange=service.exchange,
    )


@pytest.fixture
def pages(site: Site, login: OAuthLogin) -> Iterator[Site]:
    """``/begin/`` and ``/callback/``."""

    def finish(request: Any) -> HttpResponse:
        return JsonResponse(login.finish(request))

    async def afinish(request: Any) -> HttpResponse:
        return JsonResponse(await login.afinish(request))

    async def abegin(request: Any) -> HttpResponse:
        return await login.abegin(request, CALLBACK)

    sync = site.kind == "sync"
    site.add((lambda request: login.begin(request, CALLBACK)) if sync else abegin, "begin/")
    site.add(json_errors(finish if sync else afinish), "callback/")
    with override_settings(MIDDLEWARE=SIGN_IN):
        yield site


def begin(site: Site) -> dict[str, str]:
    """Return what the service is asked."""
    response = site.send(url="/begin/")
    assert response.status_code == 302
    assert response["Location"].startswith("https://service.example/authorize?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def finish(site: Site, **answer: str) -> Any:
    query = httpx2.QueryParams({"iss": "https://service.example", "code": "c0de", **answer})
    return site.send(url=f"/callback/?{query}")


def test_a_code_becomes_a_token_that_the_view_alone_sees(pages: Site, service: Service) -> None:
    asked = begin(pages)
    assert {name: asked[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code",
        "client_id": "ours",
        "redirect_uri": CALLBACK,
        "scope": "read write",
    }
    assert asked["code_challenge_method"] == "S256"
    response = finish(pages, state=asked["state"])
    assert response.json()["access_token"] == "s3cret"
    (sent,) = service.sent
    verifier = sent.pop("code_verifier")
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert challenge == asked["code_challenge"]
    assert sent == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "client_id": "ours",
        "client_secret": "hush",
        "redirect_uri": CALLBACK,
    }


def refused(response: Any) -> str:
    assert response.status_code == 403
    return str(response.json()["detail"])


NOT_BEGUN = "This sign-in was not begun here, or is over: begin again."


def test_an_answer_counts_once(pages: Site, service: Service) -> None:
    state = begin(pages)["state"]
    assert finish(pages, state=state).status_code == 200
    assert refused(finish(pages, state=state)) == NOT_BEGUN
    assert len(service.sent) == 1


def test_an_answer_to_what_was_not_begun_here_does_not_count(pages: Site, service: Service) -> None:
    begin(pages)
    for state in ("", "another", "ü"):
        assert refused(finish(pages, state=state)) == NOT_BEGUN
    assert service.sent == []


def test_an_answer_does_not_count_for_somebody_else(pages: Site, service: Service) -> None:
    state = begin(pages)["state"]
    pages.log_in(make_user("ada"))  # which keeps the session of who was nobody
    assert refused(finish(pages, state=state)) == NOT_BEGUN
    state = begin(pages)["state"]
    assert finish(pages, state=state).status_code == 200


def test_an_answer_that_comes_too_late_does_not_count(pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(oauth_login, "time", lambda: now)
    state = begin(pages)["state"]
    now += 600
    assert refused(finish(pages, state=state)) == NOT_BEGUN


def test_several_tabs_begin_and_finish_in_any_order_up_to_a_limit(pages: Site) -> None:
    states = [begin(pages)["state"] for _ in range(MAX_BEGUN + 1)]
    assert refused(finish(pages, state=states[0])) == NOT_BEGUN
    assert [finish(pages, state=state).status_code for state in reversed(states[1:])] == [200] * MAX_BEGUN


@pytest.mark.parametrize("issuer", ["https://evil.example", ""])
def test_an_answer_of_another_service_does_not_count(pages: Site, service: Service, issuer: str) -> None:
    state = begin(pages)["state"]
    text = "The answer is not of the service that was asked."
    assert refused(finish(pages, state=state, iss=issuer)) == text
    assert service.sent == []
    assert refused(finish(pages, state=state)) == NOT_BEGUN  # it is over all the same


def test_a_no_is_told_without_the_words_of_the_url(pages: Site, service: Service) -> None:
    state = begin(pages)["state"]
    answer = finish(pages, state=state, error="<script>", error_description="<script>", code="")
    assert refused(answer) == "The service did not sign you in."
    assert service.sent == []


def test_an_answer_without_a_code_does_not_count(pages: Site) -> None:
    state = begin(pages)["state"]
    assert refused(finish(pages, state=state, code="")) == "The answer holds no code."


@pytest.mark.parametrize("answer", ['{"error": "invalid_grant", "error_description": "s3cret"}', "<html>", "{}"])
def test_a_service_that_gives_no_token_is_told_of_so(pages: Site, service: Service, answer: str) -> None:
    service.answer = answer
    state = begin(pages)["state"]
    assert refused(finish(pages, state=state)) == "The service gave no token."


def test_a_service_that_does_not_answer_is_told_of_so() -> None:
    def fail(url: str, body: str, headers: Mapping[str, str]) -> str:
        raise httpx2.ConnectError("no route to 10.0.0.1")

    broken = OAuthLogin(
        name="broken",
        authorize_url="https://service.example/authorize",
        token_url="https://service.example/token",
        client_id="ours",
        exchange=fail,
    )
    with pytest.raises(OAuthFailed, match="could not be asked") as failed:
        broken._tokens("c0de", {"redirect_uri": CALLBACK, "verifier": "v"})
    assert failed.value.error == "server_error"


def test_the_code_of_an_error_is_a_word() -> None:
    for given, kept in (
        ("access_denied", "access_denied"),
        ("<b>", "invalid_response"),
        ("x" * 65, "invalid_response"),
    ):
        assert oauth_login._code_of(given) == kept


@pytest.fixture
def endpoint() -> Iterator[HTTPServer]:
    """A token endpoint on a port of this machine, which answers with what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            body = b"x" * 100_000 if form == "long" else json.dumps({"sent": form}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_exchange_is_a_post_whose_answer_is_bounded(endpoint: HTTPServer) -> None:
    url = f"http://127.0.0.1:{endpoint.server_port}/token"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert json.loads(post_form(url, "a=b", headers)) == {"sent": "a=b"}
    with pytest.raises(ValueError, match="too long"):
        post_form(url, "long", headers)
