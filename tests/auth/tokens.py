"""Tokens as django-oauth-toolkit makes them, and an application to which each request brings one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from mcp_django import Context, MCPServer

RESOURCE = "http://testserver/mcp/fixture"
"""What the server of the fixtures is called in tokens."""

METADATA = "http://testserver/.well-known/oauth-protected-resource/mcp/fixture"


def make_user(name: str = "ada", **fields: Any) -> User:
    """Return the user of this name, made if need be."""
    user, _ = User.objects.get_or_create(username=name, defaults=fields)
    return user


def make_application(client_id: str, grant: str = Application.GRANT_AUTHORIZATION_CODE) -> Application:
    """Return the OAuth client of this id, made if need be."""
    application, _ = Application.objects.get_or_create(
        client_id=client_id,
        defaults={
            "client_type": Application.CLIENT_PUBLIC,
            "authorization_grant_type": grant,
            "redirect_uris": "https://client.example/callback",
        },
    )
    return application


def make_token(
    user: User | None,
    scope: str = "mcp",
    *,
    resource: Iterable[str] = (RESOURCE,),
    seconds: float = 3600,
    client: str = "editor",
    grant: str = Application.GRANT_AUTHORIZATION_CODE,
) -> str:
    """Return a new access token."""
    token = secrets.token_urlsafe(30)
    AccessToken.objects.create(
        user=user,
        token=token,
        application=make_application(client, grant),
        expires=timezone.now() + timedelta(seconds=seconds),
        scope=scope,
        resource=list(resource),
    )
    return token


def bearing(application: Any, token: str | None) -> Any:
    """Return the application as a client with this token reaches it."""

    async def with_token(scope: Any, receive: Any, send: Any) -> None:
        line = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
        await application({**scope, "headers": [*scope["headers"], *line]}, receive, send)

    return with_token


def challenge_of(response: Any) -> dict[str, str]:
    """Return the parameters of a challenge."""
    scheme, _, rest = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    pairs = [part.partition("=") for part in rest.split(", ")]
    return {name: value.strip('"') for name, _, value in pairs}


def declare_whoami(server: MCPServer) -> None:
    """Declare a tool that says who calls."""

    @server.tool
    async def whoami(ctx: Context) -> str:
        return f"{ctx.user.get_username()} {ctx.client_id}"
