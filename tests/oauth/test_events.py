"""What is recorded, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.dispatch import Signal
from django.test import Client
from oauth2_provider.models import Application

from mcp_django import signals
from mcp_django.oauth.connections import disconnect
from tests.oauth.bodies import MCP_REMOTE
from tests.oauth.flow import Flow, application, register

pytestmark = pytest.mark.django_db


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """Collect what a signal says."""
    said: list[dict[str, Any]] = []

    def receive(**kwargs: Any) -> None:
        said.append({key: value for key, value in kwargs.items() if key not in ("signal", "sender", "request")})

    signal.connect(receive)
    try:
        yield said
    finally:
        signal.disconnect(receive)


def test_consent_and_step_up(flow: Flow, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    client = application()
    with caplog.at_level("INFO", "mcp_django.oauth"), heard(signals.consent_given) as said:
        flow.connect()
        flow.connect(scope="mcp profile")
    assert said == [
        {"application": client, "scopes": ["mcp"], "step_up": False},
        {"application": client, "scopes": ["mcp", "profile"], "step_up": True},
    ]
    assert caplog.messages == [
        f"Consent: user {ada.pk}, client notebook, scopes mcp",
        f"Step-up: user {ada.pk}, client notebook, scopes mcp profile",
    ]


def test_no_consent(flow: Flow, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    client = application()
    with caplog.at_level("INFO", "mcp_django.oauth"), heard(signals.consent_denied) as said:
        flow.answer(flow.ask(), allow=False)
    assert said == [{"application": client}]
    assert caplog.messages == [f"Consent denied: user {ada.pk}, client notebook"]


def test_consent_to_what_is_then_refused_is_none(flow: Flow) -> None:
    application()
    with heard(signals.consent_given) as said:
        flow.answer(flow.ask(), resource="https://elsewhere.example/mcp")
    assert said == []


def test_registration_and_its_refusal(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "mcp_django.oauth"), heard(signals.client_registered) as said:
        register(**MCP_REMOTE)
    client = Application.objects.get()
    assert said == [{"application": client}]
    assert caplog.messages == [f"Client registered: {client.client_id} from 127.0.0.1"]
    with heard(signals.oauth_refused) as said:
        register()
    assert said == [{"what": "registration", "status": 400, "error": "invalid_redirect_uri"}]


def test_revocation_and_disconnection(flow: Flow, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    client = application()
    tokens = flow.connect()
    with caplog.at_level("INFO", "mcp_django.oauth"):
        with heard(signals.token_revoked) as said:
            Client().post("/revoke_token/", {"token": tokens["access_token"], "client_id": "notebook"})
        assert said == [{"application": client}]
        flow.connect()
        caplog.clear()
        with heard(signals.client_disconnected) as said:
            disconnect(ada, client)
        assert said == [{"user": ada, "application": client}]
    assert caplog.messages == [f"Disconnected: user {ada.pk}, client notebook, 1 tokens"]


def test_a_refusal_of_consent_that_nobody_was_asked_for(flow: Flow) -> None:
    application()
    with heard(signals.oauth_refused) as said:
        flow.ask(scope="unknown")
        flow.ask(client_id="nobody")
        flow.answer(flow.ask(), allow=False)
    assert said == [
        {"what": "authorization", "status": 302, "error": "invalid_scope"},
        {"what": "authorization", "status": 400, "error": "invalid_request"},
    ]


def test_refusals_say_who_and_why_on_one_line(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    application()
    with caplog.at_level("WARNING", "mcp_django.oauth"), heard(signals.oauth_refused) as said:
        flow.token(code="guessed", client_id="notebook\nForged: line")
        Client().post("/revoke_token/", {"token": "x", "client_id": "nobody"})
    assert [(each["what"], each["error"]) for each in said] == [
        ("token", "invalid_client"),
        ("revocation", "invalid_client"),
    ]
    lines = [each for each in caplog.messages if each.startswith("Refused")]
    assert lines[0] == "Refused: token, 401 invalid_client, client notebook?Forged: line from 127.0.0.1"


def test_no_log_holds_a_token_a_code_or_a_secret(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "mcp_django")
    # The toolkit and oauthlib write codes and tokens at DEBUG, as the documents say.
    told = register(redirect_uris=[flow.redirect_uri]).json()
    flow.client_id = told["client_id"]
    code = flow.code()
    tokens = flow.token(code=code, client_secret=told["client_secret"]).json()
    again = flow.refresh(tokens["refresh_token"], client_secret=told["client_secret"]).json()
    flow.refresh(tokens["refresh_token"], client_secret="wrong-secret")
    Client().post("/revoke_token/", {"token": again["access_token"], "client_id": "nobody"})
    secrets = [code, told["client_secret"], "wrong-secret", flow.verifier]
    secrets += [each[name] for each in (tokens, again) for name in ("access_token", "refresh_token")]
    records = json.dumps([record.getMessage() for record in caplog.records])
    assert len(caplog.records) > 3
    assert [secret for secret in secrets if secret in records] == []
