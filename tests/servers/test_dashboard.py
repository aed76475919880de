"""Staff read the dashboard in a real browser: the figures of an official client's calls, and the rows behind each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic, sleep

import pytest
from mcp.shared.exceptions import MCPError
from selenium.webdriver.common.by import By

from tests.servers.browser import Browser
from tests.servers.conftest import Atlas, copied
from tests.servers.demo import Demo, served
from tests.servers.planted import STAFF
from tests.servers.test_official_client import client_with_key

pytestmark = pytest.mark.server

DASHBOARD = "/admin/mcp_django/dashboard/"
SEARCHES, FAILURES = 6, 2
WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def demo(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo on daphne, to which nobody has spoken but one client, with a strict Content-Security-Policy."""
    path = copied(atlas, tmp_path_factory.mktemp("watched"))
    with served(path, "tests.servers.strict_settings") as demo:
        asyncio.run(work(demo))
        deadline = monotonic() + WAIT_SECONDS
        while not demo.count("mcp_django_call", "outcome = 'refused'"):  # the last one
            assert monotonic() < deadline, "The calls were not written down."
            sleep(0.1)
        yield demo


async def work(demo: Demo) -> None:
    """Use the demo as an agent does, by the official client, signed in as Vera."""
    async with client_with_key(demo.server.url, demo.planted["good"]) as client:
        for _ in range(SEARCHES):
            assert not (await client.call_tool("find_cities", {"name": "Ulm"})).is_error
        for _ in range(FAILURES):
            assert (await client.call_tool("get_trip", {"trip_id": 999_999})).is_error
        await client.read_resource("atlas://about")
        with pytest.raises(MCPError):
            await client.call_tool("no_such_tool", {})


@pytest.fixture
def staff(chromium_browser: Browser, demo: Demo) -> Iterator[Browser]:
    """Olga, who has signed in by the form, at the dashboard."""
    chromium_browser.forget()
    chromium_browser.get(f"{demo.base}{DASHBOARD}")
    chromium_browser.find_element(By.NAME, "username").send_keys(STAFF)
    chromium_browser.find_element(By.NAME, "password").send_keys(f"{demo.planted['password']}\n")
    chromium_browser.until(lambda: chromium_browser.title.startswith("Dashboard"))
    yield chromium_browser
    chromium_browser.forget()


def figure(browser: Browser, name: str) -> str:
    """Return the figure of a card."""
    return browser.find_element(By.XPATH, f"//dl//dt[.='{name}']/following-sibling::dd[1]").text


def follow(browser: Browser, xpath: str) -> list[str]:
    """Follow a link to the activity, and return what each row there says of itself."""
    browser.find_element(By.XPATH, xpath).click()
    browser.until(lambda: "/mcp_django/call/" in browser.current_url)
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")]


def test_the_figures_are_those_of_the_calls(staff: Browser, demo: Demo) -> None:
    calls = demo.count("mcp_django_call")
    assert (figure(staff, "calls"), figure(staff, "refused")) == (str(calls), "1")
    assert figure(staff, "errors") == f"{100 * FAILURES / calls:.1f} %"
    busiest = staff.find_element(By.XPATH, "//section[@aria-labelledby='mcp-components']//tbody/tr[1]").text
    assert busiest.split()[:3] == ["find_cities", "tool", str(SEARCHES)]
    users = staff.find_element(By.XPATH, "//section[@aria-labelledby='mcp-users']//tbody/tr[1]").text
    assert users.split()[:2] == ["vera", str(calls)]
    assert "1 worker" in staff.text()
    assert staff.complaints() == []


@pytest.mark.parametrize(
    ("link", "rows"),
    [
        ("//dt[.='errors']/following-sibling::dd[1]/a", ["tools/call get_trip"] * FAILURES),
        ("//dt[.='refused']/following-sibling::dd[1]/a", ["tools/call"]),
        ("//section[@aria-labelledby='mcp-components']//a[.='find_cities']", ["tools/call find_cities"] * SEARCHES),
        ("//section[@aria-labelledby='mcp-look']//a[.='DoesNotExist']", ["tools/call get_trip"] * FAILURES),
    ],
)
def test_a_figure_leads_to_the_rows_behind_it(staff: Browser, link: str, rows: list[str]) -> None:
    found = follow(staff, link)
    assert len(found) == len(rows)
    for row, wanted in zip(found, rows, strict=True):
        assert wanted in row
        assert "vera" in row
    assert staff.complaints() == []


def test_a_day_and_a_week_show_the_same_calls(staff: Browser, demo: Demo) -> None:
    for label in ("1 day", "7 days"):
        staff.find_element(By.LINK_TEXT, label).click()
        staff.until(
            lambda label=label: staff.find_element(By.CSS_SELECTOR, "[aria-label='Time'] [aria-current]").text == label
        )  # type: ignore[misc]
        assert figure(staff, "calls") == str(demo.count("mcp_django_call"))
        assert len(follow(staff, "//dt[.='calls']/following-sibling::dd[1]/a")) == demo.count("mcp_django_call")
        staff.back()


@pytest.mark.parametrize("width", [390, 1320])
def test_every_page_fits_its_window_under_a_strict_policy(staff: Browser, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    staff.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        pages = [
            link.get_attribute("href")
            for link in staff.find_elements(By.CSS_SELECTOR, ".mcp-nav[aria-label='Model Context Protocol'] a")
        ]
        assert len(pages) == 10
        for page in pages:
            staff.get(str(page))
            wide = staff.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, page
            assert staff.complaints() == [], page
    finally:
        staff.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
