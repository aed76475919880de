"""The official client as it signs in: what it keeps, and the person it asks."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

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
    """Ada at her browser: logs in when asked to, reads the page, and presses a button.

    Args:
        browser: without anybody's cookies; its ``base_url`` is the project's.
    """

    def __init__(self, browser: httpx2.AsyncClient, password: str = "lovelace", *, allows: bool = True) -> None:
        self.browser = browser
        self._password, self._allows = password, allows
        self.asked: list[dict[str, list[str]]] = []
        self.unticks: set[str] = set()
        """Scopes whose boxes are emptied before the button is pressed."""

        self._answer = ""

    async def open(self, url: str) -> None:
        self.asked.append(parse_qs(urlsplit(url).query))
        page = await self.browser.get(url)
        if page.status_code == 302:
            login = self._at(page.headers["location"])
            fields = {**form(await self.browser.get(login)), "username": "ada", "password": self._password}
            sent = await self.browser.post(login, data=fields)
            page = await self.browser.get(self._at(sent.headers["location"]))
        assert page.status_code == 200, page.text
        fields = form(page, '<form class="consent"')
        fields["scopes"] = [scope for scope in fields["scopes"] if scope not in self.unticks]
        sent = await self.browser.post(page.url, data={**fields, **({"allow": "1"} if self._allows else {})})
        assert sent.status_code == 302, sent.text
        self._answer = sent.headers["location"]

    async def answer(self) -> AuthorizationCodeResult:
        said = parse_qs(urlsplit(self._answer).query)
        first = {key: values[0] for key, values in said.items()}
        return AuthorizationCodeResult(code=first.get("code", ""), state=first.get("state"), iss=first.get("iss"))

    async def disconnect(self) -> None:
        """Take back what every client was allowed."""
        page = await self.browser.get("/connected-apps/")
        for action in re.findall(r'action="([^"]+/disconnect/)"', page.text):
            fields = form(page, f'action="{action}"')
            assert (await self.browser.post(action, data=fields)).status_code == 302

    def _at(self, location: str) -> str:
        return urljoin(str(self.browser.base_url), location)


def provider(
    url: str, person: Person, storage: Storage, redirect_uri: str = CALLBACK, **options: Any
) -> OAuthClientProvider:
    """Return what signs the client's requests to an endpoint."""
    metadata = OAuthClientMetadata(client_name="my agent", redirect_uris=[AnyUrl(redirect_uri)])
    return OAuthClientProvider(url, metadata, storage, person.open, person.answer, **options)
