"""The view of a path: which of its routes is asked for, may it be called, with what, and what it answers.

One async view for both kinds of server. Django runs it on a loop of its own under WSGI, where sync functions still run
on the thread of the request.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import Resolver404

from mcp_django.auth import Principal
from mcp_django.auth.access_token import acting_for
from mcp_django.engine.transactions import atomic_on, databases_of, in_transactions
from mcp_django.routes.access import admit
from mcp_django.routes.bodies import limit_body, read_body, read_query, too_large
from mcp_django.routes.compilation import Route
from mcp_django.routes.csrf import check_csrf
from mcp_django.routes.problems import Problem
from mcp_django.routes.responses import adapt, is_iterator, stream, to_response, without_body
from mcp_django.routes.switches import switched_on

RouteView = Callable[..., Awaitable[HttpResponseBase]]


def make_view(routes: list[Route]) -> RouteView:
    """Return the view of the routes of one path, no two of which have a method in common.

    It raises ``Http404``, as Django does where no URL matches, when all of them are switched off.
    """
    every = _by_method(routes)

    async def view(request: HttpRequest, **values: Any) -> HttpResponseBase:
        on = await switched_on(routes, request)
        if not on:
            raise Resolver404({"path": request.path})
        by_method = every if len(on) == len(routes) else _by_method(on)
        route = by_method.get(str(request.method))
        if route is not None:
            return await serve(route, request, values)
        allowed = sorted({*by_method, "OPTIONS"})
        if request.method == "OPTIONS":
            return HttpResponse(headers={"Allow": ", ".join(allowed), "Content-Length": "0"})
        return HttpResponseNotAllowed(allowed)

    return view


def _by_method(routes: Iterable[Route]) -> dict[str, Route]:
    found = {method: route for route in routes for method in route.declaration.methods}
    if "GET" in found:
        found.setdefault("HEAD", found["GET"])
    return found


async def serve(route: Route, request: HttpRequest, values: Mapping[str, Any]) -> HttpResponseBase:
    """Answer a request to a route."""
    try:
        limit = limit_body(request, route.declaration)
        principal = await admit(request, route.declaration, route.access, route.server)
        if (failure := await _csrf_failure(route, request, principal)) is not None:
            return failure
        _introduce(request, principal, route)
        response = await _answer(route, request, dict(values), principal)
    except Problem as problem:
        return problem.response(request)
    except RequestDataTooBig:
        return too_large(limit).response(request)
    if request.method == "HEAD" and "HEAD" not in route.declaration.methods:
        return without_body(response)
    return response


async def _csrf_failure(route: Route, request: HttpRequest, principal: Principal) -> HttpResponseBase | None:
    """Refuse what another site's page may have sent, unless no cookie counts: the route, or this request, is by bearer.

    A function that takes Starlette's request gets neither Django's user nor its session.
    """
    by_bearer = not route.access.public or principal.kind in ("token", "key")
    if by_bearer or route.handler.csrf_exempt or route.handler.starlette:
        return None
    return await sync_to_async(check_csrf)(request)


def _introduce(request: HttpRequest, principal: Principal, route: Route) -> None:
    """Tell the function who calls. Only on a public route, without a token, a cookie may say so."""
    request.principal = principal  # type: ignore[attr-defined]
    if route.access.public and principal.kind not in ("token", "key") and hasattr(request, "user"):
        return
    user: Any = principal.user

    async def auser() -> Any:
        return user

    request.user = user
    request.auser = auser


async def _answer(route: Route, request: HttpRequest, values: dict[str, Any], principal: Principal) -> HttpResponseBase:
    path_params = dict(values)
    declaration = route.declaration
    if declaration.query is not None:
        values["query"] = read_query(request.GET, declaration.query)
    if declaration.body is not None:
        values["body"] = await sync_to_async(read_body)(request, declaration.body)
    given: Any = request
    if route.handler.starlette:
        from mcp_django.routes.starlette_requests import DjangoRequest

        given = DjangoRequest(request, path_params, principal)
    with acting_for(principal):
        try:
            result = await _call(route, given, values)
        except Exception as error:
            if not _is_starlette(error, "HTTPException"):
                raise
            from mcp_django.routes.starlette_responses import refusal_of

            result = refusal_of(error)  # type: ignore[arg-type]
        response = await _respond(result, request, given, principal)
    if given is not request:
        response._resource_closers.append(given.close_files)  # type: ignore[attr-defined]
    return response


async def _call(route: Route, given: Any, values: Mapping[str, Any]) -> Any:
    """Call the function, in place when it is async, else on the request's thread; in transactions where wanted."""
    databases = databases_of(route.handler.fn)
    if route.handler.in_place:
        result = route.handler.call(given, values)
        if not inspect.isawaitable(result):
            return result
        return await (in_transactions(databases, lambda: result) if databases else result)

    def call() -> Any:
        with atomic_on(databases):
            result = route.handler.call(given, values)
            return result if _is_deferred(result) else to_response(result)

    result = await sync_to_async(call)()
    return await result if inspect.isawaitable(result) else result  # an async function behind a sync decorator


def _is_deferred(result: Any) -> bool:
    return inspect.isawaitable(result) or is_iterator(result) or _is_starlette(result, "Response")


async def _respond(result: Any, request: HttpRequest, given: Any, principal: Principal) -> HttpResponseBase:
    if _is_starlette(result, "Response"):
        from mcp_django.routes.starlette_responses import to_django

        return await to_django(result, request, None if given is request else given)
    if is_iterator(result):
        return stream(result, request, principal)
    return adapt(to_response(result), request, principal)


def _is_starlette(value: Any, name: str) -> bool:
    """Whether it is an instance of a class of Starlette's. Nothing has to be imported to know."""
    return any(
        each.__name__ == name and each.__module__.partition(".")[0] == "starlette" for each in type(value).__mro__
    )
