"""Pages of other origins: those that the settings name, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

PAGE = "https://inspector.example"
ENDPOINTS = ["/token/", "/revoke_token/", "/register/"]


def ask(path: str, method: str = "options", origin: str = PAGE) -> Any:
    return getattr(Client(headers={"origin": origin}), method)(path)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_page_may_use_an_endpoint_when_its_origin_is_named(oauth: Any, path: str) -> None:
    oauth(ALLOWED_ORIGINS=[PAGE])
    response = ask(path)
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == PAGE
    assert response["Access-Control-Allow-Methods"] == "POST"
    assert "Authorization" in response["Access-Control-Allow-Headers"]
    assert "Origin" in response["Vary"]
    assert ask(path, "post")["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://inspector.example.evil.example"])
def test_no_other_page_may(oauth: Any, path: str, origin: str) -> None:
    oauth(ALLOWED_ORIGINS=[PAGE])
    for method in ("options", "post"):
        assert "Access-Control-Allow-Origin" not in ask(path, method, origin).headers


@pytest.mark.parametrize("path", ENDPOINTS)
def test_none_may_unless_the_settings_say_so(path: str) -> None:
    assert "Access-Control-Allow-Origin" not in ask(path).headers


@pytest.mark.parametrize("path", ENDPOINTS)
def test_all_may_when_the_settings_say_all_and_never_with_cookies(oauth: Any, path: str) -> None:
    oauth(ALLOWED_ORIGINS=["*"])
    response = ask(path, "post")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_the_page_that_asks_for_consent_is_for_nobody_elses_page(oauth: Any) -> None:
    oauth(ALLOWED_ORIGINS=["*"])
    assert "Access-Control-Allow-Origin" not in ask("/authorize/", "get").headers
