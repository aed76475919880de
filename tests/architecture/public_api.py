"""What users may rely on, as text: ``tests/public_api.txt`` holds it, so that every change of it is a reviewed diff.

``scripts/public-api`` writes the file anew.
"""

from __future__ import annotations

import inspect
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_overloads

from tests.architecture.sources import source_files

SNAPSHOT = Path(__file__).parent.parent / "public_api.txt"

MODULES = (
    "mcp_django",
    "mcp_django.asgi",
    "mcp_django.auth",
    "mcp_django.conf",
    "mcp_django.exceptions",
    "mcp_django.oauth",
    "mcp_django.registry",
    "mcp_django.routes",
    "mcp_django.routing",
    "mcp_django.signals",
    "mcp_django.urls",
)
"""The modules that the documentation tells people to import from."""

CHECK_ID = re.compile(r"""id="(mcp_django\.[EWI]\d{3})\"""")


class _Written(str):
    """An annotation that is shown as it was written, without quotes around it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def describe() -> str:
    """Return the text of the snapshot."""
    sections: dict[str, Iterator[str]] = {module: _module(module) for module in MODULES}
    sections |= {"System checks": _checks(), "Management commands": _commands(), "Endpoints": _endpoints()}
    return "\n".join("\n".join((f"# {title}", "", *lines, "")) for title, lines in sections.items())


@cache
def public_names(module: str) -> dict[str, Any]:
    """Return what a module offers: its ``__all__`` or, without one, the functions and classes that it defines."""
    home = import_module(module)
    listed = getattr(home, "__all__", None)
    if listed is None:
        listed = [name for name, value in vars(home).items() if getattr(value, "__module__", None) == module]
    return {name: getattr(home, name) for name in sorted(listed) if not name.startswith("_")}


@cache
def public_classes() -> dict[type, str]:
    """Return every class of ``MODULES`` with the first place that offers it."""
    found: dict[type, str] = {}
    for module in MODULES:
        for name, value in public_names(module).items():
            if inspect.isclass(value):
                found.setdefault(value, f"{module}.{name}")
    return found


def lineage(owner: type) -> list[type]:
    """Return the class and those of its bases that are ours and not public themselves, the farthest first."""
    private = [
        each for each in owner.__mro__ if each not in public_classes() and each.__module__.startswith("mcp_django")
    ]
    return [*reversed(private), owner]


def public_members(owner: type) -> dict[str, Any]:
    """Return the public methods and properties of a class, each as its function."""
    members: dict[str, Any] = {}
    for each in lineage(owner):
        members |= {name: function_of(value) for name, value in vars(each).items() if not name.startswith("_")}
    return {name: function for name, function in sorted(members.items()) if function}


def function_of(value: Any) -> Any:
    """Return the function behind a method, a property or a decorated function; ``None`` behind anything else."""
    value = value.fget if isinstance(value, property) else inspect.unwrap(getattr(value, "__func__", value))
    return value if inspect.isfunction(value) else None


def _module(module: str) -> Iterator[str]:
    for name, value in public_names(module).items():
        if inspect.isclass(value):
            yield from _class(f"{module}.{name}", value)
        elif function := function_of(value):
            yield from _function(name, function)
        else:
            yield f"{name}: {type(value).__name__}" if type(value).__module__ != "typing" else f"{name} = {value}"


def _class(path: str, owner: type) -> Iterator[str]:
    name, home = path.rpartition(".")[2], public_classes()[owner]
    if path != home:
        yield f"class {name} is {home}"
        return
    bases = ", ".join(base.__name__ for base in owner.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    for line in (*_construction(owner), *_methods(owner)):
        yield f"    {line}"


def _construction(owner: Any) -> Iterator[str]:
    own = {name for each in lineage(owner) for name in inspect.get_annotations(each)}
    if is_dataclass(owner):
        yield from (_field(field) for field in fields(owner) if field.name in own)
    elif inspect.isfunction(owner.__init__):
        yield from _function("__init__", owner.__init__)


def _methods(owner: type) -> Iterator[str]:
    for name, function in public_members(owner).items():
        if isinstance(inspect.getattr_static(owner, name), property):
            yield f"{name}: {inspect.signature(function).return_annotation}"
        else:
            yield from _function(name, function)


def _field(field: Field[Any]) -> str:
    shown = f"{field.name}: {field.type}"
    if field.default_factory is not MISSING:
        return f"{shown} = {getattr(field.default_factory, '__name__', field.default_factory)}()"
    return shown if field.default is MISSING else f"{shown} = {field.default!r}"


def _function(name: str, function: Any) -> Iterator[str]:
    start = "async " if inspect.iscoroutinefunction(function) else ""
    for each in get_overloads(function) or [function]:
        signature = inspect.signature(each)
        parameters = [
            parameter.replace(annotation=_written(parameter.annotation))
            for parameter in signature.parameters.values()
            if parameter.name != "self"
        ]
        signature = signature.replace(parameters=parameters, return_annotation=_written(signature.return_annotation))
        yield f"{start}{name}{signature}"


def _written(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation


def _checks() -> Iterator[str]:
    texts = [path.read_text(encoding="utf-8") for path in source_files()]
    yield from sorted({found for text in texts for found in CHECK_ID.findall(text)})


def _commands() -> Iterator[str]:
    package = import_module("mcp_django.management.commands")
    for found in iter_modules(package.__path__):
        parser = ArgumentParser(prog=found.name, add_help=False)
        import_module(f"{package.__name__}.{found.name}").Command().add_arguments(parser)
        for action in parser._actions:
            names = ", ".join(action.option_strings) or action.dest
            value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
            yield f"{found.name} {names}{value} (default: {action.default!r})"


def _endpoints() -> Iterator[str]:
    from mcp_django.routing import get_http_urlpatterns  # importing it finds the declarations

    yield f"http {get_http_urlpatterns()[0].pattern}"  # the default server's, which comes first


if __name__ == "__main__":
    import django

    django.setup()
    SNAPSHOT.write_text(describe(), encoding="utf-8")
