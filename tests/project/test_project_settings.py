from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from project import settings as project_settings

ROOT = Path(__file__).resolve().parents[2]

VARIABLES = (
    "DJANGO_DEBUG",
    "DJANGO_SECRET_KEY",
    "DJANGO_ALLOWED_HOSTS",
    "DJANGO_BASE_URL",
    "DATABASE_URL",
    "REDIS_URL",
)

PRODUCTION = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "a-long-key-that-somebody-has-made-for-this-test-and-for-nothing-else",
    "DJANGO_ALLOWED_HOSTS": "atlas.example.com",
    "DJANGO_BASE_URL": "https://atlas.example.com",
    "REDIS_URL": "redis://redis.example:6379/0",
}


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


def test_sqlite_elsewhere_waits_for_writers_as_it_does_at_home(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////var/lib/atlas/atlas.sqlite3")
    database = load()["DATABASES"]["default"]
    assert database["NAME"] == "/var/lib/atlas/atlas.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_nothing_is_logged_to_stdout() -> None:
    streams = [handler["stream"] for handler in project_settings.LOGGING["handlers"].values()]  # type: ignore[attr-defined]
    assert streams == ["ext://sys.stderr"]


def check_deployment(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run the checks in a process of their own, as whoever deploys the demo does."""
    line = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    kept = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "DJANGO_SETTINGS_MODULE")}
    return subprocess.run(line, cwd=ROOT, env=kept | variables, capture_output=True, text=True, check=False, timeout=60)


def test_the_checks_find_nothing_wrong_with_production() -> None:
    done = check_deployment(**PRODUCTION)
    assert done.returncode == 0, done.stderr


def test_the_checks_miss_a_shared_cache_and_an_address() -> None:
    done = check_deployment(**{**PRODUCTION, "REDIS_URL": "", "DJANGO_BASE_URL": ""})
    assert done.returncode == 1
    assert "mcp_django.W014" in done.stderr


def test_production_is_reached_over_https_only(environment: pytest.MonkeyPatch) -> None:
    assert "SECURE_SSL_REDIRECT" not in load()
    for name, value in PRODUCTION.items():
        environment.setenv(name, value)
    loaded = load()
    assert loaded["SECURE_SSL_REDIRECT"] is True
    assert loaded["SESSION_COOKIE_SECURE"] is True
    assert loaded["CSRF_COOKIE_SECURE"] is True
    assert loaded["SECURE_HSTS_SECONDS"] > 0
