"""Puts into the demo's database what an attacker may hold, and those whom it may be held against.

``python -m tests.servers.planted URL``, with the demo's settings, writes all of it to stdout as JSON: the passwords of
users and tokens that must not count, by name. ``URL`` is the endpoint's.
"""

from __future__ import annotations

import json
import secrets
import sys
from datetime import timedelta
from typing import Any

import django
from django.utils import timezone

USERS = ("vera", "mallory", "carl", "grace")
"""The one whom it is about, the one who attacks, one who will have to go, and one who has nothing to do with it."""

STAFF = "olga"
"""Who runs the project."""


def plant(url: str) -> dict[str, str]:
    """Store everything; return it by name."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from oauth2_provider.models import AccessToken, Application, IDToken

    password = secrets.token_urlsafe(12)
    hashed = make_password(password)
    users = {name: User.objects.create(username=name, password=hashed) for name in USERS}
    User.objects.create(username=STAFF, password=hashed, is_staff=True, is_superuser=True)
    other = Application.objects.create(
        client_id="other", client_type="public", authorization_grant_type="authorization-code"
    )
    later = timezone.now() + timedelta(hours=1)

    def token(scope: str = "mcp trips:write", **fields: Any) -> str:
        value = secrets.token_urlsafe(30)
        given = {"user": users["vera"], "application": other, "expires": later, "resource": [url], **fields}
        AccessToken.objects.create(token=value, scope=scope, **given)
        return value

    id_token = IDToken.objects.create(user=users["vera"], application=other, expires=later, scope="openid mcp")
    return {
        "password": password,
        "good": token(),
        "registration": token("oauth2_provider:registration", user=None, expires=timezone.now().replace(year=9999)),
        "registration of somebody": token("oauth2_provider:registration"),
        "nobody": token(user=None),
        "no audience": token(resource=[]),
        "another server": token(resource=[f"{url}/reports"]),
        "another host": token(resource=["https://elsewhere.example/mcp"]),
        "another port": token(resource=["http://127.0.0.1/mcp"]),
        "another scheme": token(resource=[url.replace("http:", "https:")]),
        "scopes of another service": token("read write"),
        "expired": token(expires=timezone.now() - timedelta(seconds=1)),
        "id token": str(id_token.jti),
        "carl": token(user=users["carl"]),
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(plant(sys.argv[1])))
