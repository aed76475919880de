"""The one table of what is known to differ between our server and the SDK's, and why.

Each entry finds its difference in a pair of answers and changes ``theirs`` into what ours should be. What then still
differs is a bug of ours, or a difference that has to be written down here.
"""

from __future__ import annotations

from tests.differential.differences import calls, lists, schemas, transport
from tests.differential.differences.table import TABLE, Difference, compare

__all__ = ["TABLE", "Difference", "calls", "compare", "lists", "schemas", "transport"]
