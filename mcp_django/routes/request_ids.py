"""One name for a request, by which a client's report and the lines of the log are brought together."""

from __future__ import annotations

import re
from uuid import uuid4

from django.http import HttpRequest

HEADER = "X-Request-ID"

_SAFE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(request: HttpRequest) -> str:
    """Return the name of this request, always the same one.

    It is that of the header ``X-Request-ID``, which a proxy in front may have set, if it can harm neither a log nor a
    header: 8 to 64 letters, digits, ``.``, ``_`` and ``-``. Otherwise it is made up.
    """
    known: str | None = getattr(request, "_mcp_request_id", None)
    if known is None:
        given = request.headers.get(HEADER, "")
        known = given if _SAFE.fullmatch(given) else uuid4().hex
        request._mcp_request_id = known  # type: ignore[attr-defined]
    return known
