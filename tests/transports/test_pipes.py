"""Lines over whatever a client may have made of a process's stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_django.transports import pipes
from mcp_django.transports.pipes import LineReader, LineWriter

pytestmark = pytest.mark.anyio

LIMIT = 10


@contextmanager
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The end to read from, and the end to write to."""
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=0) as reader, os.fdopen(sink, "wb", buffering=0) as writer:
        yield reader, writer  # type: ignore[misc]


@contextmanager
def sockets() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """What Node makes: both ends can do both."""
    left, right = socket.socketpair()
    with left, right, left.makefile("rb", buffering=0) as reader, right.makefile("wb", buffering=0) as writer:
        yield reader, writer  # type: ignore[misc]


def shut(sink: BinaryIO) -> None:
    """Let the other end of a socket read the end of it."""
    with socket.socket(fileno=os.dup(sink.fileno())) as same:
        same.shutdown(socket.SHUT_WR)


Ends = Callable[[], Iterator[tuple[BinaryIO, BinaryIO]]]
both_kinds = pytest.mark.parametrize("ends", [pipe, sockets])


async def lines_of(reader: LineReader) -> list[bytes]:
    """Return all lines until the end."""
    found = []
    async with asyncio.timeout(5):
        while (line := await reader.next()) is not None:
            found.append(line)
    return found


async def read(file: BinaryIO, limit: int = LIMIT) -> list[bytes]:
    reader = LineReader(file, limit)
    reader.start()
    try:
        return await lines_of(reader)
    finally:
        reader.stop()


def fed(*chunks: bytes) -> list[bytes | None]:
    """Return what a reader makes of bytes that come in these pieces."""
    with pipe() as (source, _):
        reader = LineReader(source, LIMIT)
    for chunk in chunks:
        reader._feed(chunk)
    reader._feed(b"")
    return [reader._lines.get_nowait() for _ in range(reader._lines.qsize())]


@both_kinds
async def test_lines_come_whole_and_the_end_is_told(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        sink.write(b"one\n\ntwo\r\nthr")
        sink.write(b"ee")
        sink.close() if ends is pipe else None
        if ends is sockets:
            shut(sink)
        assert await read(source) == [b"one", b"", b"two\r", b"three"]


async def test_a_file_is_read_in_a_thread_which_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"".join(b"%d\n" % number for number in range(500)))
    with (tmp_path / "in").open("rb") as file:
        assert await read(file) == [b"%d" % number for number in range(500)]
    for thread in threading.enumerate():
        if thread.name == "mcp-stdin":
            thread.join(5)
            assert not thread.is_alive()


async def test_nothing_is_read_of_a_terminal_s_descriptor_but_what_is_there() -> None:
    controller, terminal = os.openpty()
    with os.fdopen(controller, "wb", buffering=0) as keyboard, os.fdopen(terminal, "rb", buffering=0) as screen:
        reader = LineReader(screen, LIMIT)  # type: ignore[arg-type]
        reader.start()
        keyboard.write(b"typed\n")
        async with asyncio.timeout(5):
            assert await reader.next() == b"typed"
        assert os.get_blocking(terminal)
        reader.stop()


@given(text=st.lists(st.binary(max_size=2 * LIMIT), max_size=6), cuts=st.lists(st.integers(0, 80), max_size=6))
@settings(deadline=None)
def test_it_makes_no_difference_how_the_bytes_arrive(text: list[bytes], cuts: list[int]) -> None:
    whole = b"\n".join(text)
    places = sorted(min(cut, len(whole)) for cut in cuts)
    chunks = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    lines = whole.split(b"\n")
    expected = [line[: LIMIT + 1] for line in (lines if lines[-1] else lines[:-1])]
    assert fed(*filter(None, chunks)) == [*expected, None]


async def test_what_is_too_long_is_cut_and_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "READ_AHEAD", 1000)
    with pipe() as (source, sink):
        writing = asyncio.get_running_loop().run_in_executor(
            None, lambda: (sink.write(b"x" * 300_000 + b"\nok\n"), sink.close())
        )
        assert await read(source) == [b"x" * (LIMIT + 1), b"ok"]
        await writing


@pytest.mark.parametrize("kind", ["pipe", "file"])
async def test_a_client_that_is_far_ahead_fills_no_memory(tmp_path: Path, kind: str) -> None:
    many = b"".join(b"%d\n" % number for number in range(100_000))
    with pipe() as (source, sink):
        if kind == "file":
            (tmp_path / "in").write_bytes(many)
            source = (tmp_path / "in").open("rb")
        else:
            threading.Thread(target=lambda: (sink.write(many), sink.close()), daemon=True).start()
        reader = LineReader(source, LIMIT)
        reader.start()
        most, found = 0, []
        async with asyncio.timeout(20):
            while (line := await reader.next()) is not None:
                found.append(line)
                most = max(most, reader._lines.qsize())
        reader.stop()
        source.close()
    assert found == many.split()
    assert most < pipes.READ_AHEAD + pipes.CHUNK_BYTES / 2  # one chunk of the shortest lines


