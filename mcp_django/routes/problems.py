"""What a client reads when a view fails: one form for all, the problem details of RFC 9457.

It reads what the author meant it to read, as clients of tools do (``engine/errors.py``); all else is one neutral
sentence, and a traceback in Django's log.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypedDict

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response

from mcp_django.exceptions import MCPDjangoError, ResourceError, ToolError
from mcp_django.routes.request_ids import request_id
from mcp_django.routes.steps import VIEW, Steps, View, around

CONTENT_TYPE = "application/problem+json"


class FieldError(TypedDict):
    """What is wrong with one field of what a client sent."""

    field: str
    """Its name; of something nested the names with dots between, as in ``"items.0.price"``. Empty: the whole."""

    detail: str


class Problem(MCPDjangoError):
    """An answer that says what went wrong. A view may raise it under ``json_errors``.

    Args:
        status: of HTTP, 400 to 599.
        detail: for people; it reaches the client as it is.
        errors: what is wrong with each field.
        headers: further ones of the response.
        type: a URI for programs, where the status says too little (RFC 9457 §3.1.1).
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        type: str = "about:blank",
    ) -> None:
        super().__init__(detail or HTTPStatus(status).phrase)
        self.status, self.detail, self.type = status, detail, type
        self.errors, self.headers = list(errors), dict(headers or {})

    def response(self, request: HttpRequest) -> HttpResponse:
        """Return the response: a JSON object of ``type``, ``title``, ``status`` and ``request_id``.

        And of ``detail`` and ``errors``, if there are any.
        """
        body = {
            "type": self.type,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            **({"detail": self.detail} if self.detail else {}),
            **({"errors": self.errors} if self.errors else {}),
            "request_id": request_id(request),
        }
        return HttpResponse(json.dumps(body), CONTENT_TYPE, self.status, headers=self.headers)


def json_errors(view: View) -> View:
    """Answer what a view raises with problem details, sync or async as the view is.

    =========================================== ======
    ``Problem``, Starlette's ``HTTPException``  its own status, text and headers
    ``Http404``, ``DoesNotExist``               404
    ``PermissionDenied``                        403, with its text
    ``ValidationError`` of Django, of pydantic  400, with the fields
    ``JSONDecodeError`` of the request's body   400, with the place
    ``BadRequest``, ``ToolError``               400, with its text
    ``RequestDataTooBig``                       413
    ``SuspiciousOperation``                     400; Django's log has the text, under ``django.security``
    what else there is                          500; Django's log has the traceback, under ``django.request``
    =========================================== ======
    """

    def steps(request: HttpRequest) -> Steps:
        try:
            return (yield VIEW)
        except Exception as error:
            return (yield partial(problem_response, request, error))

    return around(view, steps)


def problem_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the answer to what a view raised, as ``json_errors`` does. For sync code; what it hides, it logs."""
    problem = problem_of(request, error)
    if problem is None:
        _tell(request, error)
        response = Problem(500, "The server failed unexpectedly. The error was logged.").response(request)
        _log(logging.getLogger("django.request"), request.path, request, response, error)
        return response
    response = problem.response(request)
    if isinstance(error, SuspiciousOperation):
        security = logging.getLogger(f"django.security.{type(error).__name__}")
        _log(security, str(error), request, response, error)
    return response


def problem_of(request: HttpRequest, error: Exception) -> Problem | None:
    """Return what the client may read of an error; ``None``: the view crashed."""
    if isinstance(error, json.JSONDecodeError) and not _is_of_body(request, error):
        return None
    for kinds, explain in (*_KNOWN, *_foreign()):
        if isinstance(error, kinds):
            return explain(error)
    return None


def _tell(request: HttpRequest, error: Exception) -> None:
    """Tell error trackers, as Django does; they find the error where it is while it is being handled."""
    try:
        raise error
    except Exception:
        got_request_exception.send(sender=None, request=request)


def _log(logger: logging.Logger, what: str, request: HttpRequest, response: HttpResponse, error: Exception) -> None:
    message = f"{response.reason_phrase}: %s"
    log_response(message, what, response=response, request=request, logger=logger, level="error", exception=error)


def _is_of_body(request: HttpRequest, error: json.JSONDecodeError) -> bool:
    """Whether it is the request's body that is no JSON, and not something that the view read elsewhere."""
    body: bytes | None = getattr(request, "_body", None)
    return body is None or error.doc == body.decode(json.detect_encoding(body), errors="replace")


def _validation(error: ValidationError) -> Problem:
    if not hasattr(error, "error_dict"):
        return Problem(400, " ".join(error.messages))
    named = ((field, detail) for field, details in error.message_dict.items() for detail in details)
    errors: list[FieldError] = [
        {"field": "" if field == NON_FIELD_ERRORS else field, "detail": text} for field, text in named
    ]
    return Problem(400, "Some fields are not valid.", errors=errors)


def _pydantic(error: Any) -> Problem:
    """Name the fields and what is wrong, and not the values: a client has them, and a log need not."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors: list[FieldError] = [{"field": ".".join(map(str, each["loc"])), "detail": each["msg"]} for each in found]
    return Problem(400, "Some fields are not valid.", errors=errors)


def _text(status: int, otherwise: str = "") -> Callable[[Exception], Problem]:
    def explain(error: Exception) -> Problem:
        said = error.args[0] if error.args and isinstance(error.args[0], str) else ""
        return Problem(status, said or otherwise)

    return explain


def _only(status: int, detail: str = "") -> Callable[[Exception], Problem]:
    return lambda error: Problem(status, detail)


_KNOWN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Problem]], ...] = (
    (Problem, lambda error: error),
    (ValidationError, _validation),
    (PermissionDenied, _text(403, "You may not do this.")),
    ((Http404, ObjectDoesNotExist), _text(404, "There is no such object.")),
    ((BadRequest, ToolError, ResourceError), _text(400)),
    (json.JSONDecodeError, lambda error: Problem(400, f"The body is not JSON: {error.msg} at {_place(error)}.")),
    (RequestDataTooBig, _only(413, "The body is too large.")),
    ((SuspiciousOperation, MultiPartParserError), _only(400)),
    (UnreadablePostError, _only(400, "The body could not be read to its end.")),
)
"""In this order: the first that fits."""


def _place(error: json.JSONDecodeError) -> str:
    return f"line {error.lineno}, column {error.colno}"


def _foreign() -> Iterator[tuple[type[Exception], Callable[[Any], Problem]]]:
    """Yield errors of packages that a project may not have loaded, and for which it shouldn't wait."""
    for module, name, explain in (
        ("pydantic_core", "ValidationError", _pydantic),
        ("starlette.exceptions", "HTTPException", lambda e: Problem(e.status_code, str(e.detail), headers=e.headers)),
        ("mcp.server.mcpserver.exceptions", "ToolError", _text(400)),
    ):
        if module in sys.modules:
            yield getattr(sys.modules[module], name), explain
