"""What a function asks the client while it runs: the author writes it once, for every revision.

A handshake client gets a request on the call's stream, and the function waits. A client of 2026-07-28 gets the
questions as the call's result; it calls again with the answers, and the function runs again from its beginning, finding
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp.server.elicitation import AcceptedElicitation, CancelledElicitation, DeclinedElicitation
from mcp.server.mcpserver import Elicit, ListRoots, Sample
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CreateMessageResult,
    CreateMessageResultWithTools,
    ListRootsResult,
)
from pydantic import BaseModel, ValidationError

from mcp_django.engine.exchange import NoWay
from mcp_django.engine.rounds import InputRequired
from mcp_django.exceptions import ToolError

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange

METHODS = {"elicitation": "elicitation/create", "sampling": "sampling/createMessage", "roots": "roots/list"}


class Question:
    """One question in the form that goes to the client, and what makes a value of its answer."""

    def __init__(self, asked: Any) -> None:
        self._schema: type[BaseModel] | None = None
        self.part = ""
        """What of the capability it takes, beyond the least: ``"url"`` of elicitation, ``"tools"`` of sampling."""

        if isinstance(asked, Elicit):
            self.capability = "elicitation"
            self.params = self._form(asked.message, asked.schema)
        elif isinstance(asked, ElicitURL):
            self.capability, self.params, self.part = "elicitation", asked.params, "url"
        elif isinstance(asked, Sample):
            self.capability = "sampling"
            self.params = asked.params.model_dump(by_alias=True, mode="json", exclude_none=True)
            self.part = "tools" if asked.params.tools or asked.params.tool_choice else ""
        elif isinstance(asked, ListRoots):
            self.capability, self.params = "roots", {}
        else:
            raise TypeError(f"{asked!r} is no question: use Elicit, ElicitURL, Sample or ListRoots.")

    @property
    def method(self) -> str:
        """The method of the request."""
        return METHODS[self.capability]

    def _form(self, message: str, schema: Any) -> dict[str, Any]:
        if isinstance(schema, Mapping):
            rendered = dict(schema)
        else:
            self._schema, rendered = schema, render_form(schema)
        return {"mode": "form", "message": message, "requestedSchema": rendered}

    def read(self, answer: Any) -> Any:
        """Make a value of the client's answer.

        Raises:
            ValueError: it is no answer to this question.
        """
        if self.capability == "roots":
            return ListRootsResult.model_validate(answer, by_name=False)
        if self.capability == "sampling":
            several = isinstance(answer, Mapping) and isinstance(answer.get("content"), list)
            model = CreateMessageResultWithTools if several else CreateMessageResult
            return model.model_validate(answer, by_name=False)
        return self._elicited(answer)

    def _elicited(self, answer: Any) -> Any:
        action = answer.get("action") if isinstance(answer, Mapping) else None
        if action == "decline":
            return DeclinedElicitation()
        if action == "cancel":
            return CancelledElicitation()
        if action != "accept":
            raise ValueError("an elicitation is accepted, declined or cancelled")
        content = answer.get("content")
        if self._schema is not None:
            content = self._schema.model_validate(content)
        return AcceptedElicitation.model_construct(action="accept", data=content)


class ElicitURL:
    """Asks the person to visit a page, so that what they enter there never passes through the client."""

    def __init__(self, message: str, url: str, elicitation_id: str) -> None:
        self.params = {"mode": "url", "message": message, "url": url, "elicitationId": elicitation_id}


def render_form(model: type[BaseModel]) -> dict[str, Any]:
    """Make the flat JSON Schema that an elicitation takes (2025-11-25, client/elicitation, Requested Schema).

    Raises:
        TypeError: a field is no string, number, boolean, enum, or list of an enum.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    properties = {name: _flat(each, definitions) for name, each in schema.get("properties", {}).items()}
    for name, rendered in properties.items():
        items = rendered.get("items", {})
        listed = rendered.get("type") == "array" and ("enum" in items or "anyOf" in items or "oneOf" in items)
        if rendered.get("type") not in ("string", "number", "integer", "boolean") and not listed:
            raise TypeError(
                f"{model.__name__}.{name}: a form has fields for strings, numbers, booleans and enums only."
            )
    return {key: schema[key] for key in ("type", "required") if key in schema} | {"properties": properties}


