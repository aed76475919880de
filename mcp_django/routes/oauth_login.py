"""Signing in at another service as its OAuth client (RFC 6749 §4.1, RFC 7636, RFC 9207), for views that do so.

oauthlib makes and reads the messages. What is kept between the two views lies in the session of the one who began, so
nobody can finish what somebody else has begun; what comes of it goes to the view and into no URL.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

import httpx2
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

LIFETIME_SECONDS = 600
"""How long somebody may take to sign in at the other service."""

MAX_BEGUN = 5
"""Most sign-ins that one session has begun and not finished, such as in several tabs; the oldest go first."""

EXCHANGE_SECONDS = 10
"""How long the other service may take to answer."""

MAX_ANSWER_BYTES = 64 * 1024

Exchange = Callable[[str, str, Mapping[str, str]], str]
"""From URL, body and headers of a POST to the body of the answer. Blocking."""


class OAuthFailed(PermissionDenied):
    """The sign-in came to nothing. The text is for the user; ``error`` is the code of RFC 6749, or ours."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


def post_form(url: str, body: str, headers: Mapping[str, str]) -> str:
    """Send a form, and return the body of the answer, whatever its status: an error has a body as well.

    Raises:
        httpx2.HTTPError: there is no answer.
        ValueError: it is too long.
    """
    text, given = b"", dict(headers)
    with (
        httpx2.Client(timeout=EXCHANGE_SECONDS) as client,
        client.stream("POST", url, content=body, headers=given) as answer,
    ):
        for part in answer.iter_bytes():
            text += part
            if len(text) > MAX_ANSWER_BYTES:
                raise ValueError("The answer of the token endpoint is too long.")
    return text.decode()


@dataclass(frozen=True, kw_only=True)
class OAuthLogin:
    """A service at which users of the project sign in: one view calls ``begin``, that of the callback ``finish``."""

    name: str
    """By which its sign-ins are kept apart from other services'."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = ""
    """Empty: a public client, whose only proof is PKCE."""

    scope: tuple[str, ...] = ()
    issuer: str = ""
    """What ``iss`` has to be in the answer (RFC 9207), so that no two services are mixed up. Empty: it sends none."""

    exchange: Exchange | None = None
    """How the form is sent to ``token_url``. ``None``: by ``post_form``."""

    def begin(self, request: HttpRequest, redirect_uri: str) -> HttpResponseRedirect:
        """Send the user to the service. For sync code; ``abegin`` for async.

        Args:
            redirect_uri: the absolute URL of the callback, as it is registered at the service.
        """
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        client = WebApplicationClient(self.client_id)
        url = client.prepare_request_uri(
            self.authorize_url,
            redirect_uri=redirect_uri,
            scope=list(self.scope) or None,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
        )
        begun = {
            "state": state,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "user": _user_of(request),
            "until": time() + LIFETIME_SECONDS,
        }
        request.session[self._key] = [*self._begun(request), begun][-MAX_BEGUN:]
        return HttpResponseRedirect(url)

    def finish(self, request: HttpRequest) -> dict[str, Any]:
        """Return the answer of the service's token endpoint: ``access_token`` and what else there is (RFC 6749 §5.1).

        For sync code; ``afinish`` for async. What was begun is over with this, whatever comes of it. Keep the token on
        the server, and redirect to a URL without it.

        Raises:
            OAuthFailed: nobody began this here, or somebody else; it took too long; the user said no; the answer is of
                another service, or is none. Left to Django it is a 403.
        """
        begun = self._take(request)
        given = request.GET
        if self.issuer and not hmac.compare_digest(given.get("iss", "").encode(), self.issuer.encode()):
            raise OAuthFailed("invalid_issuer", "The answer is not of the service that was asked.")
        if given.get("error"):  # which anybody may have written: nobody is shown it
            raise OAuthFailed(_code_of(given["error"]), "The service did not sign you in.")
        if not given.get("code"):
            raise OAuthFailed("invalid_request", "The answer holds no code.")
        return self._tokens(given["code"], begun)

    async def abegin(self, request: HttpRequest, redirect_uri: str) -> HttpResponseRedirect:
        """``begin`` for async code."""
        return await sync_to_async(self.begin)(request, redirect_uri)

    async def afinish(self, request: HttpRequest) -> dict[str, Any]:
        """``finish`` for async code."""
        return await sync_to_async(self.finish)(request)

    @property
    def _key(self) -> str:
        return f"mcp_django.oauth_login.{self.name}"

    def _begun(self, request: HttpRequest) -> list[dict[str, Any]]:
        known = request.session.get(self._key, [])
        return [each for each in known if each["until"] > time()]

    def _take(self, request: HttpRequest) -> dict[str, Any]:
        """Return what was begun with this state, and forget it. Raises ``OAuthFailed``."""
        state = request.GET.get("state", "").encode()
        known = self._begun(request)
        found = [each for each in known if hmac.compare_digest(each["state"].encode(), state)]
        request.session[self._key] = [each for each in known if each not in found]
        if not found or found[0]["user"] != _user_of(request):
            raise OAuthFailed("invalid_state", "This sign-in was not begun here, or is over: begin again.")
        return found[0]

    def _tokens(self, code: str, begun: Mapping[str, Any]) -> dict[str, Any]:
        client = WebApplicationClient(self.client_id)
        body = client.prepare_request_body(
            code=code,
            redirect_uri=begun["redirect_uri"],
            code_verifier=begun["verifier"],
            **({"client_secret": self.client_secret} if self.client_secret else {}),
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            answer = (self.exchange or post_form)(self.token_url, body, headers)
            return dict(client.parse_request_body_response(answer))
        except OAuth2Error as error:
            raise OAuthFailed(_code_of(str(error.error)), "The service gave no token.") from None
        except (httpx2.HTTPError, ValueError) as error:
            raise OAuthFailed("server_error", "The service could not be asked for a token.") from error


def _user_of(request: HttpRequest) -> str:
    """Return to whom a session belongs at the moment; nobody is the same as nobody."""
    user: Any = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else ""


def _code_of(error: str) -> str:
    """Return an error code, if it has the form of one (RFC 6749 §4.1.2.1)."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 64 else "invalid_response"
