"""The one on whose behalf a request runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

Kind = Literal["nobody", "visitor", "token", "key", "local"]


@dataclass(frozen=True)
class Principal:
    """A Django user, or nobody, and the client that acts for them."""

    account: AbstractBaseUser | None = None
    client_id: str | None = None
    """The OAuth client, or ``"mcpk:"`` and the number of an API key. ``None``: nobody signed in, or stdio."""

    scopes: frozenset[str] | None = frozenset()
    """What the client may do for the user, with all that it includes. ``None``: all that the user may."""

    granted: tuple[str, ...] = ()
    """The scopes of this project that the token names itself."""

    kind: Kind = "nobody"
    """What says who it is.

    ``"token"``: an OAuth access token; ``"key"``: an API key; ``"local"``: who started this process (stdio);
    ``"visitor"``: nothing yet, where one can sign in; ``"nobody"``: nothing, where one can't.
    """

    pk: int | None = None
    """Primary key of the token or API key."""

    expires_at: datetime | None = None
    """When it ends. ``None``: never."""

    resource: str = ""
    """URL of the server for which it was accepted (RFC 8707). Empty over stdio."""

    interactive: bool = False
    """Whether somebody can be asked to consent to more."""

    @cached_property
    def user(self) -> AbstractBaseUser | AnonymousUser:
        """Return the user, as ``request.user`` would be."""
        from django.contrib.auth.models import AnonymousUser  # needs loaded apps

        return AnonymousUser() if self.account is None else self.account

    @property
    def owner(self) -> tuple[str, str]:
        """User and client as texts: to whom sessions and streams belong."""
        return ("" if self.account is None else str(self.account.pk), self.client_id or "")

    def has_scopes(self, *scopes: str) -> bool:
        """Whether it may use all of these scopes."""
        return self.scopes is None or self.scopes.issuperset(scopes)


ANONYMOUS = Principal()
VISITOR = Principal(kind="visitor")
LOCAL = Principal(scopes=None, kind="local")
