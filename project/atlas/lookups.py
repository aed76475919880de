"""A prefix lookup that uses an index on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Lookup
from django.db.models.lookups import StartsWith

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

_LAST_CHARACTER = "\U0010ffff"


class Prefix(Lookup):
    """``folded__prefix="muni"`` finds what ``startswith`` finds, as a range of the index.

    SQLite's ``LIKE`` ignores case, so it can't use an index that doesn't. PostgreSQL's can, given a pattern operator
    class, whereas ranges of its linguistic collations aren't prefixes.
    """

    lookup_name = "prefix"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        prefix = str(rhs_params[0])
        return f"{lhs} >= {rhs} AND {lhs} < {rhs}", (*lhs_params, prefix, *lhs_params, prefix + _LAST_CHARACTER)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return compiler.compile(StartsWith(self.lhs, self.rhs))
