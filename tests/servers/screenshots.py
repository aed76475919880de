"""The pictures of the documentation: ``scripts/screenshots`` writes them into ``docs/images``. Look at each."""

from __future__ import annotations

import asyncio
import base64
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from tests.servers.browser import Browser, chromium
from tests.servers.dashboard_screenshots import take_steering
from tests.servers.demo import Demo, asked, exchange, sent_back, served
from tests.servers.planted import STAFF
from tests.servers.processes import ROOT, run
from tests.servers.test_official_client import client_with_key

IMAGES = ROOT / "docs" / "images"
MARGIN = 24
"""Pixels of the page around its card."""


def picture(browser: Browser, name: str, *, width: int = 640, dark: bool = False, last: str = ".mcp-card") -> None:
    """Write what the browser shows, as far as there is something: down to the element that ``last`` selects."""
    emulate = browser.execute_cdp_cmd
    size = {"width": width, "height": 400, "deviceScaleFactor": 1.5, "mobile": width < 500}
    emulate("Emulation.setDeviceMetricsOverride", size)
    emulate("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" * dark}]})
    sleep(0.5)  # to be a phone fades in
    bottom = browser.execute_script("return document.querySelector(arguments[0]).getBoundingClientRect().bottom", last)
    clip = {"x": 0, "y": 0, "width": width, "height": bottom + MARGIN, "scale": 1}
    shot: dict[str, Any] = emulate("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    (IMAGES / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
    sys.stdout.write(f"docs/images/{name}.png\n")


AGENTS = {"Claude Code": 90, "Cursor": 45, "MCP Inspector": 12}
"""How often each client calls, by the name that it gives itself."""

SPREAD = """
    UPDATE mcp_django_call SET ended = strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (
        3400 * (1 + id * 37 % 101) / 101 * (2 + id % 3) / 4) || ' seconds')
"""
"""Moves calls of this minute to somewhere in the last hour."""


async def work(demo: Demo, name: str, calls: int) -> None:
    """Use the demo as an agent does. Some of its calls fail, and some are refused."""
    told = Implementation(name=name, version="1.0")
    async with client_with_key(demo.server.url, demo.planted["good"], client_info=told) as client:
        for number in range(calls):
            await client.call_tool("find_cities", {"name": ("Ulm", "Bern", "Lyon")[number % 3]})
            if number % 3 == 0:
                await client.call_tool("nearest_cities", {"latitude": 48.4, "longitude": 10.0})
            if number % 7 == 0:
                await client.read_resource("atlas://countries/DE")
                await client.get_prompt("plan_a_weekend", {"city": "Ulm"})
            if number % 15 == 0:
                await client.call_tool("get_trip", {"trip_id": 999_999})
                await client.call_tool("loneliest_cities", {"min_population": 5_000_000})
            if number % 20 == 0:
                with suppress(MCPError):
                    await client.call_tool("no_such_tool", {})


def call_tools(demo: Demo) -> None:
    """Let several agents call, and wait until it is written down."""
    for name, calls in AGENTS.items():
        asyncio.run(work(demo, name, calls))
    for _ in range(3):
        demo.plan(demo.planted["expired"])
    deadline = monotonic() + 30
    while demo.count("mcp_django_call", "outcome = 'refused' AND error = 'expired'") < 3:
        assert monotonic() < deadline, "The calls were not written down."
        sleep(0.1)
    demo.rows(SPREAD)


def take_dashboard(browser: Browser, demo: Demo) -> None:
    """Take pictures of the pages in the admin."""
    browser.get(f"{demo.base}/accounts/login/?next=/admin/mcp_django/dashboard/")
    browser.log_in(STAFF, demo.planted["password"])
    browser.until(lambda: browser.title.startswith("Dashboard"))
    for name, changes in (("", {}), ("-dark", {"dark": True}), ("-phone", {"width": 390})):
        picture(browser, f"dashboard{name}", **{"width": 1320, "last": "#content", **changes})


def take(browser: Browser, demo: Demo) -> None:
    """Sign in, and take a picture of each page on the way."""
    grace = demo.person("grace")
    clients = []
    for name, redirect_uri in (
        ("Notebook", "https://notebook.example/callback"),
        ("MCP Inspector", "http://localhost:6274/oauth/callback"),
    ):
        told = demo.register(client_name=name, redirect_uris=[redirect_uri]).json()
        clients.append({"client_id": told["client_id"], "redirect_uri": redirect_uri})
    there, here = clients
    browser.get(f"{demo.base}/authorize/?{urlencode(asked(demo, **here))}")
    picture(browser, "login")
    browser.log_in("grace", demo.planted["password"])
    browser.until(lambda: browser.title.startswith("Allow"))
    picture(browser, "consent")
    picture(browser, "consent-dark", dark=True)
    picture(browser, "consent-phone", width=360)
    for client, scope in ((here, "mcp trips:write"), (there, "mcp")):
        code = sent_back(grace.answer(grace.ask(**client, scope=scope)))["code"]
        demo.token(**exchange(client["client_id"], code, redirect_uri=client["redirect_uri"]))
    browser.get(f"{demo.base}/connected-apps/")
    picture(browser, "connected-apps")


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        database = Path(directory) / "demo.sqlite3"
        line = ("manage.py", "demo", "--no-serve", "-v", "0")
        prepared = run(ROOT, *line, seconds=180, DATABASE_URL=f"sqlite:///{database}")
        assert prepared.returncode == 0, prepared.stderr
        with served(database) as demo, chromium(Path(directory) / "profile") as browser:
            if "--dashboard" not in sys.argv:
                take(browser, demo)
                browser.forget()
            call_tools(demo)
            take_dashboard(browser, demo)
            browser.forget()
            take_steering(browser, demo, f"sqlite:///{database}", picture)
