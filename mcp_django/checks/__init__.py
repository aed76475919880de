"""System checks, tag ``mcp``. The ids are stable; docs/reference/checks.md lists them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from mcp_django.auth import checks as auth_checks
from mcp_django.conf import get_settings
from mcp_django.exceptions import DiscoveryError, InvalidDeclaration
from mcp_django.registry import Kind, discover, refuse_shadow, servers

TAG = "mcp"

_CALLED: tuple[Kind, ...] = ("tool", "resource", "prompt")

Check = Callable[..., list[CheckMessage]]


def check(yielding: Callable[[], Iterator[CheckMessage]]) -> Check:
    """Make a system check of a generator of messages."""

    def run(**kwargs: Any) -> list[CheckMessage]:
        return list(yielding())

    run.__name__, run.__module__ = yielding.__name__, yielding.__module__
    return run


@check
def check_settings() -> Iterator[CheckMessage]:
    """E001: ``settings.MCP_DJANGO`` can't be read."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "docs/reference/settings.md lists the keys, their types and their defaults."
        yield Error(str(error), hint=hint, id="mcp_django.E001")


@check
def check_declarations() -> Iterator[CheckMessage]:
    """E002 and E003: an ``mcp.py`` can't be imported, or a file of that name hides the SDK."""
    try:
        refuse_shadow()
    except ImproperlyConfigured as error:
        hint = "Python finds the file before the package, so the SDK can't be imported."
        yield Error(str(error), hint=hint, id="mcp_django.E003")
        return
    try:
        discover()
    except DiscoveryError as error:
        hint = "Nothing of the project is served until this import works."
        yield Error(str(error), hint=hint, id="mcp_django.E002")


@check
def check_context_annotations() -> Iterator[CheckMessage]:
    """W004: a parameter looks like the ``Context`` and isn't annotated, so clients are asked to fill it."""
    try:
        discover()
    except ImproperlyConfigured:
        return
    for server in servers():
        for declaration in (each for kind in _CALLED for each in server.declarations(kind)):
            for parameter in inspect.signature(declaration.fn).parameters.values():
                if parameter.name in ("ctx", "context") and parameter.annotation is parameter.empty:
                    yield Warning(
                        f"The parameter {parameter.name!r} of {declaration.kind} {declaration.name!r} in "
                        f"{declaration.module} has no annotation, so clients are asked to fill it.",
                        hint=f"Write `{parameter.name}: Context`, with Context from mcp_django.",
                        obj=declaration.fn,
                        id="mcp_django.W004",
                    )


@check
def check_compilation() -> Iterator[CheckMessage]:
    """E004: a declaration can't be served. Loads the SDK, so only with ``--deploy``; a server's start says it too."""
    if any(True for _ in (*check_settings(), *check_declarations())):
        return
    from mcp_django.engine.server import get_engine

    for server in servers():
        try:
            get_engine(server)
        except InvalidDeclaration as error:
            yield Error(str(error), hint="Fix its signature, annotations or options.", obj=server, id="mcp_django.E004")


@check
def check_other_package() -> Iterator[CheckMessage]:
    """E005: the distribution ``mcp-django`` is installed, whose package has the same import name."""
    folders = (each for entry in sys.path for each in Path(entry or ".").glob("mcp_django-*.dist-info"))
    found = next(folders, None)  # importlib.metadata knows as well, and takes 20 ms to import
    if found is None:
        return
    version = found.name.removeprefix("mcp_django-").removesuffix(".dist-info")
    yield Error(
        f"The distribution mcp-django {version} is installed: its package is called mcp_django as well, and each "
        "of the two overwrites files of the other.",
        hint="pip uninstall mcp-django, then pip install --force-reinstall --no-deps django-mcp-channels.",
        id="mcp_django.E005",
    )


@check
def check_asgi() -> Iterator[CheckMessage]:
    """W001 and W002: what it takes to serve over HTTP isn't there."""
    if not getattr(settings, "ASGI_APPLICATION", None):
        yield Warning(
            "ASGI_APPLICATION is not set, so `manage.py runmcp` has nothing to serve over HTTP.",
            hint="Set it to 'project.asgi.application', made by mcp_django.asgi.get_mcp_application(). "
            "stdio works without.",
            id="mcp_django.W001",
        )
    elif not apps.is_installed("daphne"):
        yield Warning(
            "'daphne' is not in INSTALLED_APPS, so `manage.py runserver` serves WSGI, without the MCP endpoints.",
            hint="Put 'daphne' at the top of INSTALLED_APPS, or silence this where WSGI is meant.",
            id="mcp_django.W002",
        )


@check
def check_auth() -> Iterator[CheckMessage]:
    """W003: everybody may call everything."""
    try:
        open_to_all = get_settings().AUTH == "none"
    except ImproperlyConfigured:
        return
    if open_to_all:
        yield Warning(
            "MCP_DJANGO['AUTH'] is 'none': everybody who reaches the endpoint may call every tool.",
            hint="Set it to 'required' or 'optional', or serve it where only trusted clients can reach it.",
            id="mcp_django.W003",
        )


@check
def check_hosts() -> Iterator[CheckMessage]:
    """W005: any name leads here, so a page of somebody else's can make a browser talk to the endpoint."""
    try:
        open_to_all = get_settings().AUTH == "none"
    except ImproperlyConfigured:
        return
    if open_to_all and "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS allows every host, and MCP_DJANGO['AUTH'] is 'none': a page that rebinds its name to this "
            "server's address can call every tool through a visitor's browser.",
            hint="List the hosts by name.",
            id="mcp_django.W005",
        )


@check
def check_access() -> Iterator[CheckMessage]:
    """E010 and W012: components ask for what nobody can have."""
    yield from auth_checks.check_permissions()
    yield from auth_checks.check_tokens()


@check
def check_reach() -> Iterator[CheckMessage]:
    """W011: components ask for scopes where nobody can sign in."""
    yield from auth_checks.check_unreachable()


def check_groups(*, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """W010: a component asks for a group that isn't there. Only ``manage.py check --database default`` looks."""
    return list(auth_checks.check_groups(databases or ()))


for _check in (
    check_settings,
    check_declarations,
    check_context_annotations,
    check_other_package,
    check_asgi,
    check_access,
):
    register(_check, TAG)
register(check_groups, Tags.database)
for _check in (check_compilation, check_auth, check_hosts, check_reach):
    register(_check, TAG, deploy=True)
