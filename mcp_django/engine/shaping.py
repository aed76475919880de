"""The bytes of a result, with what its revision wants in every one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, SERVER_INFO_META_KEY
from pydantic import ValidationError

from mcp_django.engine.schemas import result_schema
from mcp_django.exceptions import ProtocolError

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange

logger = logging.getLogger(__name__)


def stamp(exchange: Exchange, made: bytes) -> bytes:
    """Return a result that surely fits its revision, stamped as that wants.

    Args:
        made: JSON of an object that has members.
    """
    return made[:-1] + exchange.engine.stamp if exchange.modern else made


def shape(exchange: Exchange, result: dict[str, Any]) -> bytes:
    """Make the bytes of a result that may hold anything: checked against the revision's schema, and stamped.

    Raises:
        ProtocolError: the result doesn't fit: a bug of ours or of the author's, told in the log.
    """
    if exchange.modern:
        result.setdefault("resultType", "complete")
        result["_meta"] = {SERVER_INFO_META_KEY: exchange.engine.server_info, **(result.get("_meta") or {})}
    try:
        adapter = result_schema(exchange.method, exchange.version, result)
        checked = adapter.validator.validate_python(result, by_name=False)
        return adapter.serializer.to_json(checked, by_alias=True, exclude_none=True)
    except (ValidationError, ValueError) as error:
        logger.exception("The result of %s %s doesn't fit the schema.", exchange.method, exchange.component)
        raise ProtocolError(INTERNAL_ERROR, "The server made an invalid result. The error was logged.") from error
