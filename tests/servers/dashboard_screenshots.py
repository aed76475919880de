"""The pictures of the dashboard's pages on which people steer: ``scripts/screenshots`` takes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.admin.utils import quote
from selenium.webdriver.common.by import By

from tests.servers.browser import Browser
from tests.servers.demo import Demo
from tests.servers.processes import ROOT, run
from tests.wire import JSON_HEADERS, request

DASHBOARD = "/admin/mcp_django/dashboard/"
FORMS = ({"width": 1320}, {"width": 1320, "dark": True}, {"width": 390})
ENDINGS = ("", "-dark", "-phone")

ANYWHERE = """
    for (const each of document.querySelectorAll('pre'))
        each.textContent = each.textContent.replace(arguments[0], '.venv/bin/python')
"""
"""Says of a program's path what is the same on every machine."""


def sign_in(browser: Browser, base: str, database: str, name: str = "grace") -> None:
    """Sign a superuser in, in the browser."""
    variables = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "project.settings"}
    made = run(ROOT, "-m", "tests.servers.staff", f"{name}-admin", **variables)
    assert made.returncode == 0, made.stderr
    browser.get(f"{base}/admin/login/")
    browser.delete_all_cookies()
    browser.add_cookie({"name": "sessionid", "value": made.stdout.strip(), "path": "/"})


def run_in_console(browser: Browser, base: str, key: str, **values: str) -> None:
    """Fill in the form of a tool, and run it."""
    browser.get(f"{base}{DASHBOARD}console/?component={quote(f'|tool|{key}')}")
    for name, value in values.items():
        control = browser.find_element(By.NAME, f"/{name}")
        control.clear()
        control.send_keys(value)
    browser.find_element(By.CSS_SELECTOR, "button.default").click()
    browser.until(lambda: browser.find_elements(By.CLASS_NAME, "mcp-outcome"))


@contextmanager
def open_streams(demo: Demo) -> Iterator[None]:
    """Let a client shake hands and listen."""
    headers = {**JSON_HEADERS, "host": demo.base.removeprefix("http://")}
    headers |= {"authorization": f"Bearer {demo.planted['good']}", "mcp-protocol-version": "2025-11-25"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "Cursor", "version": "1.0"}}
    with demo.browser() as client:
        opened = client.post("/mcp", json=request("initialize", hello), headers=headers)
        headers["mcp-session-id"] = opened.headers["mcp-session-id"]
        with client.stream("GET", "/mcp", headers={**headers, "accept": "text/event-stream"}):
            yield


def take_steering(browser: Browser, demo: Demo, database: str, picture: Callable[..., Any]) -> None:
    """Take a picture of each page: wide, dark, and on a phone."""
    base = demo.base
    sign_in(browser, base, database)

    def thrice(name: str) -> None:
        for form, ending in zip(FORMS, ENDINGS, strict=True):
            picture(browser, f"{name}{ending}", last="#content", **form)

    browser.get(f"{base}/admin/mcp_django/call/?outcome__exact=tool_error")
    thrice("activity")
    browser.get(f"{base}{DASHBOARD}components/")
    thrice("components")
    browser.get(f"{base}{DASHBOARD}components/of/{quote('|tool|plan_trip')}/")
    thrice("component")
    run_in_console(browser, base, "nearest_cities", latitude="48.8566", longitude="2.3522", limit="3")
    thrice("console")
    with open_streams(demo):
        browser.get(f"{base}/admin/mcp_django/stream/")
        browser.until(lambda: browser.find_elements(By.CSS_SELECTOR, "#result_list") or browser.refresh())
        thrice("streams")
    for page in ("sign-in", "routes", "health", "connect"):
        browser.get(f"{base}{DASHBOARD}{page}/")
        browser.execute_script(ANYWHERE, sys.executable)
        thrice(f"dashboard-{page}")
