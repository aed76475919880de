"""The corpus: every method in every revision, good and bad."""

from __future__ import annotations

from mcp_types.version import LATEST_HANDSHAKE_VERSION

from tests.differential.corpus import calls, envelopes, headers, lifecycle, reads
from tests.differential.corpus.cases import MODERN, REVISIONS, Case, Form, gather

ERAS = (LATEST_HANDSHAKE_VERSION, MODERN)
"""For what no handshake revision does differently from another: HTTP itself, the arguments of tools."""

CASES = [
    *gather([*lifecycle.FAMILIES, *calls.FAMILIES, *reads.FAMILIES, *envelopes.FAMILIES, *headers.FAMILIES]),
    *gather([*calls.FAMILIES_OF_AN_ERA, *envelopes.FAMILIES_OF_AN_ERA], ERAS),
]

__all__ = ["CASES", "MODERN", "REVISIONS", "Case", "Form"]
