"""Tools that show where, when and in what order things happen."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress

from django.db import connection
from django.http import HttpRequest, JsonResponse
from pydantic import BaseModel

from mcp_django import Context, MCPServer, ToolError, mcp
from workshop import routes
from workshop.models import Note

LONG_SECONDS = 20
"""How long a tool waits for what a test does next, before it gives up."""

gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
"""Gates that tools wait at, by a test's key; they are all on one event loop."""


# Reading and writing rows


@mcp.tool
def write(key: str, text: str, fail: bool = False) -> str:
    """Write a row in sync code, and fail afterwards if told so."""
    Note.objects.create(key=key, text=text)
    if fail:
        raise ToolError("It failed after it wrote.")
    return "written"


@mcp.tool
async def write_async(key: str, text: str, fail: bool = False) -> str:
    """Write a row in async code, and fail afterwards if told so."""
    await Note.objects.acreate(key=key, text=text)
    if fail:
        raise ToolError("It failed after it wrote.")
    return "written"


mcp.add_tool(write, "write_atomic", atomic=True)
mcp.add_tool(write_async, "write_atomic_async", atomic=True)


@mcp.tool
def read(key: str) -> list[str]:
    """Read the rows of a key in sync code."""
    return list(Note.objects.filter(key=key).order_by("pk").values_list("text", flat=True))


@mcp.tool
async def read_async(key: str) -> list[str]:
    """Read the rows of a key in async code."""
    return [note.text async for note in Note.objects.filter(key=key).order_by("pk")]


@mcp.tool
def backend(seconds: float) -> int:
    """Keep a connection to PostgreSQL busy, and say which of the server's processes serves it."""
    Note.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() FROM pg_sleep(%s)", [seconds])
        return int(cursor.fetchone()[0])


# Asking


class Confirmation(BaseModel):
    """What a person fills in."""

    word: str


@mcp.tool
async def confirm(message: str, ctx: Context) -> str:
    """Ask the person."""
    answer = await ctx.elicit(message, Confirmation)
    return f"{answer.action} {answer.data.word}" if answer.action == "accept" else str(answer.action)


# Taking time


@mcp.tool
def nap(seconds: float) -> str:
    """Block a thread."""
    time.sleep(seconds)
    return "rested"


@mcp.tool
async def wait_at_gate(key: str, ctx: Context) -> str:
    """Report progress, then say nothing until the gate is opened."""
    await ctx.report_progress(1, 2, "at the gate")
    async with asyncio.timeout(LONG_SECONDS):
        await gates[key].wait()
    return "through the gate"


@mcp.tool
def wait_at_gate_sync(key: str, ctx: Context) -> str:
    """Do the same in sync code."""
    ctx.report_progress_sync(1, 2, "at the gate")
    end = time.monotonic() + LONG_SECONDS
    while key not in gates and time.monotonic() < end:
        time.sleep(0.01)
    return "through the gate"


@mcp.tool
async def open_gate(key: str) -> str:
    """Open a gate."""
    gates[key].set()
    return "open"


@mcp.tool
async def hold(key: str, ctx: Context) -> str:
    """Wait until cancelled, and write down how it ended."""
    await Note.objects.acreate(key=key, text="started")
    ending = "finished"
    try:
        await ctx.report_progress(1, 2, "holding")
        await asyncio.sleep(LONG_SECONDS)
    except asyncio.CancelledError:
        ending = "cancelled"
        raise
    finally:
        await Note.objects.acreate(key=key, text=ending)
    return ending


@mcp.tool
def hold_sync(key: str, ctx: Context) -> str:
    """Wait in sync code until nobody wants the result any more, and write down how it ended."""
    Note.objects.create(key=key, text="started")
    with suppress(asyncio.CancelledError):  # whoever hears of it may cancel before this returns
        ctx.report_progress_sync(1, 2, "holding")
    end = time.monotonic() + LONG_SECONDS
    while not ctx.cancelled and time.monotonic() < end:
        time.sleep(0.01)
    ending = "cancelled" if ctx.cancelled else "finished"
    Note.objects.create(key=key, text=ending)
    return ending


@mcp.tool
def block(key: str) -> str:
    """Block a thread for long, and never look up."""
    Note.objects.create(key=key, text="started")
    time.sleep(LONG_SECONDS)
    return "done"


# What belongs to the wire, and what doesn't


@mcp.tool
def chatter() -> str:
    """Write to stdout in every way there is."""
    print("printed by a tool")  # noqa: T201
    sys.stdout.flush()
    print("printed and left in the buffer")  # noqa: T201
    os.write(1, b"written to descriptor 1\n")
    subprocess.run(["echo", "printed by a child"], check=True)
    subprocess.run([sys.executable, "-c", "print('printed by a child that is Python')"], check=True)
    return "said"


@mcp.tool
def read_stdin() -> str:
    """Read stdin, which must not be the client's messages."""
    return sys.stdin.read() + subprocess.run(["cat"], capture_output=True, check=True, text=True).stdout


@mcp.tool
async def whoami(ctx: Context) -> str:
    """Say for whom this runs."""
    return ctx.user.get_username() or "nobody"


assert routes.FILE  # declared there


@mcp.custom_route("/health", methods=["GET"])
def health(request: HttpRequest) -> JsonResponse:
    """Answer that all is well."""
    return JsonResponse({"status": "ok"})


annex = MCPServer("annex")


@annex.tool
async def where() -> str:
    """Say which server this is."""
    return "annex"
