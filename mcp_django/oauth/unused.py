"""Clients that registered themselves and never came back."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauth2_provider.settings import oauth2_settings


def unused_clients(older_than: timedelta = timedelta()) -> QuerySet:  # type: ignore[type-arg]
    """Return the clients that registered themselves and hold nothing by which somebody could be signed in.

    Args:
        older_than: how long ago they must have registered.
    """
    now = timezone.now()
    mine = {"application": OuterRef("pk")}
    codes = get_grant_model().objects.filter(**mine, expires__gt=now)
    access = get_access_token_model().objects.filter(**mine, expires__gt=now)
    access = access.exclude(scope=oauth2_settings.DCR_REGISTRATION_SCOPE)  # lasts for ever, and signs nobody in
    refresh = get_refresh_token_model().objects.filter(**mine, revoked=None)
    model = get_application_model()
    return (  # type: ignore[no-any-return]
        model.objects.filter(registration_source=model.RegistrationSource.DCR, created__lte=now - older_than)
        .exclude(Exists(codes))
        .exclude(Exists(access))
        .exclude(Exists(refresh))
    )
