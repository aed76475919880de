"""One row by a checksum, with SQL that is compiled once: making it costs Django ten times what running it does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.db import connections, router
from django.db.models import Model
from django.dispatch import receiver

logger = logging.getLogger(__name__)

_PLACEHOLDER = "0" * 64

Row = tuple[Any, ...]
Fetch = Callable[[str], Row | None]


def find_row(model: type[Model], field: str, checksum: str, names: tuple[str, ...]) -> Row | None:
    """Return the values of one row; ``None`` when there is none. For sync code.

    Args:
        field: the unique field that holds the checksum, in hexadecimal.
        names: as ``values_list`` takes them.
    """
    return _compiled(model, field, names, router.db_for_read(model))(checksum)


@lru_cache(maxsize=32)
def _compiled(model: type[Model], field: str, names: tuple[str, ...], alias: str) -> Fetch:
    """Return what runs the query; without help of the compiler, when this Django's is another than we know."""
    try:
        fetch = _with_sql(model, field, names, alias)
    except Exception:
        logger.warning("The query of %s can't be compiled once; it is each time.", model.__name__, exc_info=True)
        return _with_orm(model, field, names, alias)
    return fetch


def _with_orm(model: type[Model], field: str, names: tuple[str, ...], alias: str) -> Fetch:
    rows = model._base_manager.using(alias)

    def fetch(checksum: str) -> Row | None:
        return rows.filter(**{field: checksum}).values_list(*names).first()

    return fetch


def _with_sql(model: type[Model], field: str, names: tuple[str, ...], alias: str) -> Fetch:
    query = model._base_manager.using(alias).filter(**{field: _PLACEHOLDER}).values_list(*names).query
    compiler = query.get_compiler(alias)
    sql, params = compiler.as_sql()
    places = [place for place, value in enumerate(params) if value == _PLACEHOLDER]
    if len(places) != 1 or len(compiler.select) != len(names):
        raise ValueError("The compiler made something else of the query.")
    converters = list(compiler.get_converters([expression for expression, _, _ in compiler.select]).items())
    before, after = tuple(params[: places[0]]), tuple(params[places[0] + 1 :])

    def fetch(checksum: str) -> Row | None:
        connection = connections[alias]
        with connection.cursor() as cursor:
            cursor.execute(sql, (*before, checksum, *after))
            row = cursor.fetchone()
        if row is None:
            return None
        values = list(row)
        for place, (functions, expression) in converters:
            for convert in functions:
                values[place] = convert(values[place], expression, connection)
        return tuple(values)

    return fetch


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    _compiled.cache_clear()
