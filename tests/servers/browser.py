"""A real browser, and the client on one's own computer to which it is sent back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 30
"""How long a page may take."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-search-engine-choice-screen",
    "--window-size=1000,900",
)


class Browser(Chrome):
    """Chromium, with what people do in it."""

    def __init__(self, profile: Path) -> None:
        options = ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.binary_location = program("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        super().__init__(options=options, service=Service(program("chromedriver")))
        self.set_page_load_timeout(SECONDS)

    def until(self, condition: Any) -> Any:
        """Wait until a function of nothing returns something true, and return it."""
        return WebDriverWait(self, SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(
            lambda _: condition()
        )

    def text(self) -> str:
        """Return what people read on the page."""
        return " ".join(self.find_element(By.TAG_NAME, "body").text.split())

    def press(self, label: str) -> None:
        """Press the button of this name."""
        (button,) = [each for each in self.find_elements(By.TAG_NAME, "button") if label in (each.text, name_of(each))]
        button.click()

    def log_in(self, name: str, password: str) -> None:
        """Fill in the page that asks who one is."""
        self.find_element(By.NAME, "username").send_keys(name)
        self.find_element(By.NAME, "password").send_keys(password)
        self.press("Log in")

    def complaints(self) -> list[str]:
        """Return what the browser has found wrong with the pages since this was asked last."""
        return [entry["message"] for entry in self.get_log("browser") if "favicon.ico" not in entry["message"]]

    def forget(self) -> None:
        """Begin anew: no cookies, and an empty page."""
        self.get("about:blank")
        self.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.complaints()


def name_of(element: WebElement) -> str | None:
    """Return the name by which a control is read out, if it has another one than its text."""
    return element.get_attribute("aria-label")


def program(name: str) -> str:
    """Return where a program is.

    Raises:
        AssertionError: it isn't there.
    """
    path = shutil.which(name)
    assert path, f"There is no {name}: apt-get install chromium chromium-driver"
    return path


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser that knows nothing.

    Args:
        profile: a directory for what it keeps.
    """
    browser = Browser(profile)
    try:
        yield browser
    finally:
        browser.quit()


class Callback:
    """Listens on a port of its own for what the browser brings back, and serves pages of somebody else's."""

    def __init__(self) -> None:
        callback = self
        self._brought: Queue[dict[str, str]] = Queue()
        self.pages: dict[str, str] = {}
        """HTML by path."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/callback":
                    callback._brought.put({key: values[-1] for key, values in parse_qs(parts.query).items()})
                html = callback.pages.get(parts.path, "<title>Client</title><p>You may close this window.")
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.redirect_uri = f"{self.url}/callback"
        self._thread = Thread(target=self._server.serve_forever)

    def brought(self) -> dict[str, str]:
        """Wait for the parameters with which the browser comes back."""
        try:
            return self._brought.get(timeout=SECONDS)
        except Empty:
            raise AssertionError("The browser didn't come back to the client.") from None

    def __enter__(self) -> Callback:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
