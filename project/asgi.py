"""The ASGI application: MCP at ``/mcp``, Django everywhere else."""

from __future__ import annotations

import gc
import os

from mcp_django.asgi import get_mcp_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = get_mcp_application()

gc.freeze()  # what is loaded by now stays: the garbage collector need not look at it again and again
