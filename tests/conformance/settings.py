"""Settings of the conformance project: no sign-in, since the suite can send no token.

``DATABASE_URL``  the SQLite database for sessions; without it, a file beside this one.
"""

from __future__ import annotations

import os
from pathlib import Path

import dj_database_url

SECRET_KEY = "conformance-only"
USE_TZ = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "urls"
ASGI_APPLICATION = "asgi.application"
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "mcp_django",
    "fixture",  # not mcp: a module of that name beside manage.py would hide the SDK
]
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{Path(__file__).parent / 'db.sqlite3'}", conn_max_age=60
    )
    | {
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    }
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MCP_DJANGO = {"NAME": "conformance", "VERSION": "1.0", "AUTH": "none", "EVENT_LOG": True}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
