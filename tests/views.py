"""Servers behind Django's own views, as a project's URLconf has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.test import Client, override_settings

from mcp_django import urls
from tests.wire import JSON_HEADERS, Response

PATH = "/mcp/fixture"
"""Where the fixture ``server`` is."""


@contextmanager
def in_the_urlconf(**settings: Any) -> Iterator[None]:
    """Route the servers that are declared now."""
    project = ModuleType("project")
    vars(project).update(urlpatterns=urls.get_urlpatterns())
    with override_settings(ROOT_URLCONF=project, **settings):
        yield


def send(
    client: Any, body: Any, headers: Mapping[str, str | None] | None = None, *, path: str = PATH, method: str = "POST"
) -> Any:
    """Send bytes, or a message, with the usual headers or others; a header that is ``None`` is left out.

    Returns:
        What Django's client gives: a response, or a coroutine of one.
    """
    given = {name: value for name, value in {**JSON_HEADERS, **(headers or {})}.items() if value is not None}
    kind = given.pop("content-type", "")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if not data and kind:  # Django's clients leave it out then
        given["content-type"] = kind
    return client.generic(method, path, data, kind, headers=given)


def read(response: Any) -> Response:
    """Return Django's response in the form of the others."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, response.content)


def post_to_view(body: Any, headers: Mapping[str, str | None] | None = None, **options: Any) -> Response:
    """Send a request through Django's middleware and URLconf."""
    return read(send(Client(), body, headers, **options))
