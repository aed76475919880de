"""Plain HTTP routes beside the endpoint: what declares them, and blueprints of several. ``routes`` serves them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

from django.apps import apps

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry.access import OPTIONS, RESTRICTIONS, AccessOptions, checked_options
from mcp_django.registry.declarations import NAME, Declaration, Kind

F = TypeVar("F", bound=Callable[..., Any])

_METHOD = re.compile(r"[A-Z][A-Z-]*")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RouteDeclaration(Declaration):
    """A plain HTTP route beside the endpoint."""

    path: str
    """From the slash on. Parameters as in Django, ``/users/<int:pk>``, or in Starlette, ``/users/{pk:int}``."""

    methods: tuple[str, ...] = ("GET",)
    include_in_schema: bool = True
    """Whether the OpenAPI document describes it."""

    body: Any = None
    """The type that a JSON body is validated as: a pydantic model, a dataclass... The handler gets it as ``body``."""

    query: Any = None
    """The type that the query string is validated as. The handler gets it as ``query``."""

    max_body_bytes: int | None = None
    """Largest request body, uploads included. ``None``: ``MAX_BODY_BYTES``."""

    starlette: bool = False
    """Whether a handler that doesn't say which request it takes gets Starlette's, as FastMCP's do."""

    @property
    def kind(self) -> Kind:
        return "route"

    @property
    def key(self) -> str:
        return f"{','.join(self.methods)} {self.path}"

    @property
    def app(self) -> str:
        """Label of the app that declares it; empty when it is in none."""
        config = apps.get_containing_app_config(self.module)
        return "" if config is None else config.label

    @property
    def line(self) -> int | None:
        """Where its function begins in the file of its module. ``None``: it is no function of Python's."""
        code = getattr(inspect.unwrap(self.fn), "__code__", None)
        return None if code is None else int(code.co_firstlineno)


class RouteOptions(AccessOptions, total=False):
    """What a route may be told besides its path, methods, name and ``include_in_schema``: fields of its declaration."""

    title: str | None
    description: str | None
    tags: Iterable[str] | str
    body: Any
    query: Any
    max_body_bytes: int | None
    starlette: bool


_OWN_OPTIONS = tuple(set(RouteOptions.__annotations__) - set(OPTIONS))


class Routes:
    """What routes can be declared on: a server, or a blueprint."""

    def add(self, declaration: Any) -> None:
        """Take a declaration."""
        raise NotImplementedError

    def custom_route(
        self,
        path: str,
        methods: Iterable[str] | str = ("GET",),
        name: str | None = None,
        include_in_schema: bool = True,  # noqa: FBT001, FBT002 - the signature that FastMCP's users know
        **options: Unpack[RouteOptions],
    ) -> Callable[[F], F]:
        """Declare a plain HTTP route: a Django URL, ``reverse("mcp:NAME")``, where ``mcp_django.urls`` is included.

        Everybody may call a route that doesn't say otherwise (``scopes``, ``permissions``, ``public=False`` and so on)
        and whose server asks for nothing. docs/how-to/custom-routes.md has the rest.

        Args:
            path: from the slash on, with parameters in Django's form or Starlette's.
            methods: of HTTP. ``HEAD`` comes with ``GET``, and ``OPTIONS`` is answered.
            name: for ``reverse``. ``None``: the function's.
            include_in_schema: whether the OpenAPI document describes it.
            options: the fields of ``RouteDeclaration``, those on access among them.

        Raises:
            AlreadyRegistered: the path has a route for these methods.
            InvalidDeclaration: the path doesn't begin with a slash, or an option has no meaning.
        """
        given = _checked(path, methods, name, options)

        def declare_route(fn: F) -> F:
            found = str(getattr(fn, "__name__", ""))
            label = name or (found if NAME.fullmatch(found) else "")
            self.add(RouteDeclaration(fn=fn, name=label, path=path, include_in_schema=include_in_schema, **given))
            return fn

        return declare_route

    def add_route(self, path: str, fn: Callable[..., Any], **options: Any) -> None:
        """Declare ``fn`` as a route. Takes and raises what ``custom_route`` does."""
        self.custom_route(path, **options)(fn)


