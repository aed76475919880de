"""``OAUTH2_PROVIDER = defaults()``."""

from __future__ import annotations

from typing import Any

from django.core.checks import run_checks
from django.core.checks.security.base import check_security_middleware  # noqa: F401 - the tag is registered
from oauth2_provider.settings import DEFAULTS

from mcp_django.oauth import defaults


def test_every_key_is_one_of_the_toolkits() -> None:
    assert set(defaults()) - set(DEFAULTS) == set()


def test_the_toolkits_own_checks_have_nothing_to_say_but_that_loopback_is_http(settings: Any) -> None:
    settings.OAUTH2_PROVIDER = defaults()
    messages = run_checks(tags=["security"], include_deployment_checks=True)
    assert {each.id for each in messages if str(each.id).startswith("oauth2_provider")} == {"oauth2_provider.W008"}


def test_the_scope_to_begin_with_has_its_text_and_a_project_may_write_another() -> None:
    assert list(defaults(SCOPES={"notes": "Read notes"})["SCOPES"]) == ["mcp", "notes"]
    assert defaults(SCOPES={"mcp": "Ask the atlas"})["SCOPES"] == {"mcp": "Ask the atlas"}


def test_every_setting_can_be_another() -> None:
    assert defaults(ACCESS_TOKEN_EXPIRE_SECONDS=60)["ACCESS_TOKEN_EXPIRE_SECONDS"] == 60
