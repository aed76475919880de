"""Servers in processes of their own, on free ports of 127.0.0.1."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

SITE = Path(__file__).resolve().parent / "site"
"""The project whose tools these tests need."""

CONFORMANCE = ROOT / "tests" / "conformance"

START_SECONDS = 40
"""How long a server may take to answer, on a machine that has much else to do."""

STOP_SECONDS = 10
"""How long a server may take to stop before it is killed. The tests of stopping have a limit of their own."""

_OURS = ("DJANGO_", "SITE_", "DATABASE_URL", "REDIS_URL", "PYTHONPATH", "PYTHONWARNINGS", "FASTMCP_")

_SLOW = ("PYTHONDONTWRITEBYTECODE",)
"""Images of containers set it. Each server would compile the library anew."""


def environment(directory: Path, **variables: str) -> dict[str, str]:
    """Return what a child process finds in its environment: ours, without what steers this test run.

    Args:
        directory: where its project lies; Python finds it there, and the library in the repository.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS + _SLOW)}
    path = os.pathsep.join(dict.fromkeys((str(directory), str(ROOT))))
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | variables


def free_ports() -> Iterator[int]:
    """Yield ports that nobody listens at now, below those that the kernel gives to outgoing connections."""
    candidates = list(range(18000, 20000))
    random.Random(os.urandom(8)).shuffle(candidates)
    for port in candidates:
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


class ServerProcess:
    """A server, and what it writes to stderr and stdout.

    Args:
        name: as failures show it.
        command: ``{port}`` stands for the port.
    """

    running: list[ServerProcess] = []
    """Those whose output is attached to a failure."""

    def __init__(self, name: str, command: Sequence[str], directory: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self._command, self._directory = command, directory
        self._environment = environment(directory, **variables)
        self._output = TemporaryFile()  # noqa: SIM115 - closed on exit
        self._seen = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        for attempt, port in enumerate(free_ports()):
            self._launch(port)
            if self._answers():
                return self
            output = self.stop()
            if "in use" not in output or attempt == 5:  # somebody took the port before us
                break
        raise AssertionError(f"{self.name} didn't start:\n{output}")

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._output.close()

    @property
    def url(self) -> str:
        """The MCP endpoint."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def output(self) -> str:
        """Return everything that was written so far."""
        return os.pread(self._output.fileno(), 10_000_000, 0).decode(errors="replace")

    def news(self) -> str:
        """Return what was written since the last time this was asked."""
        output = self.output()
        seen, self._seen = self._seen, len(output)
        return output[seen:]

    def terminate(self) -> None:
        """Send SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Return the exit code. Raises ``subprocess.TimeoutExpired``."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> str:
        """Stop it, if it still runs, and return what it wrote."""
        if self in self.running:
            self.running.remove(self)
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return self.output()

    def _launch(self, port: int) -> None:
        self.port = port
        self._process = subprocess.Popen(
            [part.format(port=port) for part in self._command],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self.running.append(self)

    def _answers(self) -> bool:
        """Wait until it listens. ``False``: it has ended, or takes too long."""
        assert self._process is not None
        deadline = monotonic() + START_SECONDS
        while self._process.poll() is None and monotonic() < deadline:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self._process.poll() is None
            sleep(0.05)
        return False


RUNMCP = (sys.executable, "manage.py", "runmcp", "--port", "{port}")


def daphne(application: str) -> tuple[str, ...]:
    """Return the command line of daphne, as docs/how-to/deploy.md gives it."""
    return (sys.executable, "-m", "daphne", "-e", "tcp:port={port}:interface=127.0.0.1:backlog=1024", application)


def uvicorn(application: str) -> tuple[str, ...]:
    """Return the command line of uvicorn, with what ``uvicorn[standard]`` brings."""
    options = ("--host", "127.0.0.1", "--port", "{port}", "--http", "httptools", "--loop", "uvloop")
    return (sys.executable, "-m", "uvicorn", application, *options)


RUNSERVER = (sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:{port}")
"""Without daphne among the apps, this is ``wsgiref`` with a thread for each connection."""


def gunicorn(application: str) -> tuple[str, ...]:
    """Return the command line of gunicorn: two processes that speak WSGI, each with threads."""
    options = ("--bind", "127.0.0.1:{port}", "--workers", "2", "--worker-class", "gthread", "--threads", "8")
    return (sys.executable, "-m", "gunicorn", application.replace("asgi", "wsgi"), *options, "--no-control-socket")


def command(way: str, application: str) -> tuple[str, ...]:
    """Return the command line of ``"runmcp"``, ``"runserver"``, ``"daphne"``, ``"uvicorn"`` or ``"gunicorn"``.

    Args:
        application: for ASGI; that for WSGI stands in the module ``wsgi`` beside it.
    """
    commands = {"runmcp": RUNMCP, "runserver": RUNSERVER}
    return commands.get(way) or {"daphne": daphne, "uvicorn": uvicorn, "gunicorn": gunicorn}[way](application)


def run(directory: Path, *arguments: str, seconds: float = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project's directory until it ends.

    Raises:
        subprocess.TimeoutExpired: it takes longer than ``seconds``.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment(directory, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
