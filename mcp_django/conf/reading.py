"""A dict of settings, checked against a dataclass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from difflib import get_close_matches
from math import isfinite
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_NAMES = {
    "bool": "True or False",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": "a list of strings",
    "Mapping[str, tuple[str, ...]]": "a dict from strings to lists of strings",
    "OAuthSettings": "a dict",
}


def read(cls: Any, name: str, given: Mapping[Any, Any], check: Callable[[str, str, Any], None]) -> dict[str, Any]:
    """Return the values of a dict of settings, lists as tuples.

    Args:
        cls: the dataclass whose fields are the keys.
        name: what the errors call the dict.
        check: gets key, name and value of each, and raises ``ImproperlyConfigured`` when it is out of range.

    Raises:
        ImproperlyConfigured: a key is unknown, or its value has the wrong type or is out of range.
    """
    kinds = {each.name: str(each.type) for each in fields(cls)}
    values = {}
    for key, value in given.items():
        if key not in kinds:
            nearest = get_close_matches(str(key).upper(), kinds, n=1, cutoff=0.5)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else f" Known keys: {', '.join(sorted(kinds))}."
            raise ImproperlyConfigured(f"{name} has an unknown key {key!r}.{hint}")
        where = f"{name}[{key!r}]"
        if not _is_of_kind(kinds[key], value):
            raise ImproperlyConfigured(f"{where} must be {_NAMES[kinds[key]]}, not {value!r}.")
        values[key] = _frozen(kinds[key], value)
        check(key, where, values[key])
    return values


def check_numbers(positive: Collection[str], not_negative: Collection[str], key: str, where: str, value: Any) -> None:
    """Check the range of a number.

    Raises:
        ImproperlyConfigured: it is 0 or less and may not be.
    """
    if key in positive and value <= 0:
        raise ImproperlyConfigured(f"{where} must be greater than 0, not {value!r}.")
    if key in not_negative and value < 0:
        raise ImproperlyConfigured(f"{where} must not be negative, not {value!r}.")


def _is_of_kind(kind: str, value: Any) -> bool:
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "str":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        case "tuple[str, ...]":
            return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        case "Mapping[str, tuple[str, ...]]":
            whole = isinstance(value, dict) and all(isinstance(key, str) for key in value)
            return whole and all(_is_of_kind("tuple[str, ...]", each) for each in value.values())
    return isinstance(value, dict) or type(value).__name__ == kind


def _frozen(kind: str, value: Any) -> Any:
    if kind == "tuple[str, ...]":
        return tuple(value)
    if kind == "Mapping[str, tuple[str, ...]]":
        return MappingProxyType({key: tuple(each) for key, each in value.items()})
    return value
