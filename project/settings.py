"""Settings of the demo project.

Nothing needs to be set for development. These variables of the environment move it elsewhere:

``DJANGO_DEBUG``          ``0`` or ``false`` turns debugging off; then the next three are needed, and https.
``DJANGO_SECRET_KEY``     the secret key.
``DJANGO_ALLOWED_HOSTS``  host names, separated by commas.
``DJANGO_BASE_URL``       where clients reach it, as ``https://atlas.example.com``.
``DATABASE_URL``          another database, as ``postgres://user:password@host/name``.
``REDIS_URL``             Redis for the channel layer and the cache, as ``redis://host/0``. Several processes need it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from mcp_django.oauth import defaults


def env_flag(name: str, *, default: bool) -> bool:
    """Read a boolean from the environment.

    Raises:
        ImproperlyConfigured: the value is neither a yes (1, true, yes, on) nor a no (0, false, no, off).
    """
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def env_list(name: str, *, default: list[str]) -> list[str]:
    """Read what stands between the commas of a variable of the environment."""
    given = [part.strip() for part in os.environ.get(name, "").split(",")]
    return [part for part in given if part] or default


BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env_flag("DJANGO_DEBUG", default=True)
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or ("django-insecure-atlas-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set DJANGO_SECRET_KEY: without DJANGO_DEBUG there is no default.")
ALLOWED_HOSTS = env_list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
    "mcp_django",
    "project.atlas",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mcp_django.oauth.middleware.OAuthHeadersMiddleware",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
WSGI_APPLICATION = "project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

MCP_DJANGO = {
    "NAME": "atlas",
    "TITLE": "Atlas",
    "INSTRUCTIONS": (
        "An atlas of 252 countries and 34,000 cities of at least 15,000 inhabitants, and a notebook for trips. "
        "Cities are named by their GeoNames id: ask find_cities or nearest_cities for it before you plan a trip. "
        "Countries are named by their ISO 3166 code of two letters. Distances are kilometres as the crow flies."
    ),
    "AUTH": "optional",
    "BUILTIN_ROUTES": True,
    "OAUTH": {"BASE_URL": os.environ.get("DJANGO_BASE_URL", ""), "TRUSTED_PROXIES": 0 if DEBUG else 1},
}
OAUTH2_PROVIDER = defaults(
    SCOPES={"mcp": "Look things up in the atlas as you", "trips:write": "Plan and delete trips of yours"}
)
LOGIN_URL = "login"
SILENCED_SYSTEM_CHECKS = [
    "oauth2_provider.W008",  # clients on their user's own computer get their codes there over http (RFC 8252 §7.3)
    "security.W021",  # whether browsers know a domain as https only before they visit it is for its owner to say
]
if not DEBUG:
    # A proxy ends TLS, sets this header, and passes on nobody else's; it adds the client's to X-Forwarded-For.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 30 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": BASE_DIR / "db.sqlite3",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        # A transaction that reads first and writes later would fail at once, whatever the timeout, if another wrote.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}


def database(url: str) -> dict[str, Any]:
    """Read a database from its URL. SQLite elsewhere is opened as it is here."""
    given: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    if given["ENGINE"] == SQLITE["ENGINE"]:
        given["OPTIONS"] = {**SQLITE["OPTIONS"], **given.get("OPTIONS", {})}
    return given


DATABASE_URL = os.environ.get("DATABASE_URL")
DATABASES: dict[str, Any] = {"default": database(DATABASE_URL) if DATABASE_URL else SQLITE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL")
if REDIS_URL:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "atlas"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"  # where collectstatic puts what a proxy serves

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    # stdout belongs to the protocol when a client starts `manage.py runmcp --stdio`.
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
