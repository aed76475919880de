"""A Redis that a test may stop."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from time import monotonic, sleep
from typing import Self

import redis

from tests.servers.processes import START_SECONDS, free_ports


class OwnRedis:
    """On a free port, with nothing on disk: what it knew is gone when it starts again."""

    def __init__(self) -> None:
        self.port = next(free_ports())
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        line = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            with suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as connection:
                connection.ping()
                return
            sleep(0.05)
        raise AssertionError("Redis didn't start.")

    def kill(self) -> None:
        """Kill it, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
