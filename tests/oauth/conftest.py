from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from mcp_django import MCPServer
from mcp_django.oauth import defaults
from mcp_django.registry import server as registered
from tests.oauth.flow import Flow

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mcp_django.oauth.middleware.OAuthHeadersMiddleware",
]

SCOPES = {"notes:read": "Read your notes", "notes:write": "Write notes for you", "profile": "See your profile"}


@pytest.fixture(autouse=True)
def _project(settings: Any, monkeypatch: pytest.MonkeyPatch, no_demo: None) -> Iterator[None]:
    """Let each test have a project that is set up for sign-in, with one server."""
    monkeypatch.setattr(registered, "_servers", {"": registered._servers[""]})
    settings.ROOT_URLCONF = "tests.oauth.urls"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH2_PROVIDER = defaults(SCOPES=SCOPES, ALWAYS_RELOAD_OAUTHLIB_CORE=True)
    settings.STATIC_URL = "/static/"
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {}}
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def oauth(settings: Any) -> Any:
    """Set keys of ``MCP_DJANGO["OAUTH"]``: ``oauth(DCR_RATE="1/h")``."""

    def change(**keys: Any) -> None:
        settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {**settings.MCP_DJANGO["OAUTH"], **keys}}

    return change


@pytest.fixture
def reports() -> MCPServer:
    """A second server."""
    server = MCPServer("reports", path="reports")
    server.add_tool(lambda: None, "figures")
    return server


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", "ada@example.com", "lovelace")


@pytest.fixture
def flow(ada: User) -> Flow:
    """Ada's browser, and a client that wants to act for her."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return Flow(browser, verifier, challenge)
