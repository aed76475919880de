"""Views that stream, and write down how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mcp_django.routes import event_stream, last_event_id
from workshop.models import Note

FLOOD_BYTES = 64 * 1024


async def events(request: HttpRequest, key: str) -> HttpResponseBase:
    """One event, and then silence."""
    return event_stream(request, _events(key, last_event_id(request)))


async def flood(request: HttpRequest, key: str) -> HttpResponseBase:
    """Events as fast as they are read, each of which is written down."""
    return event_stream(request, _flood(key))


async def _events(key: str, since: str) -> AsyncIterator[Any]:
    try:
        await Note.objects.acreate(key=key, text="started")
        yield f"since {since or 'the beginning'}"
        await asyncio.get_running_loop().create_future()
    finally:
        await Note.objects.acreate(key=key, text="ended")


async def _flood(key: str) -> AsyncIterator[str]:
    try:
        while True:
            await Note.objects.acreate(key=key, text="event")
            yield "x" * FLOOD_BYTES
    finally:
        await Note.objects.acreate(key=key, text="ended")
