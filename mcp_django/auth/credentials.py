"""From the checksums of tokens or API keys to the principals that they stand for: one query. For sync code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.signals import setting_changed
from django.db import router
from django.dispatch import receiver
from django.utils import timezone

from mcp_django.auth.lookup import Row, find_rows
from mcp_django.auth.principal import Principal
from mcp_django.auth.resources import canonical, implied, mcp_scopes
from mcp_django.conf import get_settings
from mcp_django.models import APIKey
from mcp_django.registry import servers

USED_SECONDS = 60
"""``APIKey.last_used_at`` is written no more often than this."""

_TOKEN = ("pk", "expires", "scope", "resource", "application__client_id", "application__authorization_grant_type")
_KEY = ("pk", "expires_at", "scopes", "last_used_at", "revoked_at")


class Unacceptable(Exception):
    """The credential counts for nothing here. ``reason`` is a word for logs; no client is told it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Asked = tuple[str, str]
"""SHA-256 of a credential, in hexadecimal, and URL of the server that was asked."""


def principals_of_tokens(asked: Sequence[Asked]) -> list[Principal | Unacceptable]:
    """Return whom each OAuth access token stands for.

    ``Unacceptable``: it is unknown, expired, for another server, of nobody, or without a scope of this project.
    """
    if not apps.is_installed("oauth2_provider"):
        return [Unacceptable("unknown_token") for _ in asked]
    from oauth2_provider.models import get_access_token_model

    checksums = [checksum for checksum, _ in asked]
    rows = find_rows(get_access_token_model(), "token_checksum", checksums, _TOKEN + _user_names())
    return [_judged(_principal_of_token, rows.get(checksum), resource) for checksum, resource in asked]


def principals_of_keys(asked: Sequence[Asked]) -> list[Principal | Unacceptable]:
    """Return whom each API key stands for.

    ``Unacceptable``: it is unknown, expired or revoked, or its owner is not active.
    """
    rows = find_rows(APIKey, "key_checksum", [checksum for checksum, _ in asked], _KEY + _user_names())
    return [_judged(_principal_of_key, rows.get(checksum), resource) for checksum, resource in asked]


def _judged(make: Callable[[Row, str], Principal], row: Row | None, resource: str) -> Principal | Unacceptable:
    if row is None:
        return Unacceptable("unknown_token")
    try:
        return make(row, resource)
    except Unacceptable as reason:
        return reason


def _principal_of_token(row: Row, resource: str) -> Principal:
    pk, expires, scope, audience, client_id, grant = row[: len(_TOKEN)]
    if expires is None or expires <= timezone.now():
        raise Unacceptable("expired")
    if not _is_for(resource, audience):
        raise Unacceptable("audience")
    account = _account(row[len(_TOKEN) :])
    granted = _granted(scope.split())
    if not granted:
        raise Unacceptable("no_scope")
    return Principal(
        account,
        client_id,
        scopes=implied(granted),
        granted=granted,
        kind="token",
        pk=pk,
        expires_at=expires,
        resource=resource,
        interactive=grant != "client-credentials",
    )


def _principal_of_key(row: Row, resource: str) -> Principal:
    pk, expires_at, scopes, used, revoked = row[: len(_KEY)]
    now = timezone.now()
    if revoked is not None or (expires_at is not None and expires_at <= now):
        raise Unacceptable("expired")
    account = _account(row[len(_KEY) :])
    if used is None or now - used > timedelta(seconds=USED_SECONDS):
        APIKey.objects.filter(pk=pk).update(last_used_at=now)
    granted = _granted(scopes)
    return Principal(
        account,
        f"mcpk:{pk}",
        scopes=implied(granted),
        granted=granted,
        kind="key",
        pk=pk,
        expires_at=expires_at,
        resource=resource,
    )


def renew(principal: Principal) -> Principal | None:
    """Return the principal of an open stream with the user as they are now.

    ``None``: the credential has been revoked or outlived, or the user is not active any more.
    """
    if principal.kind == "key":
        rows: Any = APIKey._base_manager.filter(revoked_at=None)
    else:
        from oauth2_provider.models import get_access_token_model

        rows = get_access_token_model()._base_manager
    row = rows.filter(pk=principal.pk).select_related("user").first()
    if row is None or row.user is None or not row.user.is_active:
        return None
    expires = row.expires_at if principal.kind == "key" else row.expires
    if expires is not None and expires <= timezone.now():
        return None
    return replace(principal, account=row.user)


def _is_for(resource: str, audience: Any) -> bool:
    if not audience:
        return not get_settings().OAUTH.REQUIRE_AUDIENCE
    return isinstance(audience, list) and any(_canonical(each) == resource for each in audience)


@lru_cache(maxsize=256)
def _canonical(url: str) -> str | None:
    try:
        return canonical(url)
    except ValueError:
        return None


def _user_names() -> tuple[str, ...]:
    return _names_of(get_user_model())


@lru_cache(maxsize=4)
def _names_of(model: Any) -> tuple[str, ...]:
    return tuple(f"user__{each.attname}" for each in model._meta.concrete_fields)


def _account(values: tuple[Any, ...]) -> Any:
    """Make the user of their columns, as the ORM would. Raises ``Unacceptable``: nobody, or one who is not active."""
    model = get_user_model()
    names = [name.removeprefix("user__") for name in _names_of(model)]
    if values[names.index(model._meta.pk.attname)] is None:
        raise Unacceptable("no_user")
    account = model.from_db(router.db_for_read(model), names, values)
    if not account.is_active:
        raise Unacceptable("inactive_user")
    return account


def _granted(scopes: Any) -> tuple[str, ...]:
    """Return those scopes that mean something to this project's servers, by themselves or by what they include."""
    known = _known_scopes(tuple((each.path, each.revision) for each in servers()))
    return tuple(each for each in scopes if each in known or not known.isdisjoint(implied([each])))


@lru_cache(maxsize=8)
def _known_scopes(revisions: tuple[tuple[str, int], ...]) -> frozenset[str]:
    """Return what ``mcp_scopes`` does, until a server declares something new, and without that for registering."""
    return frozenset(mcp_scopes()) - {_registration_scope()}


def _registration_scope() -> str | None:
    if not apps.is_installed("oauth2_provider"):
        return None
    from oauth2_provider.settings import oauth2_settings

    return str(oauth2_settings.DCR_REGISTRATION_SCOPE)


def seconds_left(principal: Principal, most: float) -> float:
    """Return how long a stream of this principal may live, at most so many seconds."""
    if principal.expires_at is None:
        return most
    now = datetime.now(principal.expires_at.tzinfo)
    return max(0.0, min(most, (principal.expires_at - now).total_seconds()))


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    _known_scopes.cache_clear()
