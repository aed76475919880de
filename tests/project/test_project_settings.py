from __future__ import annotations

import runpy
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from project import settings as project_settings

VARIABLES = ("DJANGO_DEBUG", "DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of the variables that the settings read."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def load() -> dict[str, Any]:
    """Run the settings module again, in the environment as it is now."""
    return runpy.run_path(project_settings.__file__)


@pytest.mark.usefixtures("environment")
def test_development_needs_no_variables() -> None:
    loaded = load()
    assert loaded["DEBUG"] is True
    assert loaded["SECRET_KEY"].startswith("django-insecure")
    assert loaded["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert loaded["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert "InMemory" in loaded["CHANNEL_LAYERS"]["default"]["BACKEND"]


def test_without_debugging_a_secret_key_is_needed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DJANGO_DEBUG", "0")
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEY"):
        load()
    environment.setenv("DJANGO_SECRET_KEY", "hush")
    assert load()["SECRET_KEY"] == "hush"


def test_a_flag_that_is_neither_yes_nor_no_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DJANGO_DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"DJANGO_DEBUG.*'maybe'"):
        load()


def test_hosts_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DJANGO_ALLOWED_HOSTS", "atlas.example, www.atlas.example,")
    assert load()["ALLOWED_HOSTS"] == ["atlas.example", "www.atlas.example"]


def test_urls_move_the_project_to_postgresql_and_redis(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://ada:secret@db.example:5433/atlas")
    environment.setenv("REDIS_URL", "redis://redis.example:6379/1")
    loaded = load()
    database = loaded["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", 5433, "atlas")
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)
    assert loaded["CHANNEL_LAYERS"]["default"]["CONFIG"] == {"hosts": ["redis://redis.example:6379/1"]}
    assert loaded["CACHES"]["default"]["LOCATION"] == "redis://redis.example:6379/1"


def test_nothing_is_logged_to_stdout() -> None:
    streams = [handler["stream"] for handler in project_settings.LOGGING["handlers"].values()]  # type: ignore[attr-defined]
    assert streams == ["ext://sys.stderr"]
