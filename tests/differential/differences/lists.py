"""Known differences in lists, and in the items that they share with what is read."""

from __future__ import annotations

from mcp_types import INVALID_PARAMS

from tests.differential.components import RESOURCES
from tests.differential.differences.table import difference
from tests.differential.pair import Pair, both

COMPONENTS = ("tools", "resources", "resourceTemplates", "prompts")


@difference(
    "bad-cursor",
    "a cursor that is not ours is refused: MCPServer has no pages and reads no cursor",
    '2025-11-25 and 2026-07-28, server/utilities/pagination: "Invalid cursors SHOULD result in an error with code '
    '-32602 (Invalid params)."',
)
def bad_cursor(pair: Pair) -> None:
    if (
        str(pair.method).endswith("/list")
        and pair.codes(INVALID_PARAMS, None)
        and pair.params.get("cursor") is not None
    ):
        pair.accept()


@difference(
    "docstring",
    "a docstring loses its indentation",
    "our rule, and PEP 257's for docstrings",
)
def docstring(pair: Pair) -> None:
    for member in COMPONENTS:
        for ours, theirs in both(pair, member):
            given, kept = theirs.get("description", ""), ours.get("description", "")
            if given != kept and given.split() == kept.split():
                theirs["description"] = kept


@difference(
    "empty-members",
    "members that would say nothing are left out: an empty description, an empty list of a prompt's arguments",
    "our rule; both are optional",
)
def empty_members(pair: Pair) -> None:
    items = [each for member in COMPONENTS for each in both(pair, member)]
    if pair.method == "prompts/get":
        items.append((pair.ours.result, pair.theirs.result))
    for ours, theirs in items:
        for member, empty in (("description", ""), ("arguments", [])):
            if theirs.get(member) == empty and member not in ours:
                del theirs[member]


@difference(
    "mime-type",
    "a resource that declares no MIME type has none in the list, and when it is read the one that fits its content: "
    "the SDK says text/plain of bytes and of JSON",
    "our rule; mimeType is optional in both places",
)
def mime_type(pair: Pair) -> None:
    for member in ("resources", "contents"):
        for ours, theirs in both(pair, member):
            fitting = ours.get("mimeType") in (None, "application/json", "application/octet-stream")
            declared = RESOURCES.get(ours["uri"], (None, {"mime_type": "text/plain"}))[1]
            if "mime_type" not in declared and theirs.get("mimeType") == "text/plain" and fitting:
                theirs.pop("mimeType")
                theirs |= {"mimeType": ours["mimeType"]} if "mimeType" in ours else {}
