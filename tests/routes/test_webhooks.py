"""Signed POSTs of other services."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from mcp_django.routes import GITHUB, HMACSignature, Webhook, WebhookEvent, signed, webhooks
from mcp_django.routes.signatures import standard_key
from mcp_django.signals import webhook_received
from tests.routes.conftest import Site

SECRET = "whsec_" + base64.b64encode(b"a secret of ours").decode()
OLD = "whsec_" + base64.b64encode(b"the one before").decode()
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "time", lambda: NOW)


def headers(body: bytes, secret: str = SECRET, time: int = NOW) -> dict[str, str]:
    digest = hmac.digest(standard_key(secret), f"msg_1.{time}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": str(time), "webhook-signature": signature}


def send(site: Site, body: bytes, kind: str = "application/json", **given: str) -> Any:
    return site.send("POST", "/view/", body, kind, headers={**headers(body), **given})


@pytest.fixture
def told() -> Iterator[list[WebhookEvent]]:
    """The events that receivers of the signal are told of."""
    events: list[WebhookEvent] = []

    def receiver(*, event: WebhookEvent, **kwargs: Any) -> None:
        events.append(event)

    webhook_received.connect(receiver)
    yield events
    webhook_received.disconnect(receiver)


def test_a_signed_view_gets_the_bytes_that_were_signed(site: Site) -> None:
    site.add(signed(secrets=[SECRET])(site.view(lambda request: HttpResponse(request.body))))
    body = b'{"type" :  "user.created"}'
    assert send(site, body).content == body


def test_what_is_not_signed_never_reaches_the_view(site: Site, caplog: Any) -> None:
    seen: list[HttpRequest] = []
    site.add(signed(secrets=[SECRET])(site.view(lambda request: seen.append(request) or HttpResponse())))
    refused = site.send("POST", body=b"{}", kind="application/json")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Signature header="webhook-signature"')
    assert refused.json()["detail"] == "The signature is missing or not valid."
    for given in (headers(b"{} "), headers(b"{}", time=NOW - 301), headers(b"{}", secret=OLD)):
        assert site.send("POST", body=b"{}", kind="application/json", headers=given).status_code == 401
    assert seen == []
    assert SECRET not in caplog.text


def test_a_secret_is_exchanged_without_losing_an_event(site: Site) -> None:
    current = [SECRET]
    site.add(signed(secrets=lambda: current)(site.view()))
    given = headers(b"{}", secret=OLD)
    assert site.send("POST", body=b"{}", kind="application/json", headers=given).status_code == 401
    current.append(OLD)
    assert site.send("POST", body=b"{}", kind="application/json", headers=given).status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    site.add(signed(secrets=[SECRET], max_body_bytes=10)(site.view()))
    refused = send(site, b"x" * 11)
    assert (refused.status_code, refused.json()["detail"]) == (413, "The body is larger than 10 bytes.")
    assert send(site, b"x" * 10).status_code == 200
    assert send(site, b"x" * 11, **{"content-length": "5"}).status_code in (401, 413)  # whose word nobody takes


def test_ten_megabytes_are_too_much_for_any_webhook(site: Site) -> None:
    site.add(signed(secrets=[SECRET])(site.view()))
    assert site.send("POST", body=b"x" * 10_000_000, kind="application/json").status_code == 413


def test_no_cookie_counts_so_no_csrf_token_is_asked_for() -> None:
    webhook = Webhook("bank", secrets=[SECRET])
    assert webhook.view.csrf_exempt is True  # type: ignore[attr-defined]


def test_without_a_secret_nothing_is_served() -> None:
    for secrets in ([], [""], SECRET):
        with pytest.raises(ImproperlyConfigured, match="at least one secret"):
            signed(secrets=secrets)


def test_a_function_that_returns_no_secret_is_an_error_of_the_project(site: Site) -> None:
    site.add(signed(secrets=list)(site.view()))
    assert send(site, b"{}").status_code == 500


@pytest.fixture
def webhook(site: Site) -> Webhook:
    """A webhook under ``/view/``, in a project of either kind."""
    webhook = Webhook("bank", secrets=[SECRET])
    site.add(webhook.view)
    return webhook


def test_an_event_goes_to_the_functions_of_its_type_sync_and_async(site: Site, webhook: Webhook) -> None:
    got: list[Any] = []

    @webhook.on("user.created", "user.changed")
    def keep(event: WebhookEvent) -> None:
        got.append(("sync", event.type, event.id, event.data["data"]))

    @webhook.on("user.created")
    async def keep_async(event: WebhookEvent) -> None:
        got.append(("async", event.source))

    @webhook.on("user.deleted")
    def forget(event: WebhookEvent) -> None:
        raise AssertionError("It is of another type.")

    response = send(site, b'{"type": "user.created", "data": 7}', "application/json; charset=utf-8")
    assert (response.status_code, response.json()) == (200, {"handled": True})
    assert got == [("sync", "user.created", "msg_1", 7), ("async", "bank")]


def test_an_event_that_nobody_waits_for_is_taken_all_the_same(site: Site, webhook: Webhook) -> None:
    assert send(site, b'{"type": "user.created"}').json() == {"handled": False}


def test_receivers_of_the_signal_are_told_every_event(site: Site, webhook: Webhook, told: list[WebhookEvent]) -> None:
    assert send(site, b'{"type": "user.created"}').json() == {"handled": True}
    assert [(event.source, event.type) for event in told] == [("bank", "user.created")]


def test_what_a_receiver_raises_makes_the_service_send_it_again(site: Site, webhook: Webhook) -> None:
    @webhook.on("user.created")
    def fail(event: WebhookEvent) -> None:
        raise RuntimeError("database is down")

    response = send(site, b'{"type": "user.created"}')
    assert response.status_code == 500
    assert b"database" not in response.content


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"type": "a"', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"type": 7}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"type": "a"}', "text/plain", 415),
        (b'{"type": "a"}', "application/cloudevents+json", 200),
    ],
)
def test_a_body_that_is_no_event_is_refused(site: Site, webhook: Webhook, body: bytes, kind: str, status: int) -> None:
    assert send(site, body, kind).status_code == status


def test_an_event_is_posted(site: Site, webhook: Webhook) -> None:
    assert site.send("GET", headers=headers(b"")).status_code == 405


def test_github_names_the_event_in_a_header(site: Site) -> None:
    github = Webhook("github", GITHUB, secrets=["s3cret"])
    site.add(github.view)
    got: list[WebhookEvent] = []
    github.on("push")(got.append)
    body = b'{"ref": "refs/heads/main"}'
    digest = hmac.new(b"s3cret", body, "sha256").hexdigest()
    sent = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "push", "X-GitHub-Delivery": "72d3162e"}
    assert site.send("POST", body=body, kind="application/json", headers=sent).status_code == 200
    assert [(event.type, event.id) for event in got] == [("push", "72d3162e")]
    del sent["X-GitHub-Event"]
    refused = site.send("POST", body=body, kind="application/json", headers=sent)
    assert refused.json()["detail"] == "X-GitHub-Event must say what the event is."


def test_an_id_that_is_a_number_is_kept_as_text(site: Site) -> None:
    shop = Webhook("shop", HMACSignature(header="X-Signature"), secrets=["s3cret"])
    site.add(shop.view)
    got: list[WebhookEvent] = []
    shop.on("sold")(got.append)
    body = json.dumps({"type": "sold", "id": 7}).encode()
    sent = {"X-Signature": hmac.new(b"s3cret", body, "sha256").hexdigest()}
    site.send("POST", body=body, kind="application/json", headers=sent)
    assert [event.id for event in got] == ["7"]


def test_a_webhook_passes_the_csrf_middleware() -> None:
    webhook = Webhook("bank", secrets=[SECRET])
    urlconf = ModuleType("urlconf")
    vars(urlconf)["urlpatterns"] = [path("view/", webhook.view)]
    with override_settings(ROOT_URLCONF=urlconf, MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        client, body = Client(enforce_csrf_checks=True), b'{"type": "a"}'
        sent = client.generic("POST", "/view/", body, "application/json", headers=headers(body))
    assert sent.status_code == 200
