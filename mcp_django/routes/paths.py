"""The path of a route, as Django's ``path()`` takes it, from either of two spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.urls import converters, register_converter
from django.urls.converters import StringConverter

from mcp_django.exceptions import InvalidDeclaration

_FLOAT = "mcp_django_float"
_STARLETTE = {"": "str", "str": "str", "int": "int", "float": _FLOAT, "path": "path", "uuid": "uuid"}
"""Starlette's convertors (``starlette.convertors``) and Django's that take the same."""

_PARAMETER = re.compile(
    r"<(?:(?P<kind>[^<>:{}\s]+):)?(?P<name>[^<>:{}\s]+)>|{(?P<name2>[^{}:<>\s]+)(?::(?P<kind2>[^{}<>]*))?}"
)


class FloatConverter(StringConverter):
    """A number with or without a fraction, as Starlette's ``float``. Django has none."""

    regex = r"[0-9]+(?:\.[0-9]+)?"

    def to_python(self, value: str) -> Any:
        return float(value)

    def to_url(self, value: Any) -> str:
        return f"{float(value):.20f}".rstrip("0").rstrip(".")


register_converter(FloatConverter, _FLOAT)


def django_path(path: str) -> str:
    """Return a route's path as ``django.urls.path`` takes it: ``"users/<int:pk>"`` of ``"/users/{pk:int}"``.

    Raises:
        InvalidDeclaration: a converter is unknown, a name is none or comes twice, or a bracket has no partner.
    """
    names: list[str] = []

    def write(found: re.Match[str]) -> str:
        name = found["name"] or found["name2"]
        if not name.isidentifier() or name in names:
            raise InvalidDeclaration(f"{path!r}: {name!r} {'comes twice' if name in names else 'is no name'}.")
        names.append(name)
        return f"<{_converter(path, found)}:{name}>"

    rest = _PARAMETER.sub("", path)
    if stray := set(rest) & set("<>{}"):
        raise InvalidDeclaration(
            f"{path!r}: a parameter is written <int:name> or {{name:int}}; {min(stray)!r} is alone."
        )
    if "?" in rest or "#" in rest or any(each.isspace() for each in rest):
        raise InvalidDeclaration(f"{path!r}: a path holds neither '?', '#' nor white space.")
    return _PARAMETER.sub(write, path).removeprefix("/")


def parameters_of(path: str) -> Mapping[str, str]:
    """Return the converter of each parameter of a path as Django has it."""
    return {name: kind or "str" for kind, name in re.findall(r"<(?:([^<>:]+):)?([^<>:]+)>", path)}


def shape_of(path: str) -> str:
    """Return a path as Django has it without the names of its parameters: two of one shape match the same URLs."""
    return re.sub(r"<(?:([^<>:]+):)?[^<>:]+>", lambda found: f"<{found[1] or 'str'}>", path)


def _converter(path: str, found: re.Match[str]) -> str:
    known = converters.get_converters()
    given = found["kind2"] or ""
    kind = _STARLETTE.get(given, given) if found["name2"] else found["kind"] or "str"
    if kind not in known:
        listed = ", ".join(sorted(each for each in known if each != _FLOAT))
        raise InvalidDeclaration(f"{path!r}: there is no converter {kind!r}. There are: float (in braces), {listed}.")
    return str(kind)
