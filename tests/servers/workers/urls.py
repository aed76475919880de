"""Besides MCP there is one view, which tells of a change."""

from __future__ import annotations

from bench.views import changed
from django.urls import path

urlpatterns = [path("changed/<int:number>", changed)]
