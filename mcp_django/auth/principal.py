"""The one on whose behalf a request runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


@dataclass(frozen=True)
class Principal:
    """A Django user, or nobody, and the client that acts for them."""

    account: AbstractBaseUser | None = None
    client_id: str | None = None
    """The OAuth client. ``None``: the request was not signed in, or came over stdio."""

    @cached_property
    def user(self) -> AbstractBaseUser | AnonymousUser:
        """Return the user, as ``request.user`` would be."""
        from django.contrib.auth.models import AnonymousUser  # needs loaded apps

        return AnonymousUser() if self.account is None else self.account


ANONYMOUS = Principal()
