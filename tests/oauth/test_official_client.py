"""The official client's own sign-in, against the ASGI application: nobody has set anything up for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from oauth2_provider.cimd import CIMDError, SafeMetadataFetcher
from oauth2_provider.models import AccessToken, Application

from mcp_django import mcp
from mcp_django.oauth.accounts import make_account
from tests.oauth.bodies import DOCUMENTS
from tests.oauth.official import Person, Storage, provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anyio]

SITE = "http://testserver"
ENDPOINT = f"{SITE}/mcp"


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada", password="lovelace")


@pytest.fixture(autouse=True)
def _scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "scopes", frozenset({"notes:write"}), raising=False)


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=get_asgi_application())
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as browser:
        yield browser


@pytest.fixture
def person(ada: User, browser: httpx2.AsyncClient) -> Person:
    return Person(browser)


async def call(auth: OAuthClientProvider, path: str = "/mcp") -> Any:
    """Send one request as the client does."""
    transport = httpx2.ASGITransport(app=get_asgi_application())
    async with httpx2.AsyncClient(transport=transport, base_url=SITE, auth=auth) as http:
        response = await http.post(path)
        assert response.status_code == 200, response.text
        return response.json()


async def test_it_registers_signs_in_steps_up_renews_and_starts_again(person: Person) -> None:
    storage = Storage()
    first = provider(ENDPOINT, person, storage)
    assert await call(first) == {"user": "ada", "scopes": ["mcp"]}
    assert person.asked[0]["scope"] == ["mcp"]  # and no more than that
    assert person.asked[0]["resource"] == [f"{SITE}/mcp"]

    assert await call(first, "/mcp?write=1") == {"user": "ada", "scopes": ["mcp", "notes:write"]}
    assert sorted(person.asked[1]["scope"][0].split()) == ["mcp", "notes:write"]

    assert storage.tokens is not None
    before = storage.tokens.access_token
    first.context.token_expiry_time = 1
    assert await call(first, "/mcp?write=1") == {"user": "ada", "scopes": ["mcp", "notes:write"]}
    assert storage.tokens.access_token != before

    assert await call(provider(ENDPOINT, person, storage), "/mcp?write=1") == {
        "user": "ada",
        "scopes": ["mcp", "notes:write"],
    }
    assert len(person.asked) == 2
    assert await Application.objects.acount() == 1


async def test_it_signs_in_by_the_url_of_a_document(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(self: SafeMetadataFetcher, client_id: str) -> None:
        raise CIMDError("HTTP 403")

    monkeypatch.setattr(SafeMetadataFetcher, "fetch", unreachable)
    url, redirect_uri = DOCUMENTS["VS Code"]
    found = await call(provider(ENDPOINT, person, Storage(), redirect_uri, client_metadata_url=url))
    assert found == {"user": "ada", "scopes": ["mcp"]}
    application = await Application.objects.aget()
    assert (application.client_id, application.registration_source) == (url, "cimd")


async def test_it_is_told_when_the_answer_was_no(ada: User, browser: httpx2.AsyncClient) -> None:
    person = Person(browser, allows=False)
    with pytest.raises(OAuthFlowError, match="No authorization code received"):
        await call(provider(ENDPOINT, person, Storage()))
    assert not await AccessToken.objects.aexists()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_program_signs_in_as_itself(ada: User, method: Any) -> None:
    client, secret = await sync_to_async(make_account)("nightly", ada, ["mcp", "notes:write"])
    auth = ClientCredentialsOAuthProvider(
        f"{SITE}/mcp", Storage(), client.client_id, secret, method, scope="mcp notes:write", issuer=SITE
    )
    assert await call(auth, "/mcp?write=1") == {"user": "ada", "scopes": ["mcp", "notes:write"]}
