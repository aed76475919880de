"""The app."""

from __future__ import annotations

import sys
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import post_delete, post_save

from mcp_django.signals import components_changed, server_changed


def _announce(*, server: str, kind: str, uri: str, announced: bool, **kwargs: Any) -> None:
    """Tell clients. A process in which no hub runs serves nobody, so its own lists concern nobody."""
    if not announced and "mcp_django.sessions.hub" not in sys.modules:
        return
    from mcp_django.sessions.hub import running_hubs
    from mcp_django.sessions.publish import announce

    if announced or running_hubs():
        announce(server, kind, uri)  # type: ignore[arg-type]


def _tell_workers(*, server: str, compile: bool, **kwargs: Any) -> None:
    from mcp_django.sessions.publish import publish

    publish(("switches", server, "compile" if compile else ""))


class MCPDjangoConfig(AppConfig):
    """Model Context Protocol for this project."""

    name = "mcp_django"
    verbose_name = "Model Context Protocol"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mcp_django.checks import oauth, routes  # noqa: F401 - registers these, and the others as well

        server_changed.connect(_announce, dispatch_uid="mcp_django")
        components_changed.connect(_tell_workers, dispatch_uid="mcp_django")
        if apps.is_installed("oauth2_provider"):
            from mcp_django.models import ServiceAccount
            from mcp_django.oauth.accounts import end_tokens, forget_account

            model = getattr(settings, "OAUTH2_PROVIDER_APPLICATION_MODEL", "oauth2_provider.Application")
            post_delete.connect(forget_account, sender=model, dispatch_uid="mcp_django")
            for signal in (post_save, post_delete):
                signal.connect(end_tokens, sender=ServiceAccount, dispatch_uid="mcp_django")
