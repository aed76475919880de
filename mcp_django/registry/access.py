"""Who may see and call a component: what a declaration asks for, and the defaults of its server."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

from mcp_django.conf import parse_rate
from mcp_django.exceptions import InvalidDeclaration

if TYPE_CHECKING:
    from mcp_django.auth import Principal
    from mcp_django.registry.declarations import Declaration

Check = Callable[["Principal"], "bool | Awaitable[bool]"]

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3
_PERMISSION = re.compile(r"\w+\.\w+")
_FORMS = {
    "scopes": (_SCOPE, "a scope, such as 'polls:vote'"),
    "permissions": (_PERMISSION, "a permission, such as 'polls.add_vote'"),
    "groups": (re.compile(r".*\S.*"), "the name of a group"),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: ``limit`` times in each ``seconds``."""

    limit: int
    seconds: int


class AccessOptions(TypedDict, total=False):
    """What may be asked of callers: options of every component, and of a server for all of its components.

    What a component doesn't name, its server decides. ``None`` is the same as not named; an empty list asks nothing.
    """

    scopes: Iterable[str] | str | None
    """OAuth scopes that the caller's token must have, all of them."""

    permissions: Iterable[str] | str | None
    """Django permissions that the user must have, all of them: ``"polls.add_vote"``."""

    groups: Iterable[str] | str | None
    """Groups, of one of which the user must be a member."""

    staff: bool | None
    """Whether the user must be a member of the staff."""

    check: Check | None
    """A function of the ``Principal``, sync or async, that says whether it may."""

    public: bool | None
    """Whether everybody may, also who hasn't signed in (``AUTH = "optional"``)."""

    throttle: str | Rate | None
    """How often one caller may: ``"50/m"``."""


OPTIONS = tuple(AccessOptions.__annotations__)
RESTRICTIONS = ("scopes", "permissions", "groups", "staff", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is asked of the callers of one component, its server's defaults included."""

    scopes: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    staff: bool = False
    check: Check | None = None
    public: bool = False
    throttle: Rate | None = None

    @property
    def restricted(self) -> bool:
        """Whether anything is asked beyond signing in."""
        return bool(self.scopes or self.of_user)

    @property
    def of_user(self) -> bool:
        """Whether anything is asked that no consent can give."""
        return bool(self.permissions or self.groups or self.staff or self.check)


class AccessDefaults:
    """What a server asks of the callers of all its components that don't say otherwise themselves."""

    scopes: Iterable[str] | str | None = None
    permissions: Iterable[str] | str | None = None
    groups: Iterable[str] | str | None = None
    staff: bool | None = None
    check: Check | None = None
    public: bool | None = None
    throttle: str | Rate | None = None

    valid_scopes: Iterable[str] = ()
    """Scopes that functions look for in a token themselves: people can be asked for them, and keys can have them."""

    def _set_access(self, where: str, options: Mapping[str, Any]) -> None:
        """Take the options.

        Raises:
            InvalidDeclaration: one is unknown, or has no meaning.
        """
        for name, value in checked_options(where, options).items():
            setattr(self, name, value)

    def access(self) -> Access:
        """Return what is asked unless a component says otherwise. Raises ``InvalidDeclaration``."""
        given = checked(repr(self), {name: getattr(self, name) for name in OPTIONS})
        return Access(**{name: value for name, value in given.items() if value is not None})


def checked_options(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Do as ``checked``, and refuse any other option. Raises ``InvalidDeclaration``."""
    if unknown := options.keys() - set(OPTIONS):
        raise InvalidDeclaration(f"{where} takes no {', '.join(map(repr, sorted(unknown)))}.")
    return checked(where, options)


def checked(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are kept: lists as tuples, and one string for a list of it; ``None`` stays.

    Raises:
        InvalidDeclaration: a value can't be what its option asks for, or what is public asks for something.
    """
    kept = {name: options[name] for name in OPTIONS if name in options}
    for name in kept.keys() & _FORMS.keys():
        kept[name] = _names(where, name, kept[name])
    for name in kept.keys() & {"staff", "public"}:
        if kept[name] not in (True, False, None):
            raise InvalidDeclaration(f"{where}: {name} must be True or False, not {kept[name]!r}.")
    if kept.get("check") is not None and not callable(kept["check"]):
        raise InvalidDeclaration(f"{where}: check must be a function of the principal, not {kept['check']!r}.")
    if "throttle" in kept:
        kept["throttle"] = _rate(where, kept["throttle"])
    asked = [name for name in RESTRICTIONS if kept.get(name)]
    if kept.get("public") and asked:
        raise InvalidDeclaration(f"{where} is public, so {asked[0]} would never be asked for: leave out one of them.")
    return kept


def _names(where: str, option: str, given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    form, meaning = _FORMS[option]
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Iterable) or isinstance(names, bytes | Mapping):
        raise InvalidDeclaration(f"{where}: {option} must be a list of strings, not {given!r}.")
    names = tuple(names)
    for name in names:
        if not isinstance(name, str) or not form.fullmatch(name):
            raise InvalidDeclaration(f"{where}: {option}: {name!r} can't be {meaning}.")
    return tuple(dict.fromkeys(names))


def _rate(where: str, given: Any) -> Rate | None:
    if given is None or isinstance(given, Rate):
        return given
    try:
        return Rate(*parse_rate(str(given)))
    except ValueError as error:
        raise InvalidDeclaration(f"{where}: throttle: {error}") from None


def access_of(declaration: Declaration, server: AccessDefaults) -> Access:
    """Return what is asked of the callers of a component.

    What the component names itself goes before its server's default. One that is public asks for nothing; one that asks
    for something is not public.

    Raises:
        InvalidDeclaration: a default that was set on the server has no meaning.
    """
    own = {name: value for name in OPTIONS if (value := getattr(declaration, name)) is not None}
    default = server.access()
    if own.get("public"):
        default = Access(throttle=default.throttle)
    elif any(own.get(name) for name in RESTRICTIONS):
        default = replace(default, public=False)
    return replace(default, **own)
