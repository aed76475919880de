"""What a client and a browser do between the first request and a token."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client
from oauth2_provider.models import AccessToken, Application

REDIRECT = "https://client.example/callback"
RESOURCE = "http://testserver/mcp"


def application(**fields: Any) -> Application:
    """Make a client that somebody set up by hand."""
    given = {
        "name": "Notebook",
        "client_id": "notebook",
        "redirect_uris": REDIRECT,
        "client_type": "public",
        "authorization_grant_type": "authorization-code",
    }
    return Application.objects.create(**{**given, **fields})


def register(**metadata: Any) -> HttpResponse:
    """Register as a client does; nobody is logged in."""
    return Client().post("/register/", data=json.dumps(metadata), content_type="application/json")


def query(response: HttpResponse) -> dict[str, str]:
    """Return the parameters with which somebody is sent back to a client."""
    return {key: values[-1] for key, values in parse_qs(urlsplit(response["Location"]).query).items()}


@dataclass
class Flow:
    """One browser, and the client whose flow it is in."""

    browser: Client
    verifier: str
    challenge: str
    client_id: str = "notebook"
    redirect_uri: str = REDIRECT
    extra: dict[str, Any] = field(default_factory=dict)

    def ask(self, **more: Any) -> HttpResponse:
        """Open the authorization page."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "state": "s-1",
            "scope": "mcp",
            "resource": RESOURCE,
            **more,
        }
        return self.browser.get("/authorize/", {key: value for key, value in asked.items() if value is not None})

    def answer(self, page: HttpResponse, *, allow: bool = True, **changes: Any) -> HttpResponse:
        """Send the form of the page, with everything ticked, or what ``changes`` say."""
        html = page.content.decode()
        fields: dict[str, Any] = {}
        form = html.partition('<form class="consent"')[2].partition("</form>")[0]
        for tag in re.findall(r"<input[^>]*>", form):
            name, value = attribute(tag, "name"), attribute(tag, "value")
            if name and "checkbox" not in tag:
                fields[name] = value
            elif name and "checked" in tag:
                fields.setdefault(name, []).append(value)
        if allow:
            fields["allow"] = "1"
        return self.browser.post(page.wsgi_request.get_full_path(), {**fields, **changes})

    def code(self, **more: Any) -> str:
        """Ask, allow, and return the code."""
        return query(self.answer(self.ask(**more)))["code"]

    def token(self, **more: Any) -> HttpResponse:
        """Send the token request: a code by default."""
        asked = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **more,
        }
        return Client().post("/token/", {key: value for key, value in asked.items() if value is not None})

    def connect(self, **more: Any) -> dict[str, Any]:
        """Go all the way, and return the tokens."""
        response = self.token(code=self.code(**more))
        assert response.status_code == 200, response.content
        return dict(response.json())

    def refresh(self, token: str, **more: Any) -> HttpResponse:
        """Renew."""
        asked = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client_id, **more}
        return Client().post("/token/", asked)


def attribute(tag: str, name: str) -> str:
    """Return an attribute of a tag."""
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def stored(token: str) -> AccessToken:
    """Return the row of an access token."""
    import hashlib

    return AccessToken.objects.get(token_checksum=hashlib.sha256(token.encode()).hexdigest())
