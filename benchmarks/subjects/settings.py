"""Settings of every measured process. What differs from Django's defaults is said where it does."""

from __future__ import annotations

import os
from typing import Any

SECRET_KEY = "benchmarks-only"
USE_TZ = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "benchmarks.subjects.urls"
ASGI_APPLICATION = "benchmarks.subjects.ours.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "mcp_django", "benchmarks.subjects"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BENCHMARKS_DATABASE", ":memory:"),
        "CONN_MAX_AGE": int(os.environ.get("BENCHMARKS_CONN_MAX_AGE", "60")),
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL;"},  # as docs/how-to/database-and-transactions.md says
    }
}
if os.environ.get("BENCHMARKS_POSTGRESQL"):
    DATABASES["default"] |= {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["BENCHMARKS_POSTGRESQL"],
        "USER": os.environ.get("PGUSER", "postgres"),
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "PORT": os.environ.get("PGPORT", "5432"),
        "OPTIONS": {"application_name": os.environ.get("BENCHMARKS_NAME", "benchmarks")},
    }
    if os.environ.get("BENCHMARKS_POOL"):
        DATABASES["default"] |= {"CONN_MAX_AGE": 0}  # a pool keeps connections itself
        DATABASES["default"]["OPTIONS"] |= {"pool": {"min_size": 2, "max_size": int(os.environ["BENCHMARKS_POOL"])}}
MCP_DJANGO = {
    "NAME": "benchmarks",
    "VERSION": "1.0",
    "AUTH": "none",
    "ACTIVITY": os.environ.get("BENCHMARKS_ACTIVITY", "off"),  # on only where it is what is measured
    "PAGE_SIZE": 2000,  # one page holds every list that is measured
    "MAX_STREAMS": 2000,  # as many as the benchmark of streams may open
    "MAX_SESSIONS": 100_000,
}
if os.environ.get("BENCHMARKS_SIGN_IN"):
    INSTALLED_APPS = ["oauth2_provider", *INSTALLED_APPS]
    MCP_DJANGO["AUTH"] = "optional"
