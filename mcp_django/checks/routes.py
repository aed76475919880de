"""System checks of custom routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from mcp_django.checks import TAG, check
from mcp_django.conf import get_settings
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.registry import discover, servers

if TYPE_CHECKING:
    from mcp_django.routes.compilation import Route


def _routes() -> Iterator[Route | InvalidDeclaration]:
    """Give each route as it is compiled, or why it can't be; none where E001 and E002 say what is wrong."""
    try:
        discover()
        get_settings()
    except ImproperlyConfigured:
        return
    if not any(server.declarations("route") for server in servers()):
        return  # every management command is here: what compiles and serves routes is for those that have some
    from mcp_django.routes.compilation import compile_route, declared_routes

    for declaration, server in declared_routes():
        try:
            yield compile_route(declaration, server)
        except InvalidDeclaration as error:
            yield error


@check
def check_routes() -> Iterator[CheckMessage]:
    """E020: a route has a path that none can be, or a function that doesn't fit it."""
    for each in _routes():
        if isinstance(each, InvalidDeclaration):
            hint = "Until it is mended, the URLconf that includes mcp_django.urls can't be loaded."
            yield Error(str(each), hint=hint, id="mcp_django.E020")


@check
def check_collisions() -> Iterator[CheckMessage]:
    """E021 and W021: two routes want the same requests, or the same name."""
    routes = list(_routes())
    if not routes or any(isinstance(each, InvalidDeclaration) for each in routes):
        return
    from mcp_django.routes.urlpatterns import all_routes, grouped

    try:
        groups = grouped(all_routes())
    except (AlreadyRegistered, InvalidDeclaration) as error:
        hint = "Give one of them another path, other methods, or the same names of parameters."
        yield Error(str(error), hint=hint, id="mcp_django.E021")
        return
    named: dict[str, Route] = {}
    for route in (each for group in groups for each in group):
        name, declaration = route.declaration.name, route.declaration
        other = named.setdefault(name, route)
        if name and other.path != route.path:
            yield Warning(
                f"Two routes are called {name!r}: {other.declaration.path} in {other.declaration.module} and "
                f"{declaration.path} in {declaration.module}. reverse('mcp:{name}') finds one of them.",
                hint="Give one of them another name: @mcp.custom_route(path, name=...).",
                obj=declaration.fn,
                id="mcp_django.W021",
            )


@check
def check_included() -> Iterator[CheckMessage]:
    """W022: routes are declared, and no URLconf has them."""
    if all(isinstance(each, InvalidDeclaration) for each in _routes()):
        return
    try:
        reverse("mcp:endpoint")
    except NoReverseMatch:
        yield Warning(
            "Custom routes are declared, and ROOT_URLCONF doesn't include mcp_django.urls: nothing serves them.",
            hint="Add path('', include('mcp_django.urls')) to urlpatterns.",
            id="mcp_django.W022",
        )
    except Exception:  # the URLconf can't be loaded, which Django's own checks and E020 say
        return


@check
def check_public() -> Iterator[CheckMessage]:
    """W023: a route is open to everybody because nobody said otherwise, in a project where clients sign in."""
    try:
        if get_settings().AUTH != "required":
            return
    except ImproperlyConfigured:
        return
    for each in _routes():
        if isinstance(each, InvalidDeclaration):
            continue
        if each.access.public and each.declaration.public is None:
            yield Warning(
                f"Everybody may call {each.declaration.key} in {each.declaration.module}: it asks for nothing.",
                hint="Say public=True if that is meant, public=False to ask for a token, or name scopes.",
                obj=each.declaration.fn,
                id="mcp_django.W023",
            )


for _check in (check_routes, check_collisions, check_included):
    register(_check, TAG)
register(check_public, TAG, deploy=True)
