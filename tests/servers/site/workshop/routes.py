"""Custom routes that show how they stream, what they are sent, and when their clients leave."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event
from typing import Any

from django.http import FileResponse as DjangoFileResponse
from django.http import HttpRequest
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse

from mcp_django import mcp

LONG_SECONDS = 20
FILE = Path(__file__)

opened: defaultdict[str, Event] = defaultdict(Event)
"""Gates that streams wait at, by a test's key. They are all in one process."""

ended: defaultdict[str, Event] = defaultdict(Event)
"""Streams that have cleaned up."""


class Order(BaseModel):
    sku: str
    units: int


@mcp.custom_route("/open/{key}", methods=["POST"])
async def open_gate(request: Request) -> str:
    opened[request.path_params["key"]].set()
    return "opened"


@mcp.custom_route("/ended/{key}")
def wait_for_end(request: HttpRequest, key: str) -> dict[str, bool]:
    return {"ended": ended[key].wait(LONG_SECONDS)}


async def wait_at(key: str) -> None:
    await asyncio.to_thread(opened[key].wait, LONG_SECONDS)


@mcp.custom_route("/two-parts/sync/{key}")
def two_parts(request: HttpRequest, key: str) -> Iterator[str]:
    yield "one"
    opened[key].wait(LONG_SECONDS)
    yield "two"


@mcp.custom_route("/two-parts/async/{key}")
async def two_async_parts(request: HttpRequest, key: str) -> AsyncIterator[str]:
    yield "one"
    await wait_at(key)
    yield "two"


@mcp.custom_route("/two-parts/starlette/{key}")
async def two_starlette_parts(request: Request) -> StreamingResponse:
    key = request.path_params["key"]

    async def parts() -> AsyncIterator[str]:
        yield "one"
        await wait_at(key)
        yield "two"

    async def clean_up() -> None:
        ended[key].set()

    return StreamingResponse(parts(), media_type="text/x-parts", background=BackgroundTask(clean_up))


async def ticks(key: str, wait: bool) -> AsyncIterator[str]:
    try:
        while True:
            yield "tick" * 4096
            await asyncio.sleep(LONG_SECONDS if wait else 0)
    finally:
        ended[key].set()


@mcp.custom_route("/ticks/django/{how}/{key}")
async def django_ticks(request: HttpRequest, how: str, key: str) -> AsyncIterator[str]:
    async for tick in ticks(key, how == "waiting"):
        yield tick


@mcp.custom_route("/ticks/starlette/{how}/{key}")
async def starlette_ticks(request: Request) -> StreamingResponse:
    return StreamingResponse(ticks(request.path_params["key"], request.path_params["how"] == "waiting"))


@mcp.custom_route("/ticks/sync/{how}/{key}")
def sync_ticks(request: HttpRequest, how: str, key: str) -> Iterator[str]:
    try:
        while True:
            yield "tick" * 4096
    finally:
        ended[key].set()


@mcp.custom_route("/orders", methods=["POST"], body=Order)
def order(body: Order) -> Order:
    return body


@mcp.custom_route("/uploads/django", methods=["POST"])
def upload(request: HttpRequest) -> dict[str, Any]:
    return {name: [file.name, file.size] for name, file in request.FILES.items()}


@mcp.custom_route("/uploads/starlette", methods=["POST"])
async def starlette_upload(request: Request) -> dict[str, Any]:
    async with request.form() as form:
        files: Any = form.items()
        return {name: [each.filename, len(await each.read())] for name, each in files}


@mcp.custom_route("/file/starlette")
async def starlette_file(request: Request) -> FileResponse:
    return FileResponse(FILE)


@mcp.custom_route("/file/django")
def django_file(request: HttpRequest) -> DjangoFileResponse:
    return DjangoFileResponse(FILE.open("rb"))


@mcp.custom_route("/cookies")
async def cookies(request: Request) -> PlainTextResponse:
    response = PlainTextResponse("")
    response.set_cookie("a", "1", path="/one")
    response.set_cookie("a", "2", path="/two")
    return response
