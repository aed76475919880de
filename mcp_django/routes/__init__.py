"""Routes of a project's own, beside the MCP endpoint: Django views, and the pieces to build them of.

The names are bound when first used, so an ``mcp.py`` that imports some of them loads no more than these.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_django.routes.api_keys import api_key_required
    from mcp_django.routes.broadcasts import broadcast, subscribe
    from mcp_django.routes.downloads import aserve_file, serve_file
    from mcp_django.routes.event_streams import ServerSentEvent, event_stream, last_event_id
    from mcp_django.routes.filenames import safe_filename
    from mcp_django.routes.oauth_login import OAuthFailed, OAuthLogin
    from mcp_django.routes.problems import Problem, json_errors
    from mcp_django.routes.request_ids import request_id
    from mcp_django.routes.request_log import log_requests
    from mcp_django.routes.signatures import GITHUB, STANDARD, STRIPE, HMACSignature
    from mcp_django.routes.throttling import throttle
    from mcp_django.routes.uploads import asave_upload, limit_uploads, save_upload
    from mcp_django.routes.webhooks import Webhook, WebhookEvent, signed

__all__ = [
    "GITHUB",
    "STANDARD",
    "STRIPE",
    "HMACSignature",
    "OAuthFailed",
    "OAuthLogin",
    "Problem",
    "ServerSentEvent",
    "Webhook",
    "WebhookEvent",
    "api_key_required",
    "asave_upload",
    "aserve_file",
    "broadcast",
    "event_stream",
    "json_errors",
    "last_event_id",
    "limit_uploads",
    "log_requests",
    "request_id",
    "safe_filename",
    "save_upload",
    "serve_file",
    "signed",
    "subscribe",
    "throttle",
]

_HOMES = {
    "api_keys": ("api_key_required",),
    "broadcasts": ("broadcast", "subscribe"),
    "downloads": ("aserve_file", "serve_file"),
    "event_streams": ("ServerSentEvent", "event_stream", "last_event_id"),
    "filenames": ("safe_filename",),
    "oauth_login": ("OAuthFailed", "OAuthLogin"),
    "problems": ("Problem", "json_errors"),
    "request_ids": ("request_id",),
    "request_log": ("log_requests",),
    "signatures": ("GITHUB", "STANDARD", "STRIPE", "HMACSignature"),
    "throttling": ("throttle",),
    "uploads": ("asave_upload", "limit_uploads", "save_upload"),
    "webhooks": ("Webhook", "WebhookEvent", "signed"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
