"""``Engine``: one server's components, compiled, and compiled anew when a declaration changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from typing import Any, TypeVar

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from mcp_types import SERVER_INFO_META_KEY, Implementation
from pydantic import ValidationError
from pydantic_core import to_json

from mcp_django.conf import get_settings
from mcp_django.engine.compile import (
    Component,
    Prompt,
    Resource,
    Tool,
    compile_prompt,
    compile_resource,
    compile_tool,
    to_icon,
)
from mcp_django.engine.completions import Complete, completers_of, make_completer, make_fallback
from mcp_django.engine.encoding import encode
from mcp_django.engine.errors import NotThere
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.lists import Listing, make_listing
from mcp_django.engine.resources import ResourceContent, read_nested
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import Kind, MCPServer, access_of, app_order, servers

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=Component)


class Engine:
    """What answers the requests to one server.

    Args:
        server: whose declarations it compiles.

    Raises:
        InvalidDeclaration: one of them can't be served.
    """

    def __init__(self, server: MCPServer) -> None:
        self.declared = server
        self._compiled: dict[tuple[Kind, str], Any] = {}
        self.revision, self._generation = server.revision, server.generation  # what it was built of
        self.icons = [to_icon(icon, f"server {server.name!r} in {server.module}") for icon in server.icons]
        self._check_texts()
        self._build(strict=True)

    def _check_texts(self) -> None:
        """See that what the server says of itself can be sent as it is."""
        try:
            Implementation.__pydantic_validator__.validate_json(to_json(self.server_info), strict=True, by_name=False)
        except (ValidationError, ValueError) as error:
            raise InvalidDeclaration(f"{self.declared!r} can't describe itself: {error}") from error
        if not isinstance(self.instructions(), str):
            raise InvalidDeclaration(f"{self.declared!r} can't describe itself: instructions must be a string.")

    def refresh(self) -> None:
        """Compile what has changed since the last time; cheap when nothing has.

        What can't be served is left out and told in the log: the rest of a running server must not suffer from it.
        """
        if self.revision != self.declared.revision:
            self.revision = self.declared.revision
            if self._generation != self.declared.generation:
                self._generation, self._compiled = self.declared.generation, {}
            self._build(strict=False)

    def _build(self, *, strict: bool) -> None:
        self._strict = strict
        tools: dict[str, Tool] = self._compile("tool", compile_tool)
        resources: dict[str, Resource] = self._compile("resource", compile_resource)
        prompts: dict[str, Prompt] = self._compile("prompt", compile_prompt)
        every: list[Component] = [*tools.values(), *resources.values(), *prompts.values()]
        self._compiled = {(each.declaration.kind, each.key): each for each in every}
        self._compile_completers()
        off = self.declared.off
        self.tools = {key: each for key, each in tools.items() if ("tool", key) not in off}
        self.resources = {key: each for key, each in resources.items() if ("resource", key) not in off}
        self.prompts = {key: each for key, each in prompts.items() if ("prompt", key) not in off}
        self.hidden = [each for key, each in resources.items() if ("resource", key) in off]
        static = [each for each in self.resources.values() if each.template is None]
        self.templates = [each for each in self.resources.values() if each.template is not None]
        self.listings: dict[str, Listing] = {
            "tools/list": make_listing("tools", "tool", self.tools.values()),
            "resources/list": make_listing("resources", "resource", static),
            "resources/templates/list": make_listing("resourceTemplates", "resource", self.templates),
            "prompts/list": make_listing("prompts", "prompt", self.prompts.values()),
        }
        every_access = {slot: access_of(each.declaration, self.declared) for slot, each in self._compiled.items()}
        self.access = {slot: access for slot, access in every_access.items() if slot not in off}
        self.hidden_access = {each.key: every_access["resource", each.key] for each in self.hidden}
        self.guarded = any(access.restricted or access.throttle for access in every_access.values())

    def component(self, kind: Kind, key: str) -> Component | None:
        """Return a tool, resource or prompt, also one that is switched off; ``None``: there is none, or not served."""
        found: Component | None = self._compiled.get((kind, key))
        return found

    def candidates(self, uri: str) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """Give the resource at ``uri``, or else each template that fits, with the parameters that it gives.

        Raises:
            NotThere: a parameter tries to leave its place.
        """
        resource = self.resources.get(uri)
        if resource is not None and resource.template is None:
            yield resource, {}
        for template in self.templates:
            if (parameters := template.match(uri)) is not None:
                yield template, parameters

    def hidden_at(self, uri: str) -> list[Resource]:
        """Return what would be at ``uri`` if nothing were switched off; empty when something that is on is there."""
        if not self.hidden:
            return []
        with suppress(NotThere):
            if next(self.candidates(uri), None) is None:
                return [each for each in self.hidden if _fits(each, uri)]
        return []

    async def read_resource(self, uri: str, exchange: Exchange) -> list[ResourceContent]:
        """Read a resource for a function at work. Raises ``ResourceError``."""
        return await read_nested(uri, exchange)

    @cached_property
    def server_info(self) -> dict[str, Any]:
        """Return the specification's ``Implementation``: what the server says it is."""
        declared, configured = self.declared, get_settings()
        default = declared.path == ""
        info = {
            "name": declared.name or configured.NAME or settings.ROOT_URLCONF.partition(".")[0],
            "version": declared.version or (configured.VERSION if default else ""),
            "title": declared.title or (configured.TITLE if default else ""),
            "description": declared.description or (configured.DESCRIPTION if default else ""),
            "websiteUrl": declared.website_url or (configured.WEBSITE_URL if default else ""),
            "icons": self.icons,
        }
        return {key: value for key, value in info.items() if value or key in ("name", "version")}

    @cached_property
    def stamp(self) -> bytes:
        """What ends a result of 2026-07-28 on the wire: the same in every one."""
        return b"," + encode({"resultType": "complete", "_meta": {SERVER_INFO_META_KEY: self.server_info}})[1:]

    def instructions(self) -> str:
        """Return what a model should know before it uses the server."""
        default = self.declared.path == ""
        return self.declared.instructions or (get_settings().INSTRUCTIONS if default else "")

    def _compile(self, kind: Kind, make: Callable[[Any], C]) -> dict[str, C]:
        """Compile the declarations of a kind, in the order of the apps and, within one, of declaration."""
        order = cache(app_order)
        declarations = sorted(self.declared.declarations(kind), key=lambda each: order(each.module))
        compiled = {}
        for declaration in declarations:
            slot = (kind, declaration.key)
            component = self._compiled.get(slot)
            if component is None or component.declaration is not declaration:
                with self._objecting():
                    compiled[declaration.key] = make(declaration)
            else:
                compiled[declaration.key] = component
        return compiled

    @contextmanager
    def _objecting(self) -> Iterator[None]:
        try:
            yield
        except InvalidDeclaration as error:
            if self._strict:
                raise
            logger.error("Not served: %s", error)
        except Exception as error:
            if self._strict:
                raise InvalidDeclaration(f"A declaration of {self.declared!r} can't be compiled: {error}") from error
            logger.exception("Not served: a declaration of %r can't be compiled.", self.declared)

    def _compile_completers(self) -> None:
        self.completers: dict[tuple[Kind, str, str], Complete] = {}
        self.fallback_completer: Callable[..., Any] | None = None
        for component in self._compiled.values():
            declaration = component.declaration
            if declaration.kind == "tool":
                continue
            with self._objecting():
                for name, completer in completers_of(component, declaration.complete).items():
                    self.completers[declaration.kind, declaration.key, name] = completer
        for each in self.declared.declarations("completion"):
            with self._objecting():
                if self.declared.is_enabled("completion", each.key):
                    self._add_completer(each)

    def _add_completer(self, declaration: Any) -> None:
        if declaration.argument is None:
            self.fallback_completer = make_fallback(declaration)
            return
        kind: Kind = "prompt" if declaration.prompt else "resource"
        key = declaration.prompt or declaration.resource
        component = self.component(kind, key)
        if component is None:
            raise InvalidDeclaration(
                f"{declaration.module} completes an argument of {kind} {key!r}, which isn't there."
            )
        completers_of(component, {declaration.argument: declaration.fn})  # refuses a parameter that isn't there
        self.completers[kind, key, declaration.argument] = make_completer(declaration.fn, declaration)


def _fits(resource: Resource, uri: str) -> bool:
    return resource.key == uri if resource.template is None else resource.template.match(uri) is not None


def get_engine(server: MCPServer) -> Engine:
    """Return the engine of a server, with everything compiled that is declared now.

    Raises:
        InvalidDeclaration: something can't be served that was declared before the engine was first asked for.
    """
    engine: Engine | None = server.engine
    if engine is None:
        engine = server.engine = Engine(server)
    elif engine.revision != server.revision:
        engine.refresh()
    return engine


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "MCP_DJANGO":
        for server in servers():
            server.engine = None
