"""Known differences of the schemas that are made of signatures."""

from __future__ import annotations

from typing import Any

from tests.differential.differences.table import difference
from tests.differential.pair import Pair, both


@difference(
    "closed-schema",
    "additionalProperties is false in the input schemas that are made from signatures, and for the dataclasses and "
    "TypedDicts in them: a pydantic model says for itself what it does with more",
    "our rule: unknown arguments are refused with their names",
)
def closed_schema(pair: Pair) -> None:
    for ours, theirs in both(pair, "tools"):
        our_schema, their_schema = ours["inputSchema"], theirs["inputSchema"]
        pairs = [(our_schema, their_schema)]
        for name in our_schema.get("$defs", {}).keys() & their_schema.get("$defs", {}).keys():
            pairs.append((our_schema["$defs"][name], their_schema["$defs"][name]))
        for closed, other in pairs:
            if closed.get("additionalProperties") is False:
                other.setdefault("additionalProperties", False)


@difference(
    "schema-title",
    "the titles of a tool's schemas are made of its name, and a dict of results has none: the SDK makes them of the "
    "name of the function",
    "our rule: one function may serve two tools",
)
def schema_title(pair: Pair) -> None:
    for ours, theirs in both(pair, "tools"):
        for member, ending in (("inputSchema", "Arguments"), ("outputSchema", "Output")):
            if member not in ours or member not in theirs:
                continue
            if ours[member].get("title") == f"{ours['name']}{ending}":
                theirs[member]["title"] = f"{ours['name']}{ending}"
            elif "title" not in ours[member] and str(theirs[member].get("title")).endswith("DictOutput"):
                del theirs[member]["title"]


@difference(
    "untyped-parameter",
    "a parameter without an annotation takes anything: the SDK says that it is a string",
    "our rule: nothing is said of what isn't known, and nothing of it is enforced",
)
def untyped_parameter(pair: Pair) -> None:
    for ours, theirs in schemas(pair, "inputSchema"):
        for name, schema in ours.get("properties", {}).items():
            other = theirs.get("properties", {}).get(name, {})
            if "type" not in schema and other.get("title") == name and other.get("type") == "string":
                del other["type"]
                other["title"] = schema["title"]


@difference(
    "mapping-result",
    "a mapping by strings is an object, whatever its class: the SDK wraps those that are no dict",
    "our rule, and collections.abc's",
)
def mapping_result(pair: Pair) -> None:
    for ours, theirs in schemas(pair, "outputSchema"):
        wrapped = theirs.get("properties", {}).get("result", {})
        if "properties" not in ours and ours.get("additionalProperties") == wrapped.get("additionalProperties", theirs):
            theirs.clear()
            theirs |= ours


@difference(
    "root-model-result",
    "a root model that is no object is wrapped: the SDK publishes what structured content may not be",
    '2025-11-25, schema, Tool.outputSchema: "type": "object"',
)
def root_model_result(pair: Pair) -> None:
    for ours, theirs in schemas(pair, "outputSchema"):
        root = dict(next(iter(ours.get("$defs", {}).values()), {}))
        if (
            ours.get("type") == "object" != theirs.get("type") == root.get("type")
            and root.get("items") == theirs["items"]
        ):
            theirs.clear()
            theirs |= ours


@difference(
    "dataclass-defaults",
    "a dataclass's field with a default_factory may be missing: the SDK requires it",
    "our rule, and dataclasses'",
)
def dataclass_defaults(pair: Pair) -> None:
    for ours, theirs in schemas(pair, "outputSchema"):
        if set(ours.get("required", ())) < set(theirs.get("required", ())):
            theirs["required"] = ours["required"]


@difference(
    "bytes-are-content",
    "bytes become a blob, alone or in a list, and no structured content: the SDK makes a string of them",
    'server/tools, Embedded Resources: "blob": base64-encoded data',
)
def bytes_are_content(pair: Pair) -> None:
    for ours, theirs in both(pair, "tools"):
        result = theirs.get("outputSchema", {}).get("properties", {}).get("result", {})
        if "outputSchema" not in ours and result.get("items", result).get("format") == "binary":
            del theirs["outputSchema"]


@difference(
    "serialized-schema",
    "an output schema says what is sent, computed fields too: the SDK's says what would be taken",
    'server/tools, Output Schema: "Servers MUST provide structured results that conform to this schema."',
)
def serialized_schema(pair: Pair) -> None:
    for ours, theirs in schemas(pair, "outputSchema"):
        computed = [name for name, schema in ours.get("properties", {}).items() if schema.get("readOnly")]
        theirs.get("properties", {}).update({name: ours["properties"][name] for name in computed})
        if computed and theirs.get("required") is not None:
            theirs["required"] += computed
        items, others = (side.get("properties", {}).get("result", {}).get("items", {}) for side in (ours, theirs))
        if "anyOf" in others and {"type": items.get("type")}.items() <= others["anyOf"][-1].items():
            others.clear()
            others.update(items)


def schemas(pair: Pair, member: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return a member of the tools in a list, ours beside theirs, where both have it."""
    return [
        (ours[member], theirs[member]) for ours, theirs in both(pair, "tools") if member in ours and member in theirs
    ]
