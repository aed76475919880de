"""Other servers' `tools/call`, each in a virtual environment of its own, through the server that it recommends.

None of them is a dependency: the environments are made when this part is asked for, and kept, outside of this
repository. A peer that can't be installed or started is reported, and the others are measured.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from benchmarks.load import Connection, Loop, connect, in_session, run_loop
from benchmarks.marks import Mark
from benchmarks.measure import Effort, Series, Table, children_of, cores, cpu_of, pin, progress, turns
from benchmarks.processes import GUNICORN, UVICORN, Failed, Fleet, Server
from benchmarks.servers import BARE, OURS, SDK, SDK_SESSIONS
from benchmarks.subjects.functions import ARGUMENTS
from benchmarks.wire import Era, WrongAnswer, call, result_of

ENVIRONMENTS = Path(gettempdir()) / "mcp-django-benchmarks-peers"
CONNECTIONS = 8

BROKEN = (WrongAnswer, ConnectionError, TimeoutError, RuntimeError)
"""What a server may do instead of answering; uvloop raises the last when it has closed the connection."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server, and how it is called."""

    name: str
    era: Era
    runner: tuple[str, ...]
    target: tuple[str, ...]
    session: bool = False
    pins: tuple[str, ...] = ()
    """What its environment holds; none: it is measured in ours."""


SERVED = ("uvicorn[standard]==0.54.0", "gunicorn==27.0.1")
FASTMCP = ("fastmcp==4.1.6", *SERVED)
MCPZ = ("django-mcpz==1.2.0", *SERVED)
MCP_SERVER = ("django-mcp-server==0.5.7", "mcp<2", *SERVED)

PEERS = (
    Peer("bare", "modern", UVICORN, BARE),
    Peer("mcp_django", "modern", UVICORN, OURS),
    Peer("mcp_django, session", "handshake", UVICORN, OURS, session=True),
    Peer("SDK", "modern", UVICORN, SDK),
    Peer("SDK, session", "handshake", UVICORN, SDK_SESSIONS, session=True),
    Peer("django-mcpz 1.2.0, gunicorn", "modern", GUNICORN, ("benchmarks.subjects.peers.mcpz:application",), pins=MCPZ),
    Peer("FastMCP 4.1.6", "modern", UVICORN, ("benchmarks.subjects.peers.fastmcp_app:application",), pins=FASTMCP),
    Peer(
        "FastMCP 4.1.6, session",
        "handshake",
        UVICORN,
        ("benchmarks.subjects.peers.fastmcp_app:application",),
        session=True,
        pins=FASTMCP,
    ),
    Peer(
        "django-mcp-server 0.5.7, gunicorn",
        "handshake",
        GUNICORN,
        ("benchmarks.subjects.peers.mcp_server:application",),
        session=True,
        pins=MCP_SERVER,
    ),
)


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. It holds nobody to a mark."""
    for_servers, for_load = cores()
    failed: list[tuple[Any, ...]] = []
    with Fleet(directory, for_servers) as fleet:
        started = [peer for peer in PEERS if _start(fleet, peer, failed)]
        pin(0, for_load)
        try:
            series = run_loop(_load(fleet, started, failed, effort))
        finally:
            pin(0, for_servers | for_load)
    rows = []
    for peer in started:
        if peer.name in series.values:
            cpu = series.median(peer.name) * 1000
            rows.append((peer.name, peer.era, cpu, series.ratio(peer.name, "bare"), _to_ours(series, peer)))
    columns = ("server", "era", "CPU ms", "x bare", "x ours")
    tables = [Table(f"Peers: `tools/call` of `add` at {CONNECTIONS} connections, on uvicorn or as said", columns, rows)]
    return [*tables, Table("Peers that were not measured", ("server", "why"), failed)] if failed else tables


def _to_ours(series: Series, peer: Peer) -> float | None:
    ours = "mcp_django, session" if peer.session else "mcp_django"
    return None if peer.name == "bare" else series.ratio(peer.name, ours)


def _start(fleet: Fleet, peer: Peer, failed: list[tuple[Any, ...]]) -> bool:
    try:
        python = _environment(peer.pins) if peer.pins else sys.executable
        fleet.start(peer.name, peer.runner, peer.target, {}, python=python)
        fleet.servers[peer.name].wait_until_open()
    except (OSError, subprocess.SubprocessError, Failed) as error:
        progress(f"peers: {peer.name}: {error}")
        failed.append((peer.name, f"{type(error).__name__}: {str(error).strip().splitlines()[-1][:200]}"))
        return False
    return True


def _environment(pins: tuple[str, ...]) -> str:
    """Return the interpreter of an environment that holds ``pins``; made the first time."""
    place = ENVIRONMENTS / pins[0].replace("==", "-")
    python, done = place / "bin" / "python", place / "installed"
    if not done.exists():
        progress(f"peers: installing {', '.join(pins)}")
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, stdout=sys.stderr)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *pins], check=True, stdout=sys.stderr)
        done.touch()
    return str(python)


async def _load(fleet: Fleet, peers: list[Peer], failed: list[tuple[Any, ...]], effort: Effort) -> Series:
    series, named = Series(), {}
    for peer in peers:
        try:
            await _try(peer, fleet.servers[peer.name])
            named[peer.name] = peer
        except BROKEN as error:
            failed.append((peer.name, f"{type(error).__name__}: {str(error).strip()[:200]}"))
    for number in range(effort.load_rounds):
        progress(f"peers: round {number + 1} of {effort.load_rounds}")
        for name, peer in list(turns(named, number)):
            try:
                series.add(name, await _take_turn(peer, fleet.servers[name], effort.load_seconds))
            except BROKEN as error:
                failed.append((name, f"{type(error).__name__}: {str(error).strip()[:200]}"))
                series.values.pop(name, None)
                del named[name]
    return series


async def _bytes(peer: Peer, connection: Connection, port: int) -> bytes:
    request = call(peer.era, "add", ARGUMENTS["add"])
    if peer.session:
        request = await in_session(connection, port, request)
    return request.to_http(port)


async def _try(peer: Peer, server: Server) -> None:
    """Call once. Raises ``WrongAnswer`` unless it answers 5."""
    connection = await connect(server.port)
    try:
        _, body = await connection.ask(await _bytes(peer, connection, server.port))
        if peer.name == "bare":
            return
        texts = [each.get("text") for each in result_of(body)["content"]]
        if texts != ["5"]:
            raise WrongAnswer(str(texts))
    finally:
        connection.close()


async def _take_turn(peer: Peer, server: Server, seconds: float) -> float:
    opened = [await connect(server.port) for _ in range(CONNECTIONS)]
    try:
        ready = [(each, await _bytes(peer, each, server.port)) for each in opened]
        await Loop(seconds / 10).run(ready)
        before = _cpu(server)
        load = await Loop(seconds).run(ready)
        return (_cpu(server) - before) / load.calls
    finally:
        for each in opened:
            each.close()


def _cpu(server: Server) -> float:
    """Return the CPU seconds of a server and of its workers."""
    return server.cpu() + sum(cpu_of(pid) for pid in children_of(server.process.pid))
