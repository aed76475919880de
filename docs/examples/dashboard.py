"""Seeing what agents do: what the page how-to/dashboard.md shows."""

from __future__ import annotations

import logging

from django.contrib import admin
from django.dispatch import receiver

from mcp_django.admin import register
from mcp_django.signals import tool_called

# region: site
site = admin.AdminSite(name="ops")
register(site)
# endregion


# region: notice
@receiver(tool_called)
def notice(*, call, **kwargs):
    if call.outcome == "tool_error":
        logging.getLogger("polls.agents").warning("%s failed: %s", call.component, call.error)


# endregion
