"""``mcp.run()``: a project's ``runmcp``, or, in a script without a project, one that is made for it on the spot."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.utils import get_random_secret_key

from mcp_django.conf import get_settings
from mcp_django.fastmcp.arguments import MIRRORED, FastMCPSettings, in_project
from mcp_django.registry import discover, servers
from mcp_django.registry.discovery import settle_default
from mcp_django.registry.server import forget, register

if TYPE_CHECKING:
    from mcp_django.fastmcp.server import FastMCP

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_GUIDE = "docs/how-to/migrate-from-fastmcp.md shows how it becomes an app of a project"


def run(server: FastMCP, transport: str, said: FastMCPSettings) -> None:
    """Serve until stopped. Raises as ``FastMCP.run`` does."""
    if transport not in ("stdio", "sse", "streamable-http"):
        raise ValueError(f"Unknown transport: {transport}")
    bare = not in_project()
    if bare and transport != "stdio":
        _refuse_open_doors(server, said)
    set_up(server, sse=transport == "sse")
    if transport == "sse" and not get_settings().SSE:
        raise ImproperlyConfigured("run('sse') needs settings.MCP_DJANGO['SSE'] = True.")
    if transport == "stdio":
        call_command("runmcp", stdio=True, server=server.path)
    else:
        call_command("runmcp", host=said.host, port=said.port)


def set_up(server: FastMCP, *, sse: bool = False) -> None:
    """Load Django and find all declarations; where there are no settings, make some. Once is enough."""
    if not in_project():
        django_settings.configure(**make_settings(server, sse=sse))
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0, stdout=sys.stderr)
    elif not apps.ready and not apps.loading:
        django.setup()
    _find(server)


def _find(server: FastMCP) -> None:
    """Find all declarations. A module that runs as a script is imported by its project as well, under its name."""
    script = server.module == "__main__"
    if script:
        forget(server)
    discover()
    if script:
        main = Path(str(sys.modules["__main__"].__file__))
        files = {other: getattr(sys.modules.get(other.module), "__file__", None) for other in servers()}
        twin = next((other for other, file in files.items() if file and main.samefile(file)), None)
        if twin is not None:
            server.path = twin.path
        elif server not in servers():
            register(server)
            settle_default()


def make_settings(server: FastMCP, *, sse: bool = False) -> dict[str, Any]:
    """Return the settings of a project around one server, for one person on this machine.

    Nobody signs in, so it is reached under names of this machine only. What must be kept is in a file that goes when
    the process ends.
    """
    said = server.settings
    folder = Path(tempfile.mkdtemp(prefix="mcp_django-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {
        "SECRET_KEY": get_random_secret_key(),
        "DEBUG": said.debug,
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]"],
        "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"],  # which refuses other hosts, for custom routes
        "ROOT_URLCONF": "mcp_django.urls",
        "ASGI_APPLICATION": "mcp_django.fastmcp.asgi.application",
        "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", "mcp_django"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "sessions.sqlite3"}},
        "MIGRATION_MODULES": {"auth": None, "contenttypes": None, "mcp_django": None},  # tables, and no history of them
        "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "USE_TZ": True,
        "LOGGING": {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["stderr"], "level": said.log_level.upper()},
        },
        "MCP_DJANGO": _keys(server, sse=sse),
    }


def _keys(server: FastMCP, *, sse: bool) -> dict[str, Any]:
    said = server.settings
    mirrored = {key: value for name, key in MIRRORED.items() if (value := getattr(said, name)) is not None}
    return {
        "AUTH": "none",
        "PATH": said.streamable_http_path.strip("/"),
        "SESSIONS": sse or not said.stateless_http,
        "SSE": sse,
        "EVENT_LOG": server.event_store is not None,
        **mirrored,
    }


def _refuse_open_doors(server: FastMCP, said: FastMCPSettings) -> None:
    """Refuse to serve to others where nobody can sign in. Raises ``ImproperlyConfigured``."""
    if said.auth is not None:
        raise ImproperlyConfigured(
            f"FastMCP({server.name!r}) asks that people sign in, for which it takes a Django project: {_GUIDE}."
        )
    if said.host not in LOOPBACK:
        raise ImproperlyConfigured(
            f"Outside of a Django project nobody signs in, so FastMCP({server.name!r}) listens at 127.0.0.1 and not at "
            f"{said.host}: {_GUIDE}."
        )
