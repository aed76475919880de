"""What code may know of the token on whose behalf it runs: everything but the token."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mcp_django.auth.principal import Principal

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class AccessToken:
    """An OAuth access token or an API key. It doesn't hold the secret, so nobody can pass it on."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def __repr__(self) -> str:
        return f"<AccessToken of user {self.subject} and client {self.client_id!r}>"

    @property
    def client_id(self) -> str:
        """The OAuth client, or ``"mcpk:"`` and the number of an API key."""
        return self._principal.client_id or ""

    @property
    def scopes(self) -> list[str]:
        """The scopes that the token names; ``has_scopes`` also knows what they include."""
        return list(self._principal.granted)

    @property
    def expires_at(self) -> int | None:
        """Seconds since 1970; ``None``: never."""
        expires = self._principal.expires_at
        return None if expires is None else int(expires.timestamp())

    @property
    def resource(self) -> str:
        """URL of the server for which it was accepted (RFC 8707)."""
        return self._principal.resource

    @property
    def user(self) -> AbstractBaseUser:
        """The user who consented, or to whom the API key belongs."""
        assert self._principal.account is not None
        return self._principal.account

    async def aget_user(self) -> AbstractBaseUser:
        """``user`` for async code."""
        return self.user

    @property
    def user_id(self) -> Any:
        """Primary key of the user."""
        return self.user.pk

    @property
    def subject(self) -> str:
        """The same as text (``sub`` of RFC 9068)."""
        return str(self.user_id)

    def has_scopes(self, *scopes: str) -> bool:
        """Whether it may be used for all of these scopes."""
        return self._principal.has_scopes(*scopes)


def access_token_of(principal: Principal) -> AccessToken | None:
    """Return what may be known of a principal's token; ``None`` when there is none."""
    return AccessToken(principal) if principal.kind in ("token", "key") else None


acting_principal: ContextVar[Principal | None] = ContextVar("mcp_django_principal", default=None)


def get_access_token() -> AccessToken | None:
    """Return the token on whose behalf this code runs; ``None`` outside of a call, and in one without."""
    principal = current_principal()
    return None if principal is None else access_token_of(principal)


def current_principal() -> Principal | None:
    """Return the one on whose behalf this code runs; ``None`` outside of a call."""
    return acting_principal.get()


class acting_for:
    """Lets ``get_access_token`` know on whose behalf code runs, for as long as a call takes."""

    __slots__ = ("_principal", "_token")

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def __enter__(self) -> None:
        self._token = acting_principal.set(self._principal)

    def __exit__(self, *exc_info: object) -> None:
        acting_principal.reset(self._token)
