"""Telling clients that something changed, from anywhere in Django."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.signals import server_changed

_PARAMETER = re.compile(r"\{(\w+)\}")


class Changes:
    """What ``MCPServer`` can tell its clients. Nothing here waits: any thread may call it, a task on a loop as well."""

    path: str

    def notify_resource_updated(self, uri: str) -> None:
        """Tell whoever has subscribed to ``uri`` that what is there changed."""
        self._notify("resource", uri=uri)

    def notify_tools_changed(self) -> None:
        """Tell clients to fetch the list of tools again."""
        self._notify("tools")

    def notify_resources_changed(self) -> None:
        """Tell clients to fetch the lists of resources and templates again."""
        self._notify("resources")

    def notify_prompts_changed(self) -> None:
        """Tell clients to fetch the list of prompts again."""
        self._notify("prompts")

    async def anotify_resource_updated(self, uri: str) -> None:
        """``notify_resource_updated`` for async code."""
        self.notify_resource_updated(uri)

    async def anotify_tools_changed(self) -> None:
        """``notify_tools_changed`` for async code."""
        self.notify_tools_changed()

    async def anotify_resources_changed(self) -> None:
        """``notify_resources_changed`` for async code."""
        self.notify_resources_changed()

    async def anotify_prompts_changed(self) -> None:
        """``notify_prompts_changed`` for async code."""
        self.notify_prompts_changed()

    def notify_on_save(self, model: type[Model], uri: str | Callable[[Any], str | None]) -> None:
        """Tell subscribers of a resource whenever an instance of ``model`` is saved or deleted, once it is committed.

        Args:
            uri: ``"atlas://countries/{iso}"``, filled from attributes of the instance; or a function of the instance.

        Raises:
            InvalidDeclaration: the template uses more of RFC 6570 than ``{name}``: write a function.
        """
        if isinstance(uri, str) and "{" in _PARAMETER.sub("", uri):
            raise InvalidDeclaration(
                f"notify_on_save fills only {{name}}: write a function of the instance for {uri!r}."
            )

        def saved(sender: type[Model], instance: Model, **kwargs: Any) -> None:
            found = _filled(uri, instance) if isinstance(uri, str) else uri(instance)
            if found is not None:
                transaction.on_commit(lambda: self.notify_resource_updated(found), using=kwargs.get("using"))

        for signal in (post_save, post_delete):
            signal.connect(saved, sender=model, weak=False)

    def _notify(self, kind: str, *, uri: str = "", announced: bool = True) -> None:
        server_changed.send(type(self), server=self.path, kind=kind, uri=uri, announced=announced)


def _filled(uri: str, instance: Model) -> str:
    return _PARAMETER.sub(lambda found: quote(str(getattr(instance, found[1])), safe=""), uri)
