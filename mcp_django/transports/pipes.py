"""Lines from one descriptor and to another, on the loop where that never waits for the other end, else in a thread.

The descriptors stay as they were handed over: setting ``O_NONBLOCK`` would set it for whoever shares them, as a
terminal is shared with the shell.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import BinaryIO

logger = logging.getLogger(__name__)

READ_AHEAD = 64
"""Most lines that wait to be looked at before more is read."""

CHUNK_BYTES = 65_536
"""What a pipe holds."""

PIPE_BUF = getattr(select, "PIPE_BUF", 0)
"""A pipe that can be written to takes so much at once (POSIX). 0: no such pipes here."""

MSG_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)


class LineReader:
    """Reads lines, for one task.

    Args:
        limit: bytes of the longest line. Of a longer one, ``limit + 1`` bytes are given, and the rest is dropped.
    """

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._descriptor, self._limit = file.fileno(), limit
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()  # nothing is read while it is long
        self._begun = bytearray()
        self._paused = self._stopped = False
        self._may_read = Event()
        self._go_on: Callable[[], None] = self._may_read.set

    def start(self) -> None:
        """Begin to read, on this loop."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._descriptor, self._read)
        except (NotImplementedError, OSError):  # Windows can't, and epoll takes no files, which are always readable
            Thread(target=self._read_in_thread, args=(loop,), name="mcp-stdin", daemon=True).start()
        else:
            self._go_on = lambda: loop.add_reader(self._descriptor, self._read)

    def stop(self) -> None:
        """Read no more. A thread that waits for bytes ends with the process."""
        self._stopped = True
        self._may_read.set()
        with suppress(NotImplementedError, OSError):
            asyncio.get_running_loop().remove_reader(self._descriptor)

    async def next(self) -> bytes | None:
        """Return the next line, without its newline; ``None`` at the end.

        Lines that have come together are given one in each turn of the loop, so that what they start can go on.
        """
        if not self._lines.empty():
            await asyncio.sleep(0)
        line = await self._lines.get()
        if self._paused and self._lines.qsize() < READ_AHEAD:
            self._paused = False
            self._go_on()
        return line

    def _read(self) -> None:
        if not self._feed(self._chunk()) or self._paused:
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def _read_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        more = True
        while more and not self._stopped:
            self._may_read.clear()
            data = self._chunk()
            more = bool(data)
            try:
                loop.call_soon_threadsafe(self._fed_by_thread, data)
            except RuntimeError:  # the loop is closed: serving is over
                return
            self._may_read.wait()

    def _fed_by_thread(self, data: bytes) -> None:
        self._feed(data)
        if not self._paused:
            self._may_read.set()

    def _chunk(self) -> bytes:
        try:
            return os.read(self._descriptor, CHUNK_BYTES)
        except OSError as error:
            logger.warning("Reading stopped: %s", error)
            return b""

    def _feed(self, data: bytes) -> bool:
        """Put complete lines into the queue. Returns whether more may come."""
        *pieces, rest = data.split(b"\n")
        for piece in pieces:
            self._begun += piece[: self._room()]
            self._lines.put_nowait(bytes(self._begun))
            self._begun.clear()
        self._begun += rest[: self._room()]
        if not data:
            if self._begun:
                self._lines.put_nowait(bytes(self._begun))
            self._lines.put_nowait(None)
        self._paused = self._lines.qsize() >= READ_AHEAD
        return bool(data)

    def _room(self) -> int:
        return self._limit + 1 - len(self._begun)


class LineWriter:
    """Writes whole lines, one after the other. A client that doesn't read stops who writes, and never the loop."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "mcp-stdout")
        self._turn = asyncio.Lock()
        self._rest: Future[None] | None = None
        """What the thread writes, or has written last."""

        self._socket: socket.socket | None = None
        self._poll: select.poll | None = None
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISSOCK(mode) and MSG_DONTWAIT:  # what Node gives a process that it starts
            self._socket = socket.socket(fileno=os.dup(file.fileno()))
        elif stat.S_ISFIFO(mode) and PIPE_BUF:
            self._poll = select.poll()
            self._poll.register(file.fileno(), select.POLLOUT)

    def close(self) -> None:
        """Give back what was opened here; the file stays open."""
        self._thread.shutdown(wait=False)
        if self._socket is not None:
            self._socket.close()

    async def write(self, line: bytes) -> None:
        """Write a line, which ends with its newline. What is for a client that has gone is dropped."""
        async with self._turn:  # who is cancelled while they wait for it leaves nothing behind
            if self._rest is not None and not self._rest.done():  # its writer was cancelled
                await asyncio.shield(asyncio.wrap_future(self._rest))
            written = self._write_now(line)
            if written < len(line):
                self._rest = self._thread.submit(self._write_all, line[written:])
                await asyncio.shield(asyncio.wrap_future(self._rest))  # a line that has begun is finished

    def _write_now(self, line: bytes) -> int:
        """Write what the other end has room for, and return how many bytes that were."""
        if self._socket is not None:
            try:
                return self._socket.send(line, MSG_DONTWAIT)
            except BlockingIOError:
                return 0
            except OSError:
                return self._drop(line)
        if self._poll is None or len(line) > PIPE_BUF or not self._poll.poll(0):
            return 0
        self._write_all(line)
        return len(line)

    def _write_all(self, line: bytes) -> None:
        try:
            self._file.write(line)
            self._file.flush()
        except (OSError, ValueError):
            self._drop(line)

    def _drop(self, line: bytes) -> int:
        logger.debug("The client is gone; its answer is dropped.")
        return len(line)


@contextmanager
def claimed_stdio() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Take descriptors 0 and 1 for the wire, and give them back at the end."""
    sys.stdout.flush()
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    reader = os.fdopen(wire_in, "rb", closefd=False)  # a thread may still be reading when we are done
    writer = os.fdopen(wire_out, "wb", closefd=False)
    try:
        yield reader, writer
    finally:
        sys.stdout.flush()  # what was printed goes where it was printed to
        os.dup2(wire_in, 0)
        os.dup2(wire_out, 1)
