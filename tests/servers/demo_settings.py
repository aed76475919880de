"""The demo's settings for tests: clients' documents are the copies at hand, and open streams look more often."""

from __future__ import annotations

from project import settings
from project.settings import *  # noqa: F403 - as settings extend settings

OAUTH = {**settings.MCP_DJANGO["OAUTH"], "CIMD_FETCH": False}  # type: ignore[dict-item]
MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": OAUTH}
ASGI_APPLICATION = "tests.servers.demo_asgi.application"
