"""Settings of the project that the tests of real servers use.

``DATABASE_URL``          the database.
``SITE_ATOMIC_REQUESTS``  ``1``: every call in a transaction.
``SITE_MAX_THREADS``      ``MAX_THREADS``.
``SITE_SSE``              ``1``: the HTTP+SSE transport as well.
``SITE_APPS``             further apps, separated by commas.
``SITE_WITHOUT_ASGI``     ``1``: no ASGI_APPLICATION, and no daphne: ``runserver`` serves WSGI.
"""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "site-only"
USE_TZ = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
if not os.environ.get("SITE_WITHOUT_ASGI"):
    ASGI_APPLICATION = "asgi.application"
INSTALLED_APPS = [
    *([] if os.environ.get("SITE_WITHOUT_ASGI") else ["daphne"]),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "mcp_django",
    "workshop",
    *filter(None, os.environ.get("SITE_APPS", "").split(",")),
]
DATABASES = {
    "default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"), conn_max_age=60)
    | {"ATOMIC_REQUESTS": os.environ.get("SITE_ATOMIC_REQUESTS") == "1"}
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE"}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MCP_DJANGO = {
    "AUTH": "none",
    "NAME": "site",
    "VERSION": "1.0",
    "KEEP_ALIVE_SECONDS": 1,
    "SSE": os.environ.get("SITE_SSE") == "1",
    "MAX_THREADS": int(os.environ.get("SITE_MAX_THREADS", "32")),
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
