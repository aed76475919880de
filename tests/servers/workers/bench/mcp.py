"""Tools that tell which worker serves them, ask, wait, and tell of changes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from base64 import b64decode
from typing import Annotated

from django.http import HttpRequest
from pydantic import BaseModel, Field

from mcp_django import Context, Image, mcp

LONG_SECONDS = 60
"""How long a tool waits for what a test does next, before it gives up."""


class Confirmation(BaseModel):
    """Yes or no, and a word that tells answers apart."""

    sure: bool
    word: str = ""


@mcp.tool
async def worker() -> int:
    """Say which process serves this call."""
    return os.getpid()


@mcp.tool
async def confirm(message: str, ctx: Context) -> str:
    """Ask the person, and say which process heard what."""
    answer = await ctx.elicit(message, Confirmation)
    return f"{os.getpid()} {answer.action} {answer.data.word}" if answer.action == "accept" else answer.action


@mcp.tool
def confirm_sync(message: str, ctx: Context) -> str:
    """Ask from sync code."""
    answer = ctx.elicit_sync(message, Confirmation)
    return f"{os.getpid()} {answer.action} {answer.data.word}"


@mcp.tool
async def confirm_slowly(message: str, ctx: Context) -> str:
    """Say a word before asking."""
    await ctx.report_progress(1, 2, "about to ask")
    return await confirm(message, ctx)


@mcp.tool
async def poll(ctx: Context) -> int:
    """Let the client hang up, and say which process served it."""
    await ctx.close_sse_stream(retry_seconds=0.1)
    await asyncio.sleep(0.3)
    return os.getpid()


@mcp.tool
async def wait(ctx: Context) -> str:
    """Report progress, then wait until cancelled."""
    await ctx.report_progress(1, 2, "waiting")
    await asyncio.sleep(LONG_SECONDS)
    return "nobody cancelled this"


@mcp.tool
def wait_sync(ctx: Context) -> str:
    """Do the same in sync code."""
    ctx.report_progress_sync(1, 2, "waiting")
    end = time.monotonic() + LONG_SECONDS
    while not ctx.cancelled and time.monotonic() < end:
        time.sleep(0.01)
    return "cancelled"


@mcp.tool
async def change(first: int = 0, count: int = 1, suffix: str = "") -> int:
    """Tell of changes of some resources, all at once."""
    for number in range(first, first + count):
        mcp.notify_resource_updated(f"bench://{number}{suffix}")
    return count


@mcp.tool
async def change_in_turn(count: int, batch: int) -> int:
    """Tell of changes of some at a time, so that it takes many messages."""
    for first in range(0, count, batch):
        for number in range(first, first + batch):
            mcp.notify_resource_updated(f"bench://{number}")
        await asyncio.sleep(0.005)
    return count


@mcp.tool
async def change_from_a_thread(number: int) -> str:
    """Tell of a change from a thread that knows nothing of loops, after this call."""
    threading.Timer(0.05, mcp.notify_resource_updated, [f"bench://{number}"]).start()
    return "soon"


@mcp.tool
async def change_tools() -> str:
    """Tell of a change of the list of tools."""
    mcp.notify_tools_changed()
    return "told"


@mcp.tool
async def hint(ctx: Context) -> str:
    """Log at the level of information."""
    await ctx.info("a hint")
    return "logged"


@mcp.resource("bench://{number}")
async def thing(number: int) -> str:
    """Read what has changed."""
    return f"thing {number}"


@mcp.custom_route("/plain")
def plain(request: HttpRequest) -> str:
    """Answer, unless this is switched off."""
    return "here"


@mcp.custom_route("/rationed", throttle="50/d")
def rationed(request: HttpRequest) -> str:
    """Answer fifty times a day."""
    return "one of fifty"


@mcp.tool
async def paint(size: Annotated[int, Field(ge=1, le=8)], ctx: Context) -> Image:
    """Paint a picture, and say how far it is."""
    for done in range(size):
        await ctx.report_progress(done + 1, size, f"row {done + 1}")
    return Image(data=PIXEL, mime_type="image/png")


PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
