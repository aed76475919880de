"""The URLs of all routes: one view for each path, whichever methods it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.transaction import non_atomic_requests
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.routes.builtin import builtin_routes
from mcp_django.routes.compilation import Route, compile_route, declared_routes
from mcp_django.routes.paths import shape_of
from mcp_django.routes.view import make_view


def get_route_urlpatterns() -> list[URLPattern]:
    """Return a URL for each path and name that is declared.

    Raises:
        AlreadyRegistered: two routes want the same path and method.
        InvalidDeclaration: a route can't be served.
    """
    return patterns_of(all_routes())


def all_routes() -> list[Route]:
    """Return what is declared, and what comes with the package. Raises ``InvalidDeclaration``."""
    return [*(compile_route(declaration, server) for declaration, server in declared_routes()), *builtin_routes()]


def patterns_of(routes: Iterable[Route]) -> list[URLPattern]:
    """Return the URLs of some routes. Raises as ``get_route_urlpatterns`` does."""
    return [
        path(group[0].path, _view(group), name=name or None)
        for group in grouped(routes)
        for name in dict.fromkeys(route.declaration.name for route in group)
    ]


def grouped(routes: Iterable[Route]) -> list[list[Route]]:
    """Put together what has the same path.

    Raises:
        AlreadyRegistered: two have a method in common.
        InvalidDeclaration: two match the same URLs and name their parameters differently.
    """
    groups: dict[str, list[Route]] = {}
    for route in routes:
        group = groups.setdefault(shape_of(route.path), [])
        for other in group:
            _check_pair(other, route)
        group.append(route)
    return list(groups.values())


def _check_pair(first: Route, second: Route) -> None:
    one, two = first.declaration, second.declaration
    if common := set(one.methods) & set(two.methods):
        raise AlreadyRegistered(
            f"{min(common)} {two.path} is declared in {one.module} ({one.path}) and again in {two.module}."
        )
    if first.path != second.path:
        raise InvalidDeclaration(
            f"{one.path} in {one.module} and {two.path} in {two.module} match the same: name their parameters alike."
        )


def _view(group: list[Route]) -> Any:
    view: Any = csrf_exempt(make_view(group))  # ``csrf`` decides for each request
    for alias in connections:  # ``view`` opens what ATOMIC_REQUESTS wants: Django refuses to, for async views
        view = non_atomic_requests(alias)(view)
    if all(not route.access.public or route.declaration.public for route in group):
        view.login_required = False  # LoginRequiredMiddleware has nothing to ask where the routes say themselves
    return view