async def test_reading_that_fails_is_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / "out").open("wb") as unreadable:
        assert await read(unreadable) == []
    assert "Reading stopped" in caplog.text


async def test_nothing_is_read_after_the_stop() -> None:
    with pipe() as (source, sink):
        reader = LineReader(source, LIMIT)
        reader.start()
        reader.stop()
        sink.write(b"late\n")
        await asyncio.sleep(0.05)
        assert os.read(source.fileno(), 100) == b"late\n"


# Writing


async def drained(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes in a thread."""

    def drain() -> bytes:
        data = b""
        while len(data) < size and (chunk := os.read(file.fileno(), 65_536)):
            data += chunk
        return data

    async with asyncio.timeout(10):
        return await asyncio.get_running_loop().run_in_executor(None, drain)


@both_kinds
async def test_what_the_client_has_room_for_is_written_at_once(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        writer = LineWriter(sink)
        before = threading.active_count()
        coroutine = writer.write(b"line\n")
        with pytest.raises(StopIteration):  # it never waits
            coroutine.send(None)
        assert threading.active_count() == before
        assert os.read(source.fileno(), 100) == b"line\n"
        writer.close()


@both_kinds
async def test_a_client_that_does_not_read_stops_the_writers_and_not_the_loop(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        writer = LineWriter(sink)
        lines = [bytes([65 + number]) * 500_000 + b"\n" for number in range(8)] + [b"short\n"] * 3
        tasks = [asyncio.ensure_future(writer.write(line)) for line in lines]
        for _ in range(5):
            await asyncio.sleep(0.01)  # the loop goes on
        assert not any(task.done() for task in tasks[1:])
        assert await drained(source, sum(map(len, lines))) == b"".join(lines)
        await asyncio.gather(*tasks)
        writer.close()


@both_kinds
async def test_a_line_that_has_begun_is_finished_though_its_writer_is_cancelled(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        writer = LineWriter(sink)
        begun = asyncio.ensure_future(writer.write(b"a" * 1_000_000 + b"\n"))
        await asyncio.sleep(0.05)
        behind = asyncio.ensure_future(writer.write(b"b\n"))
        given_up = asyncio.ensure_future(writer.write(b"never\n"))
        await asyncio.sleep(0.05)
        for task in (begun, given_up):
            task.cancel()
        await asyncio.gather(begun, given_up, return_exceptions=True)
        after = asyncio.ensure_future(writer.write(b"c\n"))
        assert await drained(source, 1_000_005) == b"a" * 1_000_000 + b"\nb\nc\n"
        await asyncio.gather(behind, after)
        writer.close()


@both_kinds
async def test_a_client_that_cancels_and_does_not_read_fills_no_memory(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        writer = LineWriter(sink)
        begun = asyncio.ensure_future(writer.write(b"a" * 1_000_000 + b"\n"))
        await asyncio.sleep(0.05)
        for _ in range(100):
            given_up = asyncio.ensure_future(writer.write(b"never\n"))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
        assert writer._thread._work_queue.qsize() == 0
        after = asyncio.ensure_future(writer.write(b"c\n"))
        assert await drained(source, 1_000_003) == b"a" * 1_000_000 + b"\nc\n"
        await asyncio.gather(begun, after)
        writer.close()


@both_kinds
async def test_what_is_for_a_client_that_has_gone_is_dropped(ends: Ends) -> None:
    with ends() as (source, sink):  # type: ignore[attr-defined]
        writer = LineWriter(sink)
        source.close()
        if ends is sockets:
            shut(sink)
        async with asyncio.timeout(5):
            for line in (b"short\n", b"x" * 300_000 + b"\n", b"short\n"):
                await writer.write(line)
        writer.close()


async def test_a_file_is_written_in_a_thread(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        writer = LineWriter(file)
        await asyncio.gather(*[writer.write(b"%d\n" % number) for number in range(50)])
        writer.close()
    assert (tmp_path / "out").read_bytes() == b"".join(b"%d\n" % number for number in range(50))


async def test_the_descriptors_stay_as_they_were_handed_over() -> None:
    for ends in (pipe, sockets):
        with ends() as (source, sink):
            reader, writer = LineReader(source, LIMIT), LineWriter(sink)
            reader.start()
            await writer.write(b"line\n")
            async with asyncio.timeout(5):
                assert await reader.next() == b"line"
            assert os.get_blocking(source.fileno())
            assert os.get_blocking(sink.fileno())
            reader.stop()
            writer.close()
