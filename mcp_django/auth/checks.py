"""What is wrong with whom the components are for. ``mcp_django.checks`` registers these."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from mcp_django.conf import get_settings
from mcp_django.registry import Access, Declaration, Kind, access_of, discover, servers

_KINDS: tuple[Kind, ...] = ("tool", "resource", "prompt", "route")


def check_permissions() -> Iterator[CheckMessage]:
    """E010: a component asks for a permission that no model has."""
    known = _known_permissions()
    for declaration, access in _components():
        for name in access.permissions:
            if name not in known:
                yield Error(
                    f"{_where(declaration)} asks for the permission {name!r}, which no model has.",
                    hint="Name the app and the codename, as in 'polls.add_vote'; one of your own goes into the "
                    "Meta.permissions of a model.",
                    obj=declaration.fn,
                    id="mcp_django.E010",
                )


def check_groups(databases: Collection[str]) -> Iterator[CheckMessage]:
    """W010: a component asks for a group that isn't there."""
    if not databases or not apps.is_installed("django.contrib.auth"):
        return
    wanted = [(declaration, name) for declaration, access in _components() for name in access.groups]
    if not wanted:
        return
    from django.contrib.auth.models import Group

    try:
        known = set(Group.objects.using(next(iter(databases))).values_list("name", flat=True))
    except DatabaseError:  # checks also run before the first migration
        return
    for declaration, name in wanted:
        if name not in known:
            yield Warning(
                f"{_where(declaration)} asks for the group {name!r}, which isn't there: only superusers see it.",
                hint="Make the group, or correct its name.",
                obj=declaration.fn,
                id="mcp_django.W010",
            )


def check_unreachable() -> Iterator[CheckMessage]:
    """W011: nobody can sign in, so over HTTP nobody sees what wants a scope."""
    if _auth() != "none":
        return
    for declaration, access in _components():
        if access.scopes:
            yield Warning(
                f"{_where(declaration)} asks for scopes, and MCP_DJANGO['AUTH'] is 'none': over HTTP nobody sees it.",
                hint="Set AUTH to 'required' or 'optional'.",
                obj=declaration.fn,
                id="mcp_django.W011",
            )


def check_tokens() -> Iterator[CheckMessage]:
    """W012: clients have to sign in, and nothing here gives them tokens."""
    if _auth() in ("required", "optional") and not apps.is_installed("oauth2_provider"):
        yield Warning(
            f"MCP_DJANGO['AUTH'] is {get_settings().AUTH!r}, and 'oauth2_provider' is not in INSTALLED_APPS: only API "
            "keys get in.",
            hint="Add 'oauth2_provider' to INSTALLED_APPS, or set AUTH to 'none' while you try things out.",
            id="mcp_django.W012",
        )


def _components() -> Iterator[tuple[Declaration, Access]]:
    """Give every component with what it asks for; none when the declarations can't be read, which other checks say."""
    try:
        discover()
        for server in servers():
            for declaration in (each for kind in _KINDS for each in server.declarations(kind)):
                yield declaration, access_of(declaration, server)
    except ImproperlyConfigured:
        return


def _auth() -> str | None:
    """Return ``AUTH``; ``None`` where the settings can't be read, which E001 says."""
    try:
        return get_settings().AUTH
    except ImproperlyConfigured:
        return None


def _known_permissions() -> set[str]:
    """Return the permissions that models have."""
    known = set()
    for model in apps.get_models():
        options: Any = model._meta
        codenames = [get_permission_codename(action, options) for action in options.default_permissions]
        codenames += [codename for codename, _ in options.permissions]
        known |= {f"{options.app_label}.{codename}" for codename in codenames}
    return known


def _where(declaration: Declaration) -> str:
    return f"{declaration.kind} {declaration.name!r} in {declaration.module}"
