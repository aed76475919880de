from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.servers.backends import missing_backend
from tests.servers.browser import Browser, chromium
from tests.servers.demo import Demo, served
from tests.servers.fleet import http_client, migrated_database
from tests.servers.node import Node, install
from tests.servers.processes import CONFORMANCE, ROOT, RUNMCP, SITE, ServerProcess, command, run
from tests.servers.turns import alone

WAYS = ("runmcp", "uvicorn")
"""daphne, as the command starts it, and uvicorn."""

AtlasServer = Callable[..., ServerProcess]
SiteServer = Callable[..., ServerProcess]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a database or a Redis that a newcomer has not; in CI they have to be there."""
    if item.get_closest_marker("matrix") and not os.environ.get("CI") and (reason := missing_backend()):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach to a failure what the servers have written since the last test."""
    report = yield
    if report.when == "call":
        for server in ServerProcess.running:
            news = server.news()
            if report.failed and news:
                report.sections.append((f"output of {server.name}", news[-20_000:]))
    return report


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the site is served."""
    return str(request.param)


@pytest.fixture(scope="session")
def node() -> Node:
    """Node and the clients written in it."""
    return install()


@dataclass
class Atlas:
    """A SQLite database with the demo's countries and cities, and how to sign in."""

    database: str
    """Its URL."""

    said: str
    """What the command said that made it."""

    @property
    def password(self) -> str:
        """Ada's."""
        return self.said.partition("with the password ")[2].split()[0]


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A directory that the processes of a test run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def atlas(shared_folder: Path) -> Atlas:
    """The database as it is made, by whoever comes first: that takes as long as ten starts of a server.

    Nobody serves it: whoever does, serves a copy, in which only their calls stand.
    """
    said, url = shared_folder / "atlas.txt", f"sqlite:///{shared_folder / 'atlas.sqlite3'}"
    with alone(shared_folder / "atlas.lock"):
        if not said.exists():
            prepared = run(ROOT, "manage.py", "demo", "--no-serve", "-v", "0", seconds=180, DATABASE_URL=url)
            assert prepared.returncode == 0, prepared.stderr
            said.write_text(prepared.stderr, encoding="utf-8")
    return Atlas(url, said.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def atlas_database(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of the database of the servers that tests share."""
    return f"sqlite:///{copied(atlas, tmp_path_factory.mktemp('shared'))}"


@pytest.fixture(scope="session")
def atlas_key(atlas_database: str) -> str:
    """An API key for everything that the demo offers."""
    return api_key(atlas_database)


@pytest.fixture(scope="session")
def atlas_server(atlas_database: str) -> Iterator[AtlasServer]:
    """The demo, served: ``atlas_server("uvicorn")``. Each kind of server is started once."""
    with Kept() as kept:

        def serve(way: str) -> ServerProcess:
            line = command(way, "project.asgi:application")
            return kept(f"atlas on {way}", line, ROOT, {"DATABASE_URL": atlas_database})

        yield serve


@pytest.fixture(scope="session")
def demo(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with people in it, and a database of its own."""
    with served(copied(atlas, tmp_path_factory.mktemp("demo"))) as demo:
        yield demo


@pytest.fixture(scope="session")
def chromium_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; ``forget()`` what the last one did in it, and leave no window open."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the site's tables and users."""
    path = tmp_path_factory.mktemp("site") / "empty.sqlite3"
    prepared = run(SITE, "manage.py", "prepare", DATABASE_URL=f"sqlite:///{path}")
    assert prepared.returncode == 0, prepared.stderr
    return path


@pytest.fixture
def site_database(empty_site: Path, tmp_path: Path) -> str:
    """URL of a site's database that no other test writes to."""
    return f"sqlite:///{shutil.copy(empty_site, tmp_path / 'site.sqlite3')}"


@pytest.fixture(scope="session")
def site_server(empty_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteServer]:
    """The site, served: ``site_server("runmcp", SITE_ATOMIC_REQUESTS="1")``. Each kind is started once."""
    with Kept() as kept:

        def serve(way: str, **variables: str) -> ServerProcess:
            name = " ".join(("site on", way, *(f"{key}={value}" for key, value in sorted(variables.items()))))
            if name not in kept.servers and "DATABASE_URL" not in variables:
                database = shutil.copy(empty_site, tmp_path_factory.mktemp("served") / "site.sqlite3")
                variables["DATABASE_URL"] = f"sqlite:///{database}"
            return kept(name, command(way, "asgi:application"), SITE, variables)

        yield serve


@pytest.fixture(scope="session")
def workers_database() -> Iterator[str]:
    """URL of a PostgreSQL database with the tables of the project that several workers serve."""
    with migrated_database() as database:
        yield database


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A client that opens as many connections as a test wants."""
    async with http_client() as http:
        yield http


@pytest.fixture(scope="session")
def conformance_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The project that the conformance suite is pointed at."""
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('conformance') / 'db.sqlite3'}"}
    with ServerProcess("conformance", RUNMCP, CONFORMANCE, variables) as server:
        yield server


def copied(atlas: Atlas, directory: Path) -> Path:
    """Copy the demo's database, and return where the copy is."""
    path = directory / "atlas.sqlite3"
    with (
        closing(sqlite3.connect(atlas.database.removeprefix("sqlite:///"))) as source,
        closing(sqlite3.connect(path)) as copy,
    ):
        source.backup(copy)
    return path


def api_key(database: str) -> str:
    """Make an API key for everything that the demo offers, in its database."""
    line = ("manage.py", "mcp_apikey", "create", "Tour", "--user", "ada", "--scope", "mcp", "--scope", "trips:write")
    made = run(ROOT, *line, DATABASE_URL=database)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class Kept:
    """Starts servers once, and stops all of them at the end."""

    def __enter__(self) -> Kept:
        self._stack = ExitStack()
        self.servers: dict[str, ServerProcess] = {}
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def __call__(self, name: str, line: Sequence[str], directory: Path, variables: Mapping[str, str]) -> ServerProcess:
        if name not in self.servers:
            server = ServerProcess(name, line, directory, variables)
            self.servers[name] = self._stack.enter_context(server)
        return self.servers[name]
