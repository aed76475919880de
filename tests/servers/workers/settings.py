"""Settings of the project that several workers serve together.

``DATABASE_URL``    the database, which all of them share.
``REDIS_URL``       the channel layer, likewise; empty: the one in memory.
``WORKERS_PREFIX``  the prefix of its keys.
``WORKERS_LIMITS``  further keys of ``MCP_DJANGO``, as JSON.
"""

from __future__ import annotations

import json
import os

import dj_database_url

SECRET_KEY = "workers-only"
USE_TZ = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "urls"
ASGI_APPLICATION = "asgi.application"
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "mcp_django",
    "bench",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
STATIC_URL = "static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)}
REDIS = {
    "BACKEND": "channels_redis.core.RedisChannelLayer",
    "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "prefix": os.environ["WORKERS_PREFIX"]},
}
MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
CHANNEL_LAYERS = {"default": REDIS if os.environ["REDIS_URL"] else MEMORY}
SHARED = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": os.environ["REDIS_URL"],
    "KEY_PREFIX": os.environ["WORKERS_PREFIX"],
}
CACHES = {
    "default": SHARED if os.environ["REDIS_URL"] else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MCP_DJANGO = {
    "AUTH": "none",
    "NAME": "workers",
    "VERSION": "1.0",
    "KEEP_ALIVE_SECONDS": 1,
    "SSE": True,
    **json.loads(os.environ.get("WORKERS_LIMITS", "{}")),
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.channels.server": {"level": "WARNING"}},
}
