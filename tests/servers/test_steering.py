"""People steer from the admin, in a real browser: two workers over PostgreSQL and Redis, and what clients notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from django.contrib.admin.utils import quote
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ToolsListChanged
from selenium.webdriver.common.by import By

from tests.servers.browser import Browser
from tests.servers.endpoint import Stream
from tests.servers.fleet import Fleet, Peer, soon
from tests.servers.processes import run
from tests.wire import MODERN

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]

DASHBOARD = "/admin/mcp_django/dashboard/"


@pytest.fixture(scope="module")
def fleet(workers_database: str) -> Iterator[Fleet]:
    with Fleet(workers_database) as fleet:
        yield fleet


@pytest.fixture
def browser(chromium_browser: Browser, fleet: Fleet) -> Iterator[Browser]:
    """Somebody with all permissions, at the first worker."""
    made = run(
        fleet.workers[0]._directory,
        "-m",
        "tests.servers.staff",
        "boss",
        DJANGO_SETTINGS_MODULE="settings",
        **fleet.variables,
    )
    assert made.returncode == 0, made.stderr
    chromium_browser.get(f"{base(fleet)}/admin/login/")
    chromium_browser.add_cookie({"name": "sessionid", "value": made.stdout.strip(), "path": "/"})
    yield chromium_browser
    chromium_browser.forget()


def base(fleet: Fleet) -> str:
    return f"http://127.0.0.1:{fleet.workers[0].port}"


async def there(work: Callable[[], Any]) -> Any:
    """Do something with the browser while clients go on."""
    return await asyncio.to_thread(work)


def run_tool(browser: Browser, fleet: Fleet, key: str, **values: str) -> str:
    browser.get(f"{base(fleet)}{DASHBOARD}console/?component={quote(f'|tool|{key}')}")
    for name, value in values.items():
        browser.find_element(By.NAME, f"/{name}").send_keys(value)
    browser.find_element(By.CSS_SELECTOR, "button.default").click()
    browser.until(lambda: browser.find_elements(By.CLASS_NAME, "mcp-outcome"))
    return browser.text()


@asynccontextmanager
async def official(url: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(timeout=30, verify=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=MODERN) as client,
    ):
        yield client


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


def test_a_tool_is_run_with_progress_and_its_picture_is_shown(browser: Browser, fleet: Fleet) -> None:
    text = run_tool(browser, fleet, "paint", size="3")
    assert "3 / 3 row 3" in text
    picture = browser.find_element(By.CSS_SELECTOR, ".mcp-outcome img")
    assert browser.until(lambda: browser.execute_script("return arguments[0].naturalWidth", picture)) == 1
    assert "row 1" not in text or not browser.find_elements(By.XPATH, "//style")


def test_what_does_not_fit_is_told_in_the_words_of_a_client(browser: Browser, fleet: Fleet) -> None:
    text = run_tool(browser, fleet, "paint", size="99")
    assert "tool error" in text
    assert "size: " in text


def test_a_tool_that_asks_is_answered_in_the_page(browser: Browser, fleet: Fleet) -> None:
    text = run_tool(browser, fleet, "confirm", message="Really?")
    assert "Really?" in text
    browser.find_element(By.NAME, "answer0/word").send_keys("certainly")
    browser.find_element(By.CSS_SELECTOR, "select[name='answer0/sure'] option[value='true']").click()
    browser.press("Answer")
    browser.until(lambda: "accept certainly" in browser.text())


async def test_a_tool_that_is_switched_off_is_gone_on_both_workers_and_its_clients_hear_of_it(
    browser: Browser, fleet: Fleet
) -> None:
    async with (
        asyncio.timeout(60),
        official(fleet.urls[0]) as one,
        official(fleet.urls[1]) as two,
        one.listen(tools_list_changed=True) as first,
        two.listen(tools_list_changed=True) as second,
    ):
        for client in (one, two):
            assert "paint" in await names(client)
        for to, label in (("off", "Yes, switch off"), ("on", "Yes, switch on")):
            await there(lambda to=to: _ask(browser, fleet, to))  # type: ignore[misc]
            await there(lambda label=label: browser.press(label))  # type: ignore[misc]
            for subscription in (first, second):
                assert await anext(aiter(subscription)) == ToolsListChanged()
            for client in (one, two):
                await soon(lambda client=client, to=to: _has(client, to == "on"))  # type: ignore[misc]


async def test_sessions_at_both_workers_hear_on_their_streams_of_what_is_switched(
    browser: Browser, fleet: Fleet, http: httpx2.AsyncClient
) -> None:
    peers = [await Peer(http).open(url) for url in fleet.urls]
    async with peers[0].listening(fleet.urls[0]) as first, peers[1].listening(fleet.urls[1]) as second:
        for to, label in (("off", "Yes, switch off"), ("on", "Yes, switch on")):
            await there(lambda to=to: _ask(browser, fleet, to))  # type: ignore[misc]
            await there(lambda label=label: browser.press(label))  # type: ignore[misc]
            for stream in (first, second):
                while (await stream.message())["method"] != "notifications/tools/list_changed":
                    pass  # "look again" may be said of more, where a message was lost
            for peer, url in zip(peers, fleet.urls, strict=True):
                await soon(lambda peer=peer, url=url, to=to: _lists(peer, url, to == "on"))  # type: ignore[misc]


async def _lists(peer: Peer, url: str, wanted: bool) -> bool:
    tools = (await peer.ask(url, "tools/list"))["tools"]
    return ("paint" in [tool["name"] for tool in tools]) is wanted


async def _has(client: Client, wanted: bool) -> bool:
    return ("paint" in await names(client)) is wanted


def _ask(browser: Browser, fleet: Fleet, to: str) -> None:
    browser.get(f"{base(fleet)}{DASHBOARD}components/?q=paint")
    browser.find_element(By.CSS_SELECTOR, "input[aria-label='paint']").click()
    browser.press("Switch off…" if to == "off" else "Switch on…")
    browser.until(lambda: "Yes, switch" in browser.text())


@pytest.mark.parametrize(("what", "status"), [("session", 404), ("stream", 200)])
async def test_what_is_ended_at_the_other_worker_is_over_and_a_session_outlives_its_stream(
    browser: Browser, fleet: Fleet, http: httpx2.AsyncClient, what: str, status: int
) -> None:
    end = _end if what == "session" else _end_stream
    peer = await Peer(http).open(fleet.urls[1])
    async with peer.listening(fleet.urls[1]) as stream:
        await there(lambda: end(browser, fleet, peer.session))
        with pytest.raises(EOFError):
            await _read_on(stream)
    for url in fleet.urls:
        assert (await peer.post(url, peer.request("ping"))).status_code == status


async def _read_on(stream: Stream) -> None:
    while True:
        await stream.message()


def _end_stream(browser: Browser, fleet: Fleet, session: str) -> None:
    """End a session's stream, once its worker has said that it is open."""
    browser.get(f"{base(fleet)}/admin/mcp_django/stream/?q={session}")
    # The admin counts all streams before it lists these: a row that comes between the two is shown without actions, and
    # others that are open bring the actions without the row.
    ready = "form:has(option[value='end']) input.action-select"
    browser.until(lambda: browser.find_elements(By.CSS_SELECTOR, ready) or browser.refresh())
    _choose(browser)
    browser.until(lambda: "1 stream was ended" in browser.text())


def _end(browser: Browser, fleet: Fleet, session: str) -> None:
    browser.get(f"{base(fleet)}/admin/mcp_django/session/?q={session}")
    _choose(browser)
    browser.until(lambda: "was ended on every worker" in browser.text())


def _choose(browser: Browser) -> None:
    """Choose the only row of a list, and the action that ends it."""
    browser.find_element(By.CSS_SELECTOR, "input.action-select").click()
    browser.find_element(By.CSS_SELECTOR, "select[name='action'] option[value='end']").click()
    browser.find_element(By.CSS_SELECTOR, "button[name='index']").click()