class Blueprint(Routes):
    """Routes that are declared together and registered later, on a server or on another blueprint.

    Args:
        prefix: what their paths begin with: ``"/api/v1"``, or nothing.
        access: what they ask of callers, unless they say otherwise.

    Raises:
        InvalidDeclaration: the prefix doesn't begin with a slash or ends in one, or an option has no meaning.
    """

    def __init__(self, prefix: str = "", **access: Unpack[AccessOptions]) -> None:
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise InvalidDeclaration(
                f"A prefix begins with a slash and ends in none, as '/api/v1' does: not {prefix!r}."
            )
        self.prefix = prefix
        self._access = checked_options(f"Blueprint({prefix!r})", access)
        self._routes: list[RouteDeclaration] = []
        self._registered_on: Routes | None = None

    def __repr__(self) -> str:
        return f"<Blueprint {self.prefix or '/'!r}>"

    route = Routes.custom_route
    """``@blueprint.route("/users/{pk}")``: the same as ``custom_route``."""

    def add(self, declaration: RouteDeclaration) -> None:
        """Take a route, below the prefix.

        Raises:
            InvalidDeclaration: the blueprint has been registered, and wouldn't take it along any more.
        """
        if self._registered_on is not None:
            raise InvalidDeclaration(
                f"{self!r} has been registered on {self._registered_on!r}: declare {declaration.key!r} in "
                f"{declaration.module} before that."
            )
        self._routes.append(_below(self.prefix, self._access, declaration))

    def register(self, target: Routes) -> None:
        """Add the routes to a server, or to a blueprint around this one. Raises ``AlreadyRegistered``."""
        for declaration in self._routes:
            target.add(declaration)
        self._registered_on = target


def _below(prefix: str, access: Mapping[str, Any], declaration: RouteDeclaration) -> RouteDeclaration:
    """Return the route as it is on a blueprint; ``dataclasses.replace`` takes the properties of slots for fields."""
    fields = {name: getattr(declaration, name) for name in declaration.__dataclass_fields__}
    open_to_all = bool(fields["public"])
    closed = any(fields[name] for name in RESTRICTIONS)
    for name, value in access.items():
        dropped = (open_to_all and name in RESTRICTIONS) or (closed and name == "public")
        if fields[name] is None and not dropped:
            fields[name] = value
    return RouteDeclaration(**{**fields, "path": f"{prefix}{declaration.path}"})


def _checked(path: str, methods: Iterable[str] | str, name: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as they are kept. Raises ``InvalidDeclaration``."""
    if not path.startswith("/"):
        raise InvalidDeclaration(f"The path of a custom route begins with a slash: {path!r} doesn't.")
    if name is not None and not NAME.fullmatch(name):
        raise InvalidDeclaration(f"{name!r} can't be the name of a route: 1 to 128 letters, digits, '_', '.' or '-'.")
    own = {key: options[key] for key in _OWN_OPTIONS if key in options}
    asked = checked_options(repr(path), {key: value for key, value in options.items() if key not in own})
    tags = own.get("tags") or ()
    own["tags"] = frozenset([tags] if isinstance(tags, str) else tags)
    limit = own.get("max_body_bytes")
    if limit is not None and (not isinstance(limit, int) or limit <= 0):
        raise InvalidDeclaration(f"{path!r}: max_body_bytes must be a number of bytes greater than 0, not {limit!r}.")
    return {**own, **asked, "methods": _verbs(path, methods)}


def _verbs(path: str, methods: Iterable[str] | str) -> tuple[str, ...]:
    verbs = tuple(sorted({str(each).upper() for each in ([methods] if isinstance(methods, str) else methods)}))
    if not verbs or any(not _METHOD.fullmatch(verb) for verb in verbs):
        raise InvalidDeclaration(
            f"{path!r}: methods must be a list of methods of HTTP, such as ['GET'], not {methods!r}."
        )
    return verbs
