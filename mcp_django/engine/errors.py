"""What the client reads when something fails: what the author meant it to read, and else one neutral sentence."""

from __future__ import annotations

import logging
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.http import Http404

from mcp_django.engine.execution import TimedOut
from mcp_django.engine.outputs import Unserialisable
from mcp_django.engine.sdk import sdk_classes
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.exceptions import ProtocolError, ResourceError, ToolError

logger = logging.getLogger(__name__)

_MEANT = (ToolError, ResourceError, InvalidArguments)

E = TypeVar("E", bound=Exception)


class NotThere(Exception):
    """Nothing is at this URI, or nothing that the caller may see: the two look alike."""

    def __init__(self, uri: str, text: str = "") -> None:
        super().__init__(text or f"Unknown resource: {uri}")


def explain(error: Exception, what: str, wrapper: type[E]) -> E | ProtocolError | NotThere:
    """Return what to raise, or to show, in the place of what an author's function raised.

    Args:
        error: what it raised.
        what: the function, as the sentence begins: ``"Tool 'vote'"``.
        wrapper: made of the text that the client reads.

    Returns:
        ``error`` itself when it is a protocol error on purpose, or says that nothing is there.
    """
    if isinstance(error, ProtocolError | NotThere):
        return error
    if isinstance(error, sdk_classes("MCPError")):
        return ProtocolError(error.code, error.message, error.data)
    if (text := _readable(error, what)) is not None:
        logger.info("%s failed: %s: %s", what, type(error).__name__, type(error.__cause__ or error).__name__)
        return wrapper(text)
    if isinstance(error, Unserialisable):
        logger.error("%s: %s", what, error)
    else:
        logger.error("%s raised an unexpected exception.", what, exc_info=error)
    return wrapper(f"{what} failed unexpectedly. The error was logged.")


def _readable(error: Exception, what: str) -> str | None:
    """Return the text that the author meant the client to read; ``None`` when the error is a crash."""
    if isinstance(error, _MEANT) or _meant_by_the_sdk(error):
        return str(error)
    if isinstance(error, TimedOut):
        return f"{what} {error}."
    if isinstance(error, ValidationError):
        return _validation_text(error)
    if isinstance(error, PermissionDenied):
        return str(error) or "You may not do this."
    if isinstance(error, Http404 | ObjectDoesNotExist):
        return str(error) or "There is no such object."
    return None


def _meant_by_the_sdk(error: Exception) -> bool:
    crashed = sdk_classes("UnexpectedToolError", "UnexpectedResourceError")
    return isinstance(error, sdk_classes("ToolError", "ResourceError")) and not isinstance(error, crashed)


def _validation_text(error: ValidationError) -> str:
    if hasattr(error, "error_dict"):
        lines = [
            message if field == "__all__" else f"{field}: {message}"
            for field, messages in error.message_dict.items()
            for message in messages
        ]
        return " ".join(lines)
    return " ".join(error.messages)
