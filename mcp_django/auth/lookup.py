"""Rows by their checksums, with SQL that is compiled once: making it costs Django ten times what running it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.db import connections, router
from django.db.models import Model
from django.dispatch import receiver

logger = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8)
"""For how many rows there is a query of its own. For a number between, the last checksum is asked for repeatedly."""

Row = tuple[Any, ...]
Converters = list[tuple[int, Any]]
Fetch = Callable[[list[str]], dict[str, Row]]


def find_rows(model: type[Model], field: str, checksums: Iterable[str], names: tuple[str, ...]) -> dict[str, Row]:
    """Return the values of some rows by their checksums, without those that there are not. For sync code.

    Args:
        field: the unique field that holds the checksum, in hexadecimal.
        checksums: one query for each eight.
        names: as ``values_list`` takes them.
    """
    alias = router.db_for_read(model)
    wanted = list(dict.fromkeys(checksums))
    found: dict[str, Row] = {}
    for start in range(0, len(wanted), SIZES[-1]):
        some = wanted[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        some += some[-1:] * (size - len(some))
        found |= _compiled(model, field, names, alias, size)(some)
    return found


@lru_cache(maxsize=32)
def _compiled(model: type[Model], field: str, names: tuple[str, ...], alias: str, size: int) -> Fetch:
    """Return what runs the query; without help of the compiler, when this Django's is another than we know."""
    try:
        fetch = _with_sql(model, field, names, alias, size)
    except Exception:
        logger.warning("The query of %s can't be compiled once; it is each time.", model.__name__, exc_info=True)
        return _with_orm(model, field, names, alias)
    return fetch


def _with_orm(model: type[Model], field: str, names: tuple[str, ...], alias: str) -> Fetch:
    rows = model._base_manager.using(alias).values_list(field, *names)

    def fetch(checksums: list[str]) -> dict[str, Row]:
        return {row[0]: row[1:] for row in rows.filter(**{f"{field}__in": checksums})}

    return fetch


def _with_sql(model: type[Model], field: str, names: tuple[str, ...], alias: str, size: int) -> Fetch:
    places = [f"{number:064x}" for number in range(size)]
    rows = model._base_manager.using(alias).filter(**{f"{field}__in": places})
    compiler = rows.values_list(field, *names).query.get_compiler(alias)
    sql, params = compiler.as_sql()
    start = params.index(places[0])
    before, after = tuple(params[:start]), tuple(params[start + size :])
    if list(params[start : start + size]) != places or len(compiler.select) != len(names) + 1:
        raise ValueError("The compiler made something else of the query.")
    converters = list(compiler.get_converters([expression for expression, _, _ in compiler.select]).items())

    def fetch(checksums: list[str]) -> dict[str, Row]:
        connection = connections[alias]
        with connection.cursor() as cursor:
            cursor.execute(sql, (*before, *checksums, *after))
            rows = cursor.fetchall()
        return {row[0]: row[1:] for row in (_converted(row, converters, connection) for row in rows)}

    return fetch


def _converted(row: Row, converters: Converters, connection: Any) -> Row:
    values = list(row)
    for place, (functions, expression) in converters:
        for convert in functions:
            values[place] = convert(values[place], expression, connection)
    return tuple(values)


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    _compiled.cache_clear()
