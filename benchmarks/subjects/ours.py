"""Our ASGI application, made as a project's ``asgi.py`` makes it."""

from __future__ import annotations

import os

from benchmarks.subjects.frozen import freeze
from mcp_django.asgi import get_mcp_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.subjects.settings")

application = get_mcp_application()

freeze()