def _flat(rendered: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a reference leads to in its place; ``X | None`` becomes ``X``: a form leaves out what is not filled."""
    flat = dict(rendered)
    choices = [each for each in flat.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1 and len(flat["anyOf"]) == 2:
        del flat["anyOf"]
        flat = {**choices[0], **flat}
    if "default" in flat and flat["default"] is None:
        del flat["default"]
    if "$ref" in flat:
        meant = definitions[flat.pop("$ref").rpartition("/")[2]]
        flat = {key: value for key, value in meant.items() if key not in ("title", "description")} | flat
    if isinstance(flat.get("items"), Mapping):
        flat["items"] = _flat(flat["items"], definitions)
    return flat


async def ask(exchange: Exchange, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Ask some questions at once, and return the answers by their keys.

    Raises:
        MCPError: a client of 2026-07-28 doesn't offer what a question needs (-32021).
        ToolError: a handshake client doesn't, can't be asked, or gives no answer that fits.
    """
    questions = {key: Question(each) for key, each in asked.items()}
    for question in questions.values():
        _require(exchange, question)
    if exchange.modern:
        return _found(exchange, questions)
    tasks = [asyncio.ensure_future(_asked(exchange, question)) for question in questions.values()]
    try:
        return dict(zip(questions, await asyncio.gather(*tasks), strict=True))
    finally:  # when one of them fails, nobody waits for the others
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ping(exchange: Exchange) -> None:
    """Wait for a sign of life. Raises ``ToolError`` when the client can't be asked, or answers with an error."""
    try:
        response = await exchange.ask("ping", {})
    except NoWay as error:
        raise ToolError(str(error) or "The client can't be asked anything: it has no session.") from error
    if "error" in response:
        raise ToolError(f"The client did not answer: {response['error'].get('message')}")


def _found(exchange: Exchange, questions: dict[str, Question]) -> dict[str, Any]:
    values, missing = {}, {}
    for key, question in questions.items():
        try:
            values[key] = question.read(exchange.answers[key])
        except (KeyError, ValueError):  # not answered yet, or not with what was asked for: ask again
            missing[key] = {"method": question.method, "params": question.params}
    if missing:
        raise InputRequired(missing)
    return values


async def _asked(exchange: Exchange, question: Question) -> Any:
    try:
        response = await exchange.ask(question.method, question.params)
    except NoWay as error:
        raise ToolError(str(error) or "The client can't be asked anything: it has no session.") from error
    if "error" in response:
        raise ToolError(f"The client did not answer: {response['error'].get('message')}")
    try:
        return question.read(response.get("result"))
    except (ValidationError, ValueError) as error:
        raise ToolError("The client's answer doesn't fit the question.") from error


def _require(exchange: Exchange, question: Question) -> None:
    if _offers(exchange.client_capabilities, question):
        return
    needed: dict[str, Any] = {question.capability: {question.part: {}} if question.part else {}}
    if exchange.modern:
        message = f"The client doesn't offer {question.capability}."
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, message, {"requiredCapabilities": needed})
    if exchange.connection is None:
        raise ToolError("The client can't be asked anything: it has no session.")
    raise ToolError(f"The client doesn't offer {question.capability}.")


def _offers(capabilities: Any, question: Question) -> bool:
    """Whether the client can be asked this.

    Elicitation without a part named is that of a form (2025-11-25, client/elicitation, Capabilities).
    """
    offered = capabilities.get(question.capability) if isinstance(capabilities, Mapping) else None
    if not isinstance(offered, Mapping):
        return False
    if question.capability == "elicitation" and not question.part:
        return not offered or "form" in offered or "url" not in offered
    return not question.part or question.part in offered
