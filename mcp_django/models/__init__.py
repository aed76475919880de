"""Everything that this app keeps in the database."""

from __future__ import annotations

from mcp_django.models.accounts import APIKey, ServiceAccount
from mcp_django.models.activity import Call, CallSummary, Dashboard, Stream, Worker
from mcp_django.models.components import ComponentSchema, ComponentSwitch
from mcp_django.models.sessions import PostedMessage, Question, Session, StreamEvent

__all__ = [
    "APIKey",
    "Call",
    "CallSummary",
    "ComponentSchema",
    "ComponentSwitch",
    "Dashboard",
    "PostedMessage",
    "Question",
    "ServiceAccount",
    "Session",
    "Stream",
    "StreamEvent",
    "Worker",
]
