"""Which clients may act for somebody, and how that ends."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
)

from mcp_django.models import Session
from mcp_django.oauth import events


def connected_clients(user: Any) -> QuerySet:  # type: ignore[type-arg]
    """Return the clients that hold a token of a user's, by name."""
    access = get_access_token_model().objects.filter(application=OuterRef("pk"), user=user, expires__gt=timezone.now())
    refresh = get_refresh_token_model().objects.filter(application=OuterRef("pk"), user=user, revoked=None)
    clients = get_application_model().objects.filter(Q(Exists(access)) | Q(Exists(refresh)))
    return clients.order_by("name", "client_id")  # type: ignore[no-any-return]


def has_connection(user: Any, application: Any) -> bool:
    """Whether a client holds a token of a user's."""
    return connected_clients(user).filter(pk=application.pk).exists()


def granted_scopes(user: Any, application: Any) -> list[str]:
    """Return what a client may do for a user, by its tokens."""
    tokens = get_access_token_model().objects.filter(user=user, application=application)
    return sorted({scope for text in tokens.values_list("scope", flat=True) for scope in text.split()})


def disconnect(user: Any, application: Any) -> int:
    """End everything that a client holds of a user's: codes, tokens and sessions. Return how many tokens it were."""
    get_grant_model().objects.filter(user=user, application=application).delete()
    refresh = list(get_refresh_token_model().objects.filter(user=user, application=application, revoked=None))
    for token in refresh:
        token.revoke()
    access = get_access_token_model().objects.filter(user=user, application=application)
    count = len(refresh) + int(access.count())
    access.delete()
    sessions = Session.objects.filter(user=user, client_id=application.client_id)
    if ids := list(sessions.values_list("pk", flat=True)):
        from mcp_django.sessions.store import end_sessions  # with Channels behind it: not for every process

        end_sessions(ids)
    events.client_disconnected(user, application, count)
    return count
