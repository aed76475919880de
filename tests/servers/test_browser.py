"""People sign in with a real browser: what they read, what they decide, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from selenium.common.exceptions import NoSuchElementException
from selenium.webdriver.common.by import By

from tests.servers.browser import Browser, Callback, chromium
from tests.servers.dashboard_screenshots import sign_in
from tests.servers.demo import Demo, asked, exchange

pytestmark = pytest.mark.server


@dataclass
class Visit:
    """Vera's browser, the demo, and a client on her computer."""

    browser: Browser
    demo: Demo
    callback: Callback
    client_id: str

    @property
    def url(self) -> str:
        """Where the client sends her."""
        return f"{self.demo.base}/authorize/?{urlencode(self.request())}"

    def request(self) -> dict[str, str]:
        return asked(self.demo, self.client_id, redirect_uri=self.callback.redirect_uri)

    def log_in(self) -> None:
        """Go to the page that asks for consent, by way of the one that asks who she is."""
        self.browser.get(self.url)
        self.browser.log_in("vera", self.demo.planted["password"])
        self.browser.until(lambda: self.browser.title == "Allow Notebook?")

    def tokens(self, code: str) -> dict[str, Any]:
        """Make the code tokens, as the client does."""
        answer = self.demo.token(**exchange(self.client_id, code, redirect_uri=self.callback.redirect_uri))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@pytest.fixture(scope="module")
def callback() -> Iterator[Callback]:
    with Callback() as callback:
        yield callback


@pytest.fixture(scope="module")
def client_id(demo: Demo, callback: Callback) -> str:
    told = demo.register(client_name="Notebook", redirect_uris=[callback.redirect_uri])
    return str(told.json()["client_id"])


@pytest.fixture
def visit(chromium_browser: Browser, demo: Demo, callback: Callback, client_id: str) -> Visit:
    chromium_browser.forget()
    return Visit(chromium_browser, demo, callback, client_id)


def test_vera_signs_in_reads_unticks_and_allows(visit: Visit) -> None:
    browser = visit.browser
    browser.get(visit.url)
    assert browser.title == "Sign in to Atlas"
    visit.log_in()
    text = browser.text()
    for fact in (
        "Allow Notebook to act for you?",
        "the name is its own choice; nobody has checked it",
        f"Sends you on to {visit.callback.url.removeprefix('http://')}",
        "Your account vera",
        "any program there could call itself that",
        "Look things up in the atlas as you mcp",
        "Plan and delete trips of yours trips:write",
    ):
        assert fact in text
    boxes = browser.find_elements(By.CSS_SELECTOR, "input[type=checkbox]")
    assert [(box.get_attribute("value"), box.is_selected()) for box in boxes] == [("mcp", True), ("trips:write", True)]
    browser.find_element(By.CSS_SELECTOR, "label.mcp-scope:last-of-type").click()
    browser.press("Allow")
    brought = visit.callback.brought()
    assert (brought["state"], brought["iss"]) == ("s-1", visit.demo.base)
    tokens = visit.tokens(brought["code"])
    assert tokens["scope"] == "mcp"
    refused = visit.demo.plan(tokens["access_token"])
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert browser.complaints() == []


def test_vera_unticks_everything_and_is_asked_again(visit: Visit) -> None:
    visit.log_in()
    for box in visit.browser.find_elements(By.CSS_SELECTOR, "input[type=checkbox]"):
        box.click()
    visit.browser.press("Allow")
    visit.browser.until(lambda: "Tick at least one, or cancel." in visit.browser.text())
    visit.browser.find_element(By.CSS_SELECTOR, "input[value=mcp]").click()
    visit.browser.press("Allow")
    assert visit.tokens(visit.callback.brought()["code"])["scope"] == "mcp"


def test_vera_cancels(visit: Visit) -> None:
    visit.log_in()
    visit.browser.press("Cancel")
    assert visit.callback.brought() == {"error": "access_denied", "state": "s-1", "iss": visit.demo.base}


def test_vera_disconnects_a_client(visit: Visit) -> None:
    browser = visit.browser
    visit.log_in()
    browser.press("Allow")
    token = visit.tokens(visit.callback.brought()["code"])["access_token"]
    assert visit.demo.gets_in(token)
    browser.get(f"{visit.demo.base}/connected-apps/")
    entry = browser.find_element(By.XPATH, "//li[.//h2[text()='Notebook' or .//*[text()='Notebook']]]")
    assert "Plan and delete trips of yours" in entry.text
    browser.press("Disconnect Notebook")
    browser.until(lambda: "Notebook was disconnected." in browser.text())
    with pytest.raises(NoSuchElementException):
        browser.find_element(By.XPATH, "//h2[.//*[text()='Notebook']]")
    assert not visit.demo.gets_in(token)
    assert browser.complaints() == []


