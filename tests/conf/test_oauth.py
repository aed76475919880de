"""``settings.MCP_DJANGO["OAUTH"]``: as strict as the dict around it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from mcp_django.conf import OAuthSettings, get_settings, parse_rate

WHERE = "settings.MCP_DJANGO['OAUTH']"


def given(**keys: Any) -> OAuthSettings:
    with override_settings(MCP_DJANGO={"OAUTH": keys}):
        return get_settings().OAUTH


def refused(oauth: Any) -> str:
    with override_settings(MCP_DJANGO={"OAUTH": oauth}), pytest.raises(ImproperlyConfigured) as error:
        get_settings()
    return str(error.value)


def test_every_default_would_be_taken_if_it_were_given() -> None:
    assert given(**asdict(OAuthSettings())) == OAuthSettings()


def test_lists_become_what_can_not_be_changed() -> None:
    found = given(BASELINE_SCOPES=["a", "b"], SCOPE_IMPLIES={"a": ["b"]})
    assert found.BASELINE_SCOPES == ("a", "b")
    assert found.SCOPE_IMPLIES == {"a": ("b",)}
    with pytest.raises(TypeError):
        found.SCOPE_IMPLIES["b"] = ()  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        found.DCR_RATE = ""  # type: ignore[misc]


def test_anything_but_a_dict_is_refused() -> None:
    assert refused([]) == f"{WHERE} must be a dict, not []."


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    assert refused({"BASE_URI": ""}) == f"{WHERE} has an unknown key 'BASE_URI'. Did you mean 'BASE_URL'?"


def test_an_unknown_key_that_resembles_none_is_refused_with_all_known_ones() -> None:
    message = refused({"XYZZY": 1})
    assert all(field.name in message for field in fields(OAuthSettings))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("BASE_URL", None, "a string"),
        ("BASELINE_SCOPES", "mcp", "a list of strings"),
        ("BASELINE_SCOPES", [1], "a list of strings"),
        ("ALLOWED_ORIGINS", {"https://example.com"}, "a list of strings"),
        ("CIMD_HOSTS", None, "a list of strings"),
        ("SCOPE_IMPLIES", [], "a dict from strings to lists of strings"),
        ("SCOPE_IMPLIES", {"a": "b"}, "a dict from strings to lists of strings"),
        ("SCOPE_IMPLIES", {1: ["b"]}, "a dict from strings to lists of strings"),
        ("REQUIRE_AUDIENCE", 1, "True or False"),
        ("TRUSTED_PROXIES", 1.0, "a whole number"),
        ("REFRESH_RACE_SECONDS", float("nan"), "a number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key: str, value: Any, expected: str) -> None:
    assert refused({key: value}) == f"{WHERE}[{key!r}] must be {expected}, not {value!r}."


@pytest.mark.parametrize("key", ["DCR_MAX_CLIENTS", "REFRESH_RACE_SECONDS", "TRUSTED_PROXIES"])
def test_no_number_is_negative_though_it_may_be_nothing(key: str) -> None:
    assert refused({key: -1}) == f"{WHERE}[{key!r}] must not be negative, not -1."
    assert getattr(given(**{key: 0}), key) == 0


ORIGINS = ["https://example.com", "http://localhost:8000", "https://[::1]:8443"]
NO_ORIGINS = [
    "example.com",
    "https://",
    "https://example.com/",
    "https://example.com/mcp",
    "https://example.com?x",
    "https://user@example.com",
    "https://example.com:0",
    "https://example.com:port",
    "https://[::1",
    "ftp://example.com",
]


@pytest.mark.parametrize("url", ["", *ORIGINS])
def test_a_base_url_is_a_scheme_and_a_host(url: str) -> None:
    assert url == given(BASE_URL=url).BASE_URL


@pytest.mark.parametrize("url", NO_ORIGINS)
def test_a_base_url_with_less_or_more_is_refused(url: str) -> None:
    message = f"{WHERE}['BASE_URL'] must be a scheme and a host, as in 'https://example.com', not {url!r}."
    assert refused({"BASE_URL": url}) == message


def test_allowed_origins_are_origins_or_all() -> None:
    assert (*ORIGINS, "*") == given(ALLOWED_ORIGINS=[*ORIGINS, "*"]).ALLOWED_ORIGINS


@pytest.mark.parametrize("url", ["", *NO_ORIGINS])
def test_an_allowed_origin_that_no_browser_sends_is_refused(url: str) -> None:
    assert refused({"ALLOWED_ORIGINS": [url]}).startswith(f"{WHERE}['ALLOWED_ORIGINS'] must hold origins such as ")


@pytest.mark.parametrize("scopes", [[], ["a b"], [""], ['"']])
def test_there_is_a_baseline_scope_and_its_name_fits_into_a_request(scopes: list[str]) -> None:
    assert refused({"BASELINE_SCOPES": scopes}).startswith(f"{WHERE}['BASELINE_SCOPES'] must name at least one scope")


@pytest.mark.parametrize("implies", [{"a b": ["c"]}, {"a": ["b c"]}, {"": []}])
def test_scopes_that_imply_others_have_proper_names(implies: dict[str, list[str]]) -> None:
    assert refused({"SCOPE_IMPLIES": implies}).startswith(f"{WHERE}['SCOPE_IMPLIES'] must name scopes")


def test_a_missing_scope_leads_to_a_step_up_or_is_hidden() -> None:
    assert given(MISSING_SCOPE="hide").MISSING_SCOPE == "hide"
    message = f"{WHERE}['MISSING_SCOPE'] must be 'step_up' or 'hide', not 'stepup'."
    assert refused({"MISSING_SCOPE": "stepup"}) == message


@pytest.mark.parametrize(
    ("rate", "parsed"), [("20/h", (20, 3600)), ("1/s", (1, 1)), ("5/m", (5, 60)), ("9/d", (9, 86400))]
)
def test_a_rate_is_a_number_and_a_unit(rate: str, parsed: tuple[int, int]) -> None:
    assert parse_rate(rate) == parsed
    assert rate == given(DCR_RATE=rate).DCR_RATE


@pytest.mark.parametrize("rate", ["20", "20/", "/h", "0/h", "-1/h", "20/hour", "20 / h", "1.5/s", "20/h "])
def test_a_rate_that_says_something_else_is_refused(rate: str) -> None:
    assert refused({"DCR_RATE": rate}).startswith(f"{WHERE}['DCR_RATE']: A rate is a number and a unit")


def test_no_rate_is_no_limit() -> None:
    assert given(DCR_RATE="").DCR_RATE == ""
