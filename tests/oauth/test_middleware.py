"""The page to log in on, on the way to consent."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db

COOP = "Cross-Origin-Opener-Policy"
TARGET = "/authorize/?client_id=x"


def test_the_window_that_was_opened_for_signing_in_keeps_its_tie(ada: User) -> None:
    browser = Client()
    assert browser.get("/accounts/login/", {"next": TARGET})[COOP] == "unsafe-none"
    data = {"username": "ada", "password": "lovelace", "next": TARGET}
    response = browser.post("/accounts/login/", data)
    assert (response.status_code, response[COOP]) == (302, "unsafe-none")


def test_so_does_a_further_step_of_it() -> None:
    assert Client().get("/elsewhere/", {"next": TARGET})[COOP] == "unsafe-none"


@pytest.mark.parametrize("target", [None, "/", "/elsewhere/", "/authorize", "http://[", "/authorize/../elsewhere/"])
def test_every_other_page_is_as_django_makes_it(target: str | None) -> None:
    asked = {} if target is None else {"next": target}
    assert Client().get("/accounts/login/", asked)[COOP] == "same-origin"
    assert Client().post("/accounts/login/", asked)[COOP] == "same-origin"
    assert Client().get("/elsewhere/")[COOP] == "same-origin"
