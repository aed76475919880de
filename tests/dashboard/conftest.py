from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(client: Client) -> SignIn:
    """Sign in a member of staff who has these permissions of the app: ``sign_in("view_dashboard")``."""

    def sign_in(*codenames: str) -> Client:
        user = User.objects.create(username="-".join(("staff", *codenames)), is_staff=True)
        given = Permission.objects.filter(content_type__app_label="mcp_django", codename__in=codenames)
        assert len(given) == len(codenames), codenames
        user.user_permissions.set(given)
        client.force_login(user)
        return client

    return sign_in