def test_vera_is_somebody_else(visit: Visit) -> None:
    visit.log_in()
    visit.browser.press("Not you? Log out")
    visit.browser.until(lambda: visit.browser.title == "Sign in to Atlas")
    visit.browser.log_in("mallory", visit.demo.planted["password"])
    visit.browser.until(lambda: "Your account mallory" in visit.browser.text())


@pytest.fixture
def visit_with_windows(tmp_path: Path, demo: Demo, callback: Callback, client_id: str) -> Iterator[Visit]:
    """A visit with a browser of its own, which takes its windows with it: to close one by itself may fail."""
    with chromium(tmp_path) as browser:
        yield Visit(browser, demo, callback, client_id)
    callback.pages.clear()


def test_a_window_that_a_client_has_opened_comes_back_to_it(visit_with_windows: Visit) -> None:
    """Django's Cross-Origin-Opener-Policy would cut the tie between the two on the way."""
    visit, browser = visit_with_windows, visit_with_windows.browser
    visit.callback.pages["/client"] = (
        f"<title>Client</title><script>function begin() {{ open({visit.url!r}) }}\n"
        "addEventListener('message', event => { document.title = event.data })</script><button onclick=begin()>Go"
    )
    visit.callback.pages["/callback"] = "<script>opener.postMessage('back with a code', '*')</script>"
    browser.get(f"{visit.callback.url}/client")
    client = browser.current_window_handle
    browser.press("Go")
    (window,) = browser.until(lambda: [each for each in browser.window_handles if each != client])
    browser.switch_to.window(window)
    browser.until(lambda: browser.title == "Sign in to Atlas")
    browser.log_in("vera", visit.demo.planted["password"])
    browser.until(lambda: browser.title == "Allow Notebook?")
    browser.press("Allow")
    assert "code" in visit.callback.brought()
    browser.switch_to.window(client)
    browser.until(lambda: browser.title == "back with a code")


@pytest.mark.parametrize("path", ["/authorize/", "/connected-apps/"])
def test_no_other_page_shows_ours_in_a_frame(visit: Visit, path: str) -> None:
    visit.log_in()
    visit.callback.pages["/trap"] = f"<iframe src='{visit.demo.base}{path}?{urlencode(visit.request())}'></iframe>"
    visit.browser.get(f"{visit.callback.url}/trap")
    visit.browser.until(lambda: any("frame" in complaint for complaint in visit.browser.complaints()))
    visit.browser.switch_to.frame(0)
    assert "mcp-card" not in visit.browser.page_source
    visit.browser.switch_to.default_content()


@pytest.mark.parametrize("width", [320, 390, 1000])
def test_the_pages_fit_into_a_phone_and_need_no_style_of_the_projects(visit: Visit, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    visit.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        visit.log_in()
        for path in ("", "/connected-apps/"):
            if path:
                visit.browser.get(visit.demo.base + path)
            wide, page, window = visit.browser.execute_script(
                "const page = document.documentElement; return [page.scrollWidth, page.clientWidth, innerWidth]"
            )
            assert wide == page  # less than the window where there is a bar to scroll down
            assert window == width
            card = visit.browser.find_element(By.CLASS_NAME, "mcp-card")
            assert card.value_of_css_property("border-top-left-radius") == "12px"
    finally:
        visit.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert visit.browser.complaints() == []


def test_staff_disconnect_a_client_of_somebody_else(visit: Visit) -> None:
    """From the dashboard: its tokens are worth nothing from then on."""
    browser, demo = visit.browser, visit.demo
    back = visit.callback.redirect_uri
    code = demo.person("grace").code(visit.client_id, redirect_uri=back)
    tokens = demo.token(**exchange(visit.client_id, code, redirect_uri=back)).json()
    assert demo.gets_in(tokens["access_token"])
    sign_in(browser, demo.base, f"sqlite:///{demo._database}")
    browser.get(f"{demo.base}/admin/mcp_django/dashboard/sign-in/?q=grace")
    browser.press("Disconnect Notebook from grace")
    browser.until(lambda: "Yes, disconnect" in browser.text())
    browser.press("Yes, disconnect")
    browser.until(lambda: "Notebook can no longer act for grace." in browser.text())
    assert not demo.gets_in(tokens["access_token"])
