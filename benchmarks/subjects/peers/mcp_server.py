"""django-mcp-server: a view of Django REST framework, with its sessions in the database."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

settings.configure(
    SECRET_KEY="benchmarks-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "rest_framework",
        "mcp_server",
    ],
    MIDDLEWARE=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(mkdtemp()) / "db.sqlite3"}},
    USE_TZ=True,
)
application = get_wsgi_application()

from django.core.management import call_command  # noqa: E402  (they read the settings)
from mcp_server import mcp_server  # noqa: E402

call_command("migrate", verbosity=0)


@mcp_server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


urlpatterns = [path("", include("mcp_server.urls"))]
