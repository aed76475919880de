"""What the user of a request may do: permissions, groups, staff, and a component's own check."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied

from mcp_django.engine.execution import flavour_of
from mcp_django.registry import Access

if TYPE_CHECKING:
    from mcp_django.auth import Principal

logger = logging.getLogger("mcp_django.auth")


def needs_thread(access: Access, principal: Principal) -> bool:
    """Whether judging it reads the database, or runs sync code of an author's."""
    return bool(
        access.permissions
        or access.groups
        or (access.staff and principal.kind == "local")
        or (access.check is not None and not asks_async(access))
    )


def asks_async(access: Access) -> bool:
    """Whether its check is a coroutine function."""
    return access.check is not None and flavour_of(access.check) == "async"


class Rights:
    """The rights of one request's user: each is read once, when it is first asked for."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def allow(self, access: Access) -> bool:
        """Whether the user may, by all but an async check. Needs a thread where ``needs_thread`` says so."""
        user: Any = self._user
        if access.staff and not (user.is_active and getattr(user, "is_staff", False)):
            return False
        if access.permissions and not (hasattr(user, "has_perms") and user.has_perms(access.permissions)):
            return False
        if access.groups and not self._is_member(access.groups):
            return False
        return access.check is None or asks_async(access) or self._check(access.check)

    async def allow_async(self, access: Access) -> bool:
        """Whether an async check lets them."""
        try:
            return bool(await access.check(self._principal))  # type: ignore[misc]
        except PermissionDenied:
            return False
        except Exception:
            logger.exception("A check raised an unexpected exception: its component is hidden.")
            return False

    def _check(self, check: Any) -> bool:
        try:
            return bool(check(self._principal))
        except PermissionDenied:
            return False
        except Exception:
            logger.exception("A check raised an unexpected exception: its component is hidden.")
            return False

    @cached_property
    def _user(self) -> Any:
        """Return the user; over stdio, as they are now: the process may have run for days."""
        account = self._principal.account
        if self._principal.kind != "local" or account is None:
            return self._principal.user
        now = type(account)._default_manager.filter(pk=account.pk).first()
        if now is None or not now.is_active:
            from django.contrib.auth.models import AnonymousUser

            return AnonymousUser()
        return now

    def _is_member(self, groups: tuple[str, ...]) -> bool:
        user = self._user
        if not user.is_active:
            return False
        return bool(getattr(user, "is_superuser", False)) or not self._groups.isdisjoint(groups)

    @cached_property
    def _groups(self) -> frozenset[str]:
        groups = getattr(self._user, "groups", None)
        return frozenset() if groups is None else frozenset(groups.values_list("name", flat=True))
