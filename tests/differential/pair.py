"""Two answers to one request, and what of them is alike."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from mcp_types import PROTOCOL_VERSION_META_KEY
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from tests.differential.sides import Answer, Posted, Sides, ask


@dataclass
class Pair:
    """The answers of both servers. A known difference changes ``theirs`` into what ours should be."""

    posted: Posted
    ours: Answer
    theirs: Answer

    @property
    def message(self) -> dict[str, Any]:
        """What was posted; an empty dict when it is no object."""
        message = self.posted.message
        return message if isinstance(message, dict) else {}

    @property
    def method(self) -> Any:
        return self.message.get("method")

    @property
    def params(self) -> dict[str, Any]:
        params = self.message.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def arguments(self) -> dict[str, Any]:
        arguments = self.params.get("arguments")
        return arguments if isinstance(arguments, dict) else {}

    @property
    def meta(self) -> dict[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def handshake(self) -> bool:
        """Whether the headers say that this is a request of a revision with a handshake."""
        version = self.posted.header("mcp-protocol-version")
        return version is None or version in HANDSHAKE_PROTOCOL_VERSIONS

    @property
    def has_envelope(self) -> bool:
        return PROTOCOL_VERSION_META_KEY in self.meta

    def codes(self, ours: int | None, theirs: int | None) -> bool:
        """Whether the servers answered with these JSON-RPC error codes; ``None`` is no error."""
        return (self.ours.error_code, self.theirs.error_code) == (ours, theirs)

    def accept(self) -> None:
        """Take our answer as it is."""
        self.theirs = deepcopy(self.ours)


def complaint(answer: Answer) -> str:
    """Return the text of a tool's failure; empty when it didn't fail."""
    if not answer.result.get("isError"):
        return ""
    return "".join(block.get("text", "") for block in answer.result["content"])


def is_strict_json(body: bytes) -> bool:
    """Whether a body is JSON in UTF-8, without a byte order mark, NaN or lone surrogates."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        value = json.loads(body.decode("utf-8"), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True


async def ask_both(sides: Sides, posted: Posted) -> Pair:
    """Send one request to both servers."""
    return Pair(posted, await ask(sides.ours, posted), await ask(sides.theirs, posted))


def both(pair: Pair, member: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the items of a result's list, ours beside theirs; none when the two have not the same length."""
    ours, theirs = (side.result.get(member) for side in (pair.ours, pair.theirs))
    if not isinstance(ours, list) or not isinstance(theirs, list) or len(ours) != len(theirs):
        return []
    return list(zip(ours, theirs, strict=True))
