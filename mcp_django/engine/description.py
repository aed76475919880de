"""What a server has to offer, for people: each component, where it is declared, and what is asked of its callers."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from mcp_django.engine.compile import Component
from mcp_django.engine.server import get_engine
from mcp_django.registry import Access, Declaration, Kind, MCPServer, access_of, app_order

KINDS: tuple[Kind, ...] = ("tool", "resource", "prompt", "completion", "route")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentDescription:
    """One component."""

    kind: Kind
    key: str
    """The name, or the URI of a resource."""

    name: str
    title: str = ""
    description: str = ""
    app: str = ""
    """Label of the app that holds the module. Empty: none does."""

    module: str
    line: int = 0
    """Where the function begins, decorators included. 0: it can't be told."""

    access: Access
    """What is asked of its callers, the server's defaults included."""

    listing: Mapping[str, Any] = field(default_factory=dict)
    """What a list shows of it. Empty: a list shows nothing of its kind, or it can't be served."""

    input_schema: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of its arguments."""

    enabled: bool = True

    @property
    def scopes(self) -> tuple[str, ...]:
        return self.access.scopes

    @property
    def permissions(self) -> tuple[str, ...]:
        return self.access.permissions

    @property
    def annotations(self) -> Mapping[str, Any]:
        """What the author says of it: ``readOnlyHint`` of a tool, ``audience`` of a resource."""
        given: Mapping[str, Any] = self.listing.get("annotations") or {}
        return given

    @property
    def output_schema(self) -> Mapping[str, Any] | None:
        return self.listing.get("outputSchema")

    @property
    def is_template(self) -> bool:
        """Whether it stands for many resources."""
        return "uriTemplate" in self.listing


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDescription:
    """One server."""

    path: str
    info: Mapping[str, Any]
    """What it says of itself: the specification's ``Implementation``."""

    components: tuple[ComponentDescription, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind; resources and templates apart; switched off ones among them."""
        counted = Counter("template" if each.is_template else each.kind for each in self.components)
        return {kind: counted[kind] for kind in ("tool", "resource", "template", "prompt", "completion", "route")}


def describe(server: MCPServer) -> ServerDescription:
    """Describe a server. Raises ``InvalidDeclaration`` as ``get_engine`` does."""
    engine = server.engine or get_engine(server)  # not brought up to date here: that is for the loop that serves
    return ServerDescription(
        path=server.path,
        info=engine.server_info,
        components=tuple(
            _describe(declaration, server, engine.component(declaration.kind, declaration.key))
            for kind in KINDS
            for declaration in sorted(server.declarations(kind), key=lambda each: app_order(each.module))
        ),
    )


def _describe(declaration: Declaration, server: MCPServer, component: Component | None) -> ComponentDescription:
    listing = component.listing if component is not None else {}
    return ComponentDescription(
        kind=declaration.kind,
        key=declaration.key,
        name=declaration.name,
        title=declaration.title or "",
        description=listing.get("description") or inspect.getdoc(declaration.fn) or "",
        app=_app_of(declaration.module),
        module=declaration.module,
        line=_line_of(declaration.fn),
        access=access_of(declaration, server),
        listing=listing,
        input_schema=component.signature.schema if component is not None else {},
        enabled=server.is_enabled(declaration.kind, declaration.key),
    )


def _app_of(module: str) -> str:
    configs = list(apps.get_app_configs())
    place = app_order(module)
    return configs[place].label if place < len(configs) else ""


def _line_of(fn: Any) -> int:
    plain = inspect.unwrap(fn)
    code = getattr(plain, "__code__", None) or getattr(getattr(plain, "__func__", None), "__code__", None)
    return code.co_firstlineno if code is not None else 0
