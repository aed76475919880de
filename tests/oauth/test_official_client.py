"""The official client's own sign-in, against the ASGI application: nobody has set anything up for it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from oauth2_provider.cimd import CIMDError, SafeMetadataFetcher
from oauth2_provider.models import AccessToken, Application
from pydantic import AnyUrl

from mcp_django import mcp
from mcp_django.oauth.accounts import make_account
from tests.oauth.bodies import DOCUMENTS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anyio]

SITE = "http://testserver"
CALLBACK = "http://localhost:3030/callback"


class Storage:
    """What a client keeps between two starts."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def form(page: httpx2.Response, after: str = "<form") -> dict[str, Any]:
    """Return the fields of a form as a browser would send them."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page.text.partition(after)[2].partition("</form>")[0]):
        attributes = {key: unescape(value) for key, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if "name" not in attributes or ("checkbox" in tag and "checked" not in tag):
            continue
        found.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    return found


class Person:
    """Ada at her browser: logs in when asked to, reads the page, and presses a button."""

    def __init__(self, application: Any, *, allows: bool = True) -> None:
        self._browser = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url=SITE)
        self._allows = allows
        self.asked: list[dict[str, list[str]]] = []
        self._answer = ""

    async def open(self, url: str) -> None:
        self.asked.append(parse_qs(urlsplit(url).query))
        page = await self._browser.get(url)
        if page.status_code == 302:
            login = urljoin(SITE, page.headers["location"])
            fields = {**form(await self._browser.get(login)), "username": "ada", "password": "lovelace"}
            sent = await self._browser.post(login, data=fields)
            page = await self._browser.get(urljoin(SITE, sent.headers["location"]))
        assert page.status_code == 200, page.text
        fields = form(page, '<form class="consent"')
        sent = await self._browser.post(page.url, data={**fields, **({"allow": "1"} if self._allows else {})})
        assert sent.status_code == 302, sent.text
        self._answer = sent.headers["location"]

    async def answer(self) -> AuthorizationCodeResult:
        said = parse_qs(urlsplit(self._answer).query)
        first = {key: values[0] for key, values in said.items()}
        return AuthorizationCodeResult(code=first.get("code", ""), state=first.get("state"), iss=first.get("iss"))

    async def close(self) -> None:
        await self._browser.aclose()


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada", password="lovelace")


@pytest.fixture(autouse=True)
def _scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "scopes", frozenset({"notes:write"}), raising=False)


@pytest.fixture
async def person(ada: User) -> AsyncIterator[Person]:
    person = Person(get_asgi_application())
    yield person
    await person.close()


def provider(person: Person, storage: Storage, redirect_uri: str = CALLBACK, **options: Any) -> OAuthClientProvider:
    metadata = OAuthClientMetadata(client_name="my agent", redirect_uris=[AnyUrl(redirect_uri)])
    return OAuthClientProvider(f"{SITE}/mcp", metadata, storage, person.open, person.answer, **options)


async def call(auth: OAuthClientProvider, path: str = "/mcp") -> Any:
    """Send one request as the client does."""
    transport = httpx2.ASGITransport(app=get_asgi_application())
    async with httpx2.AsyncClient(transport=transport, base_url=SITE, auth=auth) as http:
        response = await http.post(path)
        assert response.status_code == 200, response.text
        return response.json()


async def test_it_registers_signs_in_steps_up_renews_and_starts_again(person: Person) -> None:
    storage = Storage()
    first = provider(person, storage)
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

    assert await call(provider(person, storage), "/mcp?write=1") == {"user": "ada", "scopes": ["mcp", "notes:write"]}
    assert len(person.asked) == 2
    assert await Application.objects.acount() == 1


async def test_it_signs_in_by_the_url_of_a_document(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(self: SafeMetadataFetcher, client_id: str) -> None:
        raise CIMDError("HTTP 403")

    monkeypatch.setattr(SafeMetadataFetcher, "fetch", unreachable)
    url, redirect_uri = DOCUMENTS["VS Code"]
    found = await call(provider(person, Storage(), redirect_uri, client_metadata_url=url))
    assert found == {"user": "ada", "scopes": ["mcp"]}
    application = await Application.objects.aget()
    assert (application.client_id, application.registration_source) == (url, "cimd")


async def test_it_is_told_when_the_answer_was_no(ada: User) -> None:
    person = Person(get_asgi_application(), allows=False)
    with pytest.raises(OAuthFlowError, match="No authorization code received"):
        await call(provider(person, Storage()))
    await person.close()
    assert not await AccessToken.objects.aexists()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_program_signs_in_as_itself(ada: User, method: Any) -> None:
    client, secret = await sync_to_async(make_account)("nightly", ada, ["mcp", "notes:write"])
    auth = ClientCredentialsOAuthProvider(
        f"{SITE}/mcp", Storage(), client.client_id, secret, method, scope="mcp notes:write", issuer=SITE
    )
    assert await call(auth, "/mcp?write=1") == {"user": "ada", "scopes": ["mcp", "notes:write"]}
