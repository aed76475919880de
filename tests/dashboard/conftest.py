from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from mcp_django.activity.recorder import get_recorder
from tests.dashboard.agents import Agents

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


@pytest.fixture
def agents(no_demo: None, application: Any, limited: Callable[..., None]) -> Iterator[Agents]:
    """Clients of the fixture ``server``, with users and tokens, whose calls are recorded."""
    limited(ACTIVITY="buffered", AUTH="required")
    cache.clear()  # of throttles
    yield Agents(application)
    get_recorder.cache_clear()
