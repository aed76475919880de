"""The servers under load: started all at once, each on a port of its own, and stopped whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from benchmarks.measure import cpu_of, memory_of, pin

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 10

DAPHNE = ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p")
UVICORN = ("-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
GUNICORN = ("-m", "gunicorn", "--threads", "16", "--keep-alive", "75", "--log-level", "warning")
PLACES = {
    DAPHNE: "{port}",
    UVICORN: "--host 127.0.0.1 --port {port}",
    GUNICORN: "--bind 127.0.0.1:{port}",
}
"""How each is told where to listen."""


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a measured process: it finds this repository's packages, and writes bytecode."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": path, **variables}


class Failed(Exception):
    """A measured process did not do what it is measured for; the text ends with what it wrote to stderr."""


@dataclass(slots=True)
class Server:
    """One server process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def cpu(self) -> float:
        """Return the CPU seconds used so far."""
        return cpu_of(self.process.pid)

    def memory(self) -> float:
        """Return the resident memory in MB."""
        return memory_of(self.process.pid)

    def wait_until_open(self) -> None:
        """Raises ``Failed`` when nobody listens in time."""
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                sleep(0.05)
            else:
                return
        raise Failed(f"Nobody listens at port {self.port}:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Fleet:
    """Servers by name, all up while the ``with`` block runs.

    Args:
        directory: for their logs.
        cores: where they are pinned.
    """

    directory: Path
    cores: set[int]
    servers: dict[str, Server] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def start(
        self,
        name: str,
        runner: tuple[str, ...],
        target: tuple[str, ...],
        variables: Mapping[str, str],
        *,
        python: str = sys.executable,
    ) -> None:
        """Start a server of ``target`` and don't wait for it."""
        port = _free_port()
        place = PLACES[runner].format(port=port).split()
        log = self.directory / f"{len(self.servers)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [python, *runner, *place, *target],
                env=environment(DJANGO_SETTINGS_MODULE="benchmarks.subjects.settings", **variables),
                cwd=self.directory,
                stdout=file,
                stderr=file,
            )
        pin(process.pid, self.cores)
        self.servers[name] = Server(process, port, log)
        self._stack.callback(self.servers[name].stop)

    def wait(self) -> None:
        """Wait until all of them listen."""
        for server in self.servers.values():
            server.wait_until_open()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
