"""Our ASGI application, told from outside when an event happens."""

from __future__ import annotations

from benchmarks.subjects.controls import with_controls
from benchmarks.subjects.frozen import freeze
from benchmarks.subjects.ours import application as endpoint
from mcp_django import mcp

application = with_controls(endpoint, mcp.anotify_tools_changed)

freeze()
