"""One line in the log for each request: what was asked, what came of it, and how long that took."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from time import perf_counter
from typing import Any

from django.http import HttpRequest

from mcp_django.routes.problems import problem_of
from mcp_django.routes.request_ids import HEADER, request_id
from mcp_django.routes.steps import VIEW, Steps, View, around

logger = logging.getLogger("mcp_django.routes")

CLIENT_LEFT = 499
"""The status of a request whose client left before its answer; nginx's, since HTTP has none."""


def log_requests(view: View) -> View:
    """Log each request to a view, sync or async. The same name in ``MIDDLEWARE`` logs those to all views.

    The logger is ``mcp_django.routes``, the level ``INFO``, and ``ERROR`` from status 500 on. A line has the method,
    the route as the URLconf has it (``polls/<int:pk>/``), status, milliseconds, and the request's id; the same are
    attributes of the record. It has no path, query, header or body: there may be tokens in them. The time is that
    until the response begins; a streaming one goes on after it. The response gets the id as ``X-Request-ID``.
    """

    def steps(request: HttpRequest) -> Steps:
        started, status = perf_counter(), 500
        try:
            response = yield VIEW
            status = getattr(response, "status_code", 200)
            if hasattr(response, "headers"):
                response.headers[HEADER] = request_id(request)
            return response
        except CancelledError:
            status = CLIENT_LEFT
            raise
        except Exception as error:
            problem = problem_of(request, error)
            status = 500 if problem is None else problem.status
            raise
        finally:
            _log(request, status, (perf_counter() - started) * 1000)

    return around(view, steps)


def _log(request: HttpRequest, status: int, milliseconds: float) -> None:
    match = request.resolver_match
    facts: dict[str, Any] = {
        "method": request.method,
        "route": "no route" if match is None else match.route,
        "status": status,
        "milliseconds": round(milliseconds, 1),
        "request_id": request_id(request),
    }
    level = logging.ERROR if status >= 500 else logging.INFO
    logger.log(level, "%s %s %d in %.1f ms (%s)", *facts.values(), extra=facts)


log_requests.sync_capable = log_requests.async_capable = True  # type: ignore[attr-defined]  # as Django asks middleware
