"""From what a tool returned to the ``CallToolResult`` on the wire."""

from __future__ import annotations

from base64 import b64encode
from math import isfinite
from typing import Any

from mcp_types import CallToolResult, InputRequiredResult
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from mcp_django.engine.content import Image, Media
from mcp_django.engine.outputs import CONTENT_BLOCKS, Output, Unserialisable, refuse
from mcp_django.engine.sdk import sdk_classes

_FINITE = frozenset({str, int, bool, type(None)})
_PLAIN = frozenset({str, int, float, bool, type(None), dict})
_BLOCKS = (*CONTENT_BLOCKS, Media)


def to_result(value: Any, output: Output | None, tool: str) -> dict[str, Any] | bytes:
    """Make the wire form of a ``CallToolResult``: its JSON, where it is made of texts and plain data alone.

    That fits every revision and needs no second look; all else does.

    Raises:
        Unserialisable: the value can't be sent; the text is for the log.
        pydantic.ValidationError: the value doesn't fit the declared type.
    """
    if type(value) not in _PLAIN and isinstance(value, CallToolResult | InputRequiredResult):
        if output is not None and isinstance(value, CallToolResult) and not value.is_error:
            _check_promise(value.structured_content, output)
        return value.model_dump(by_alias=True, mode="json", exclude_none=True)
    if output is None:
        made = {"content": to_blocks(value, tool), "isError": False}
        return to_json(made) if type(value) in _PLAIN else made
    if type(value) is output.same:
        return _alone(value, tool)  # type: ignore[arg-type]
    plain = output.dump(value)
    if type(plain) not in _FINITE and lacks_json(plain):
        raise Unserialisable(f"The result of {tool!r} holds a number that JSON lacks: NaN or an infinity.")
    structured = {"result": plain} if output.wrapped else plain
    return to_json({"content": to_blocks(plain, tool), "structuredContent": structured, "isError": False})


_ALONE = b'{"content":[{"type":"text","text":%b}],"structuredContent":{"result":%b},"isError":false}'


def _alone(value: str | int, tool: str) -> bytes:
    """Make the result of a tool that returns a text, a number or a truth value."""
    if type(value) is str:
        text = made = to_json(_sendable(value, tool))
    else:
        made = to_json(value)
        text = b'"%b"' % made
    return _ALONE % (text, made)


def to_blocks(value: Any, tool: str) -> list[dict[str, Any]]:
    """Make the content blocks of a value: one, or one for each item of a list.

    Raises:
        Unserialisable: JSON can't hold it, or it is a model or a QuerySet without a declared type.
    """
    if type(value) is int:
        return [{"type": "text", "text": str(value)}]
    if value is None:
        return []
    if isinstance(value, str):
        return [{"type": "text", "text": _sendable(value, tool)}]
    if isinstance(value, list | tuple):
        return [block for item in value for block in to_blocks(item, tool)]
    if type(value) not in _PLAIN and isinstance(value, (*_BLOCKS, *sdk_classes("Image", "Audio"))):
        return [to_block(value)]
    if isinstance(value, bytes):
        blob = {"uri": f"tool://{tool}/result", "mimeType": "application/octet-stream", "blob": _base64(value)}
        return [{"type": "resource", "resource": blob}]
    return [{"type": "text", "text": plain_json(value, None, tool)}]


def plain_json(value: Any, output: Output | None, name: str) -> str:
    """Make JSON, indented for reading, of a value and its declared type.

    Raises:
        Unserialisable: JSON can't hold it, or it is a model or a QuerySet without a declared type.
        pydantic.ValidationError: it doesn't fit the declared type.
    """
    if output is not None:
        value = output.dump(value)
    try:
        return to_json(value, indent=2, inf_nan_mode="null", fallback=refuse).decode()
    except (PydanticSerializationError, ValueError) as error:
        raise Unserialisable(f"The result of {name!r} can't be sent: {error}") from error


def to_block(value: Any) -> dict[str, Any]:
    """Make the wire form of one content block, picture or sound."""
    if isinstance(value, Media):
        kind = "image" if isinstance(value, Image) else "audio"
        return {"type": kind, "data": _base64(value.read()), "mimeType": value.mime_type}
    block: BaseModel = value
    if isinstance(value, sdk_classes("Image")):
        block = value.to_image_content()
    elif isinstance(value, sdk_classes("Audio")):
        block = value.to_audio_content()
    return block.model_dump(by_alias=True, mode="json", exclude_none=True)


def _check_promise(structured: Any, output: Output) -> None:
    """Check what an author put into a ``CallToolResult`` against what the tool promises."""
    if output.wrapped and isinstance(structured, dict) and structured.keys() == {"result"}:
        structured = structured["result"]
    output.adapter.validate_python(structured)


def _sendable(text: str, tool: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unserialisable(f"The result of {tool!r} holds half a character: {error}") from error
    return text


def lacks_json(value: Any) -> bool:
    """Whether plain data holds a number that JSON has no form for."""
    if type(value) in _FINITE:
        return False
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, dict):
        return any(map(lacks_json, value.values()))
    return isinstance(value, list) and any(map(lacks_json, value))


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
