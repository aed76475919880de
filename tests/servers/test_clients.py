"""What the clients that people use send and publish, over HTTP to the demo on daphne: each of them gets in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oauth.bodies import CLIENTS, DOCUMENTS
from tests.servers.demo import Demo, exchange

pytestmark = pytest.mark.server

ADDRESS = "127.0.0.4"
"""Of these clients, so that nobody else's registrations count against theirs."""


def signed_in(demo: Demo, client_id: str, redirect_uri: str, secret: str | None) -> dict[str, Any]:
    """Go from the page that asks to the tokens, and renew them once."""
    code = demo.person("vera").code(client_id, redirect_uri=redirect_uri)
    proof = {} if secret is None else {"client_secret": secret}
    first = demo.token(**exchange(client_id, code, redirect_uri=redirect_uri), **proof)
    assert first.status_code == 200, first.text
    renewal = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"], "client_id": client_id}
    second = demo.token(**renewal, **proof)
    assert second.status_code == 200, second.text
    tokens: dict[str, Any] = second.json()
    return tokens


@pytest.mark.parametrize(("body", "redirect_uri"), CLIENTS.values(), ids=CLIENTS)
def test_a_client_registers_as_it_does_everywhere_and_gets_in(
    demo: Demo, body: dict[str, Any], redirect_uri: str
) -> None:
    with demo.browser(ADDRESS) as browser:
        answer = browser.post("/register/", json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["client_name"] == body["client_name"]
    assert told["token_endpoint_auth_method"] == body.get("token_endpoint_auth_method", "client_secret_basic")
    tokens = signed_in(demo, told["client_id"], redirect_uri, told.get("client_secret"))
    assert tokens["scope"] == "mcp trips:write"
    assert demo.gets_in(tokens["access_token"])


@pytest.mark.parametrize(("client_id", "redirect_uri"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_client_is_known_by_its_document_and_gets_in(demo: Demo, client_id: str, redirect_uri: str) -> None:
    tokens = signed_in(demo, client_id, redirect_uri, None)
    assert demo.gets_in(tokens["access_token"])
    assert demo.count("oauth2_provider_application", f"client_id = '{client_id}' AND client_type = 'public'") == 1


@pytest.mark.parametrize("client_id", [client_id for client_id, _ in DOCUMENTS.values()], ids=DOCUMENTS)
def test_nobody_gets_the_code_of_a_client_with_a_document_elsewhere(demo: Demo, client_id: str) -> None:
    for redirect_uri in ("https://evil.example/callback", "http://evil.example/callback", "evil://callback"):
        answer = demo.person("vera").ask(client_id, redirect_uri=redirect_uri)
        assert (answer.status_code, answer.headers.get("location")) == (400, None)
