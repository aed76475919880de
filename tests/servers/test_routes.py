"""Custom routes on real servers: daphne, uvicorn, and two that speak WSGI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from uuid import uuid4

import anyio
import httpx2
import pytest

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import SECONDS
from tests.servers.fleet import Fleet
from tests.servers.processes import ServerProcess

pytestmark = [pytest.mark.server, pytest.mark.anyio]

WSGI = {"SITE_WITHOUT_ASGI": "1"}


def on(way: str, site_server: SiteServer) -> ServerProcess:
    return site_server(way) if way in ("runmcp", "uvicorn") else site_server(way, **WSGI)


@pytest.fixture(params=["runmcp", "uvicorn", "runserver", "gunicorn"])
def base(request: pytest.FixtureRequest, site_server: SiteServer) -> str:
    """URL of the site, on any server."""
    return on(str(request.param), site_server).url.removesuffix("/mcp")


@pytest.fixture(params=["runmcp", "uvicorn", "runserver"])
def one_process(request: pytest.FixtureRequest, site_server: SiteServer) -> str:
    """URL of the site, on a server of one process."""
    return on(str(request.param), site_server).url.removesuffix("/mcp")


@pytest.fixture(params=["runmcp", "uvicorn"])
def asgi(request: pytest.FixtureRequest, site_server: SiteServer) -> str:
    """URL of the site, on a server that speaks ASGI."""
    return on(str(request.param), site_server).url.removesuffix("/mcp")


@pytest.fixture
def key() -> str:
    return uuid4().hex


@pytest.mark.parametrize("kind", ["sync", "async", "starlette"])
async def test_a_part_arrives_before_the_next_one_is_made(
    one_process: str, kind: str, key: str, http: httpx2.AsyncClient
) -> None:
    async with http.stream("GET", f"{one_process}/two-parts/{kind}/{key}") as response:
        assert response.status_code == 200
        parts = response.aiter_bytes()
        assert await anext(parts) == b"one"
        await http.post(f"{one_process}/open/{key}")
        assert b"".join([part async for part in parts]) == b"two"
    if kind == "starlette":
        assert response.headers["content-type"] == "text/x-parts; charset=utf-8"
        assert (await http.get(f"{one_process}/ended/{key}")).json() == {"ended": True}  # the background task


@pytest.mark.parametrize("how", ["waiting", "sending"])
@pytest.mark.parametrize("kind", ["django", "starlette"])
async def test_a_client_that_leaves_a_stream_ends_its_generator(
    asgi: str, kind: str, how: str, key: str, http: httpx2.AsyncClient
) -> None:
    async with http.stream("GET", f"{asgi}/ticks/{kind}/{how}/{key}") as response:
        assert await anext(response.aiter_bytes())
    assert (await http.get(f"{asgi}/ended/{key}")).json() == {"ended": True}


async def test_a_client_that_leaves_a_stream_ends_its_sync_generator(
    one_process: str, key: str, http: httpx2.AsyncClient
) -> None:
    async with http.stream("GET", f"{one_process}/ticks/sync/sending/{key}") as response:
        assert await anext(response.aiter_bytes())
    assert (await http.get(f"{one_process}/ended/{key}")).json() == {"ended": True}


async def test_bodies_of_the_wrong_type_are_refused(base: str, http: httpx2.AsyncClient) -> None:
    good = await http.post(f"{base}/orders", json={"sku": "a", "units": "2"})
    assert (good.status_code, good.json()) == (200, {"sku": "a", "units": 2})
    wrong = await http.post(f"{base}/orders", json={"units": []})
    assert (wrong.status_code, [each["field"] for each in wrong.json()["errors"]]) == (400, ["sku", "units"])
    for content, status in (([1], 400), ("text", 400), (None, 400)):
        assert (await http.post(f"{base}/orders", json=content)).status_code == status


@pytest.mark.parametrize("kind", ["django", "starlette"])
async def test_uploads_arrive_by_the_names_that_their_clients_chose(
    base: str, kind: str, http: httpx2.AsyncClient
) -> None:
    files = {"f": ("../../x", b"1" * 300_000), "g": ("y", b"22")}
    found = (await http.post(f"{base}/uploads/{kind}", files=files)).json()
    assert found == {"f": ["x" if kind == "django" else "../../x", 300_000], "g": ["y", 2]}


async def test_ten_megabytes_are_refused(asgi: str, http: httpx2.AsyncClient) -> None:
    json = {"content-type": "application/json"}
    assert (await http.post(f"{asgi}/orders", content=b" " * 10_000_000, headers=json)).status_code == 413
    for kind in ("django", "starlette"):
        large = await http.post(f"{asgi}/uploads/{kind}", files={"f": ("x", b"1" * 10_000_000)})
        assert large.status_code == 413


@pytest.mark.parametrize("way", ["runserver", "gunicorn"])
def test_ten_megabytes_are_refused_under_wsgi_before_they_are_sent(way: str, site_server: SiteServer) -> None:
    with closing(HTTPConnection("127.0.0.1", on(way, site_server).port, timeout=SECONDS)) as connection:
        connection.putrequest("POST", "/uploads/django")
        connection.putheader("content-type", "multipart/form-data; boundary=x")
        connection.putheader("content-length", "10000000")
        connection.endheaders()
        assert connection.getresponse().status == 413


async def test_head_options_and_other_methods(base: str, http: httpx2.AsyncClient) -> None:
    for path in ("/file/starlette", "/file/django", "/health"):
        whole = await http.get(f"{base}{path}")
        head = await http.head(f"{base}{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        options = await http.options(f"{base}{path}")
        assert (options.status_code, options.headers["allow"]) == (200, "GET, HEAD, OPTIONS")
        assert (await http.delete(f"{base}{path}")).status_code == 405


async def test_files_are_sent_whole_and_in_ranges(base: str, http: httpx2.AsyncClient) -> None:
    whole = await http.get(f"{base}/file/starlette")
    assert whole.content == (await http.get(f"{base}/file/django")).content
    part = await http.get(f"{base}/file/starlette", headers={"range": "bytes=3-10"})
    assert (part.status_code, part.content) == (206, whole.content[3:11])


async def test_cookies_of_one_name_stay_apart(base: str, http: httpx2.AsyncClient) -> None:
    found = (await http.get(f"{base}/cookies")).headers.get_list("set-cookie")
    assert found == ["a=1; Path=/one; SameSite=lax", "a=2; Path=/two; SameSite=lax"]


@pytest.fixture(scope="module")
def fleet(workers_database: str) -> Iterator[Fleet]:
    with Fleet(workers_database) as fleet:
        yield fleet


@pytest.mark.matrix
async def test_two_workers_count_together(fleet: Fleet, http: httpx2.AsyncClient) -> None:
    statuses: list[int] = []

    async def ask(number: int) -> None:
        url = fleet.urls[number % 2].removesuffix("/mcp")
        answer = await http.get(f"{url}/rationed")
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            for number in range(51):
                group.start_soon(ask, number)
    assert sorted(statuses) == [200] * 50 + [429]
