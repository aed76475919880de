"""Switching components off and on while the server runs, on every worker, and saying what there is.

What is switched off is a row (``models.ComponentSwitch``), so that it stays off after a restart. To clients it looks
like what isn't there. docs/decisions/0020 has how the workers hear of it.
"""

from __future__ import annotations

from functools import partial
from threading import RLock
from time import monotonic
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import router, transaction
from django.utils.module_loading import import_string

from mcp_django.exceptions import NotRegistered
from mcp_django.registry.changes import Changes
from mcp_django.registry.declarations import Kind
from mcp_django.signals import components_changed

Slot = tuple[Kind, str]


class Switches(Changes):
    """What ``MCPServer`` can do with components that are declared."""

    revision: int
    off: frozenset[Slot] = frozenset()
    """Kind and key of the components that are switched off, as far as this process knows."""

    unread: bool = True
    """Whether the rows may say something else than ``off``. Whoever answers clients reads them before it does."""

    lapsed: bool = False
    """Whether they are unread only because the last look is a while ago."""

    read_at: float = float("-inf")
    """When the rows were last looked at, as ``time.monotonic`` says."""

    generation: int = 0
    """Grows when everything is to be compiled anew."""

    told: int = 0
    _lock: RLock
    _declarations: dict[Slot, Any]

    def disable(self, kind: Kind, key: str, *, by: Any = None) -> None:
        """Switch a component off, on every worker, once the transaction is committed, and tell clients.

        A call that runs goes on; whoever calls it from now on is told that there is none.

        Args:
            by: the user who does, to be shown in the admin.

        Raises:
            NotRegistered: there is none of this kind and key. A route's key is its methods and path, ``GET /health``.
        """
        if (kind, key) not in self._declarations:
            raise NotRegistered(f"No {kind} {key!r} is registered on {self!r}.")
        model = _model()
        model._default_manager.get_or_create(server=self.path, kind=kind, key=key, defaults={"switched_by": by})
        self._after_commit(kind, using=router.db_for_write(model))

    def enable(self, kind: Kind, key: str) -> None:
        """Switch a component on again, on every worker, once the transaction is committed, and tell clients.

        Raises:
            NotRegistered: there is none of this kind and key, on or off.
        """
        model = _model()
        ended, _ = model._default_manager.filter(server=self.path, kind=kind, key=key).delete()
        if not ended and (kind, key) not in self._declarations:
            raise NotRegistered(f"No {kind} {key!r} is registered on {self!r}.")
        self._after_commit(kind, using=router.db_for_write(model))

    async def adisable(self, kind: Kind, key: str, *, by: Any = None) -> None:
        """``disable`` for async code."""
        await sync_to_async(self.disable)(kind, key, by=by)

    async def aenable(self, kind: Kind, key: str) -> None:
        """``enable`` for async code."""
        await sync_to_async(self.enable)(kind, key)

    def is_enabled(self, kind: Kind, key: str) -> bool:
        """Whether a component is on, as far as this process knows."""
        return (kind, key) not in self.off

    def reload(self) -> None:
        """Let every worker read its switches again and compile its declarations anew, and tell clients.

        For what a component is made of when it is compiled: choices from the database, a translated description. It
        imports no code again: that takes a restart.
        """
        self.compile_anew()
        self.read_switches()
        components_changed.send(type(self), server=self.path, compile=True)
        for kind in ("tools", "resources", "prompts"):
            self._notify(kind)

    async def areload(self) -> None:
        """``reload`` for async code."""
        await sync_to_async(self.reload)()

    def describe(self) -> Any:
        """Return a ``ServerDescription``: what there is, where it is declared, what is asked of callers, what is off.

        Found by its name: describing compiles, which takes the SDK, and declaring must not load that.

        Raises:
            InvalidDeclaration: something can't be served that was declared before the server was first asked for.
        """
        return import_string("mcp_django.engine.description.describe")(self)

    # For whoever serves

    def read_switches(self, *, timed: bool = False) -> None:
        """Read the rows. Raises what the database raises.

        Args:
            timed: whether whoever asks lets them be read again in a while. Else the next answer to a client does.
        """
        told = self.told
        self.read_at = monotonic()
        rows = frozenset(_model()._default_manager.filter(server=self.path).values_list("kind", "key"))
        with self._lock:
            if told != self.told:  # a change that these rows may not hold yet: it is read again
                return
            if rows != self.off:
                self.off = rows
                self.revision += 1
            if timed:
                self.unread = False

    def mark_unread(self, *, lapsed: bool = False) -> None:
        """Let the rows be read again before the next answer."""
        with self._lock:
            self.told += 1
            self.unread, self.lapsed = True, lapsed

    def compile_anew(self) -> None:
        """Let everything be compiled anew before the next answer."""
        with self._lock:
            self.generation += 1
            self.revision += 1

    def _after_commit(self, kind: Kind, *, using: str) -> None:
        transaction.on_commit(partial(self._switched, kind), using=using)

    def _switched(self, kind: Kind) -> None:
        self.mark_unread()
        self.read_switches()
        components_changed.send(type(self), server=self.path, compile=False)
        if kind in ("tool", "resource", "prompt"):
            self._notify(f"{kind}s")


def _model() -> Any:
    return apps.get_model("mcp_django", "ComponentSwitch")
