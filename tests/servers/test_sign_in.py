"""People and programs sign in to the demo, on daphne, with the official client: nobody has set anything up for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.oauth.bodies import DOCUMENTS
from tests.oauth.official import Person, Storage, provider
from tests.servers.conftest import Atlas, api_key, copied
from tests.servers.endpoint import HEADERS, Stream
from tests.servers.processes import ROOT, RUNMCP, ServerProcess, run
from tests.wire import modern_request, request

pytestmark = [pytest.mark.server, pytest.mark.anyio]

SECONDS = 30
MUNICH, BERLIN = 2867714, 2950159
BOTH = "mcp trips:write"


@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request: pytest.FixtureRequest) -> str:
    """As a client that shook hands, or one that knows the newest revision and asks for nothing first."""
    return str(request.param)


@dataclass
class Demo:
    """The demo, served, as its clients know it."""

    url: str
    atlas: Atlas

    @property
    def site(self) -> str:
        return self.url.removesuffix("/mcp")

    @asynccontextmanager
    async def client(self, era: str, auth: httpx2.Auth | None = None, key: str = "") -> AsyncIterator[Client]:
        """Open the official client."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx2.AsyncClient(auth=auth, headers=headers, timeout=SECONDS) as http:
            road = streamable_http_client(self.url, http_client=http)
            async with Client(road, mode=era, read_timeout_seconds=SECONDS) as client:
                yield client

    def manage(self, *arguments: str) -> str:
        """Return what a command writes to stdout."""
        done = run(ROOT, "manage.py", *arguments, DATABASE_URL=self.atlas.database)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def demo(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    atlas = replace(atlas, database=f"sqlite:///{copied(atlas, tmp_path_factory.mktemp('signed_in'))}")
    variables = {"DATABASE_URL": atlas.database, "DJANGO_SETTINGS_MODULE": "tests.servers.demo_settings"}
    with ServerProcess("demo with sign-in", RUNMCP, ROOT, variables) as server:
        yield Demo(server.url, atlas)


@pytest.fixture
async def person(demo: Demo) -> AsyncIterator[Person]:
    """Ada, with a new browser and the password that the demo's first run showed."""
    async with httpx2.AsyncClient(base_url=demo.site, timeout=SECONDS) as browser:
        yield Person(browser, demo.atlas.password)


async def plan(client: Client) -> int:
    """Plan a trip, and return its id."""
    result = await client.call_tool("plan_trip", {"title": "Two cities", "city_ids": [MUNICH, BERLIN]})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return int(result.structured_content["id"])


async def trips(client: Client) -> set[int]:
    """Return the ids of the trips that the caller has."""
    result = await client.call_tool("list_trips", {"limit": 50})
    assert result.structured_content is not None
    return {trip["id"] for trip in result.structured_content["result"]}


async def knock(demo: Demo, token: str) -> int:
    """Return the status with which a token is answered."""
    body, headers = modern_request("tools/list", {})
    async with httpx2.AsyncClient(timeout=SECONDS) as http:
        sent = HEADERS | headers | {"authorization": f"Bearer {token}"}
        return (await http.post(demo.url, json=body, headers=sent)).status_code


async def test_a_person_signs_in_when_something_is_written_and_not_before(demo: Demo, person: Person, era: str) -> None:
    storage = Storage()
    auth = provider(demo.url, person, storage)
    async with demo.client(era, auth) as client:
        assert "plan_trip" in {tool.name for tool in (await client.list_tools()).tools}
        assert not (await client.call_tool("find_cities", {"name": "Lisbon"})).is_error
        assert await trips(client) == set()
        assert person.asked == []

        trip = await plan(client)
        (asked,) = person.asked
        assert (asked["scope"], asked["resource"]) == ([BOTH], [demo.url])
        assert asked["code_challenge_method"] == ["S256"]
        assert trip in await trips(client)

        assert storage.tokens is not None
        before = storage.tokens.access_token
        auth.context.token_expiry_time = 1
        assert trip in await trips(client)
        assert storage.tokens.access_token != before
        assert await knock(demo, before) == 401

    async with demo.client(era, provider(demo.url, person, storage)) as client:
        assert not (await client.call_tool("delete_trip", {"trip_id": trip})).is_error
    assert len(person.asked) == 1


async def test_a_person_who_unticked_a_scope_is_asked_for_it_when_it_is_needed(
    demo: Demo, person: Person, era: str
) -> None:
    person.unticks = {"trips:write"}
    async with demo.client(era, provider(demo.url, person, Storage())) as client:
        with pytest.raises(MCPError, match=r"lacks a scope: trips:write"):
            await plan(client)
        await trips(client)
        assert len(person.asked) == 1

        person.unticks = set()
        assert await plan(client) in await trips(client)
    assert [asked["scope"] for asked in person.asked] == [[BOTH], [BOTH]]


async def test_what_somebody_planned_is_nobody_elses(demo: Demo, person: Person, era: str) -> None:
    async with demo.client(era, provider(demo.url, person, Storage())) as client:
        trip = await plan(client)
    async with demo.client(era) as client:
        assert trip not in await trips(client)
        with pytest.raises(MCPError, match="Sign in"):
            await client.call_tool("delete_trip", {"trip_id": trip})


async def test_a_client_is_known_by_the_url_of_its_document(demo: Demo, person: Person, era: str) -> None:
    url, redirect_uri = DOCUMENTS["VS Code"]
    storage = Storage()
    auth = provider(demo.url, person, storage, redirect_uri, client_metadata_url=url)
    async with demo.client(era, auth) as client:
        assert await plan(client) in await trips(client)
    assert person.asked[0]["client_id"] == [url]
    assert storage.client is not None
    assert storage.client.client_id == url


async def test_a_program_signs_in_as_itself(demo: Demo) -> None:
    said = demo.manage("mcp_service_account", "nightly", "--user", "ada", "--scope", "mcp", "--scope", "trips:write")
    told = dict(line.split(": ") for line in said.splitlines())
    for era in ("legacy", "2026-07-28"):
        auth = ClientCredentialsOAuthProvider(
            demo.url, Storage(), told["client_id"], told["client_secret"], "client_secret_basic", BOTH, issuer=demo.site
        )
        async with demo.client(era, auth) as client:
            assert await plan(client) in await trips(client)


async def test_an_api_key_counts_until_it_is_revoked(demo: Demo) -> None:
    key = api_key(demo.atlas.database)
    for era in ("legacy", "2026-07-28"):
        async with demo.client(era, key=key) as client:
            assert await plan(client) in await trips(client)
    newest = demo.manage("mcp_apikey", "list").splitlines()[-1].partition("\t")[0]
    demo.manage("mcp_apikey", "revoke", newest)
    assert await knock(demo, key) == 401


@asynccontextmanager
async def open_stream(demo: Demo, token: str, era: str) -> AsyncIterator[Stream]:
    """Open a stream of events that only its end will close."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=SECONDS) as http:
        if era == "legacy":
            hello = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            }
            shaken = await http.post(demo.url, json=request("initialize", hello), headers=HEADERS)
            session = {"mcp-session-id": shaken.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
            sent: Any = http.stream("GET", demo.url, headers=HEADERS | session)
        else:
            wanted = {"notifications": {"resourceSubscriptions": ["atlas://about"]}}
            body, headers = modern_request("subscriptions/listen", wanted)
            sent = http.stream("POST", demo.url, json=body, headers=HEADERS | headers)
        async with sent as response:
            assert response.headers["content-type"] == "text/event-stream"
            yield Stream(response, SECONDS)


async def read_to_the_end(stream: Stream) -> None:
    """Wait until the server ends it. Fails when it doesn't."""
    with suppress(EOFError):
        while True:
            await stream.line()


async def test_what_a_person_takes_back_ends_at_once(demo: Demo, person: Person, era: str) -> None:
    storage = Storage()
    async with demo.client(era, provider(demo.url, person, storage)) as official:
        await plan(official)
    assert storage.tokens is not None
    assert storage.client is not None
    token = storage.tokens.access_token
    assert await knock(demo, token) == 200

    async with open_stream(demo, token, era) as stream:
        await person.disconnect()
        assert await knock(demo, token) == 401
        await read_to_the_end(stream)
    client = {"client_id": storage.client.client_id, "client_secret": storage.client.client_secret}
    renewal = {"grant_type": "refresh_token", "refresh_token": storage.tokens.refresh_token}
    refused = await person.browser.post("/token/", data=client | renewal)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
