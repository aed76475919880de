from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.test import override_settings
from mcp.shared.exceptions import MCPDeprecationWarning

from mcp_django.registry import server as registered
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.differential.components import make_ours, make_theirs
from tests.differential.sides import Sides, serving


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The corpus makes both servers log thousands of tracebacks, and ``ctx.info`` of the SDK is deprecated."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
async def sides() -> AsyncIterator[Sides]:
    """Both servers, with the same components and without sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registered, "_servers", {})
        ours: Any = StreamableHTTPConsumer.as_asgi(server=make_ours())
    with override_settings(MCP_DJANGO={"AUTH": "none", "SESSIONS": False}):
        async with serving(make_theirs()) as theirs:
            yield Sides(ours, theirs)
