"""What the library leans on in the SDK besides the protocol: templates, exceptions, content, questions, sealing."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import mcp_types
import pytest
from mcp.server import elicitation, mcpserver
from mcp.server.mcpserver import exceptions as mcpserver_exceptions
from mcp.server.mcpserver.prompts import base as prompts_base
from mcp.shared import exceptions, uri_template
from pydantic import BaseModel, Field

from mcp_django.engine import sdk


def test_uri_template() -> None:
    template = uri_template.UriTemplate.parse("polls://{poll}/{+path}{?limit,offset}")
    assert list(template.variable_names) == ["poll", "path", "limit", "offset"]
    assert set(template.query_variable_names) == {"limit", "offset"}
    assert template.match("polls://1/a/b?limit=2") == {"poll": "1", "path": "a/b", "limit": "2"}
    assert template.match("polls://1") is None
    assert issubclass(uri_template.InvalidUriTemplate, ValueError)
    with pytest.raises(uri_template.InvalidUriTemplate):
        uri_template.UriTemplate.parse("polls://{poll")


@pytest.mark.parametrize("value", ["..", "../a", "a\0", "/etc", "C:\\", "..\\a", ["a", ".."]])
def test_resource_security_names_the_parameter_that_leaves_its_place(value: Any) -> None:
    assert mcpserver.DEFAULT_RESOURCE_SECURITY.validate({"good": "a/b.txt", "bad": value}) == "bad"
    assert mcpserver.DEFAULT_RESOURCE_SECURITY.validate({"good": "a/b.txt"}) is None


def test_exceptions_mean_what_they_mean_there() -> None:
    error = exceptions.MCPError(-31000, "m", {"a": 1})
    assert (error.code, error.message, error.data, str(error)) == (-31000, "m", {"a": 1}, "m")
    assert exceptions.MCPError(-31000, "m").data is None
    assert issubclass(mcpserver_exceptions.UnexpectedToolError, mcpserver_exceptions.ToolError)
    assert issubclass(mcpserver_exceptions.UnexpectedResourceError, mcpserver_exceptions.ResourceError)
    assert not issubclass(mcpserver_exceptions.ToolError, exceptions.MCPError)


@pytest.mark.parametrize(("name", "home"), sdk._HOMES.items())
def test_the_classes_that_are_known_without_an_import_are_where_they_are_looked_for(name: str, home: str) -> None:
    module = import_module(home)
    assert sdk.sdk_classes(name) == (getattr(module, name),)
    assert getattr(module, name).__module__ == home


def test_the_classes_that_authors_import_are_the_same_ones() -> None:
    public = (mcpserver.Audio, mcpserver.Context, mcpserver.Image, exceptions.MCPError)
    assert sdk.sdk_classes("Audio", "Context", "Image", "MCPError") == public


def test_a_class_that_nobody_has_imported_has_no_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mcp.shared.exceptions")
    assert sdk.sdk_classes("MCPError", "Image") == (mcpserver.Image,)
    assert not isinstance(exceptions.MCPError(1, "m"), sdk.sdk_classes("MCPError"))


def test_context_is_a_class_to_annotate_with_bare_or_not() -> None:
    assert isinstance(mcpserver.Context, type)
    assert issubclass(mcpserver.Context[Any, Any], mcpserver.Context)


def test_image_and_audio_make_content_blocks() -> None:
    image = mcpserver.Image(data=b"a", format="png").to_image_content()
    audio = mcpserver.Audio(data=b"a", format="wav").to_audio_content()
    dumped = [each.model_dump(by_alias=True, mode="json", exclude_none=True) for each in (image, audio)]
    assert dumped == [
        {"type": "image", "data": "YQ==", "mimeType": "image/png"},
        {"type": "audio", "data": "YQ==", "mimeType": "audio/wav"},
    ]


def test_prompt_messages_hold_role_and_content() -> None:
    message = prompts_base.Message("hello", role="assistant")
    assert (message.role, message.content.type) == ("assistant", "text")


# Questions


class Form(BaseModel):
    name: str = Field(description="Who")
    age: int | None = None


def test_an_elicitation_form_is_rendered_as_clients_want_it() -> None:
    schema = elicitation.render_elicitation_schema(Form)
    assert (schema["type"], schema["required"]) == ("object", ["name"])
    assert (schema["properties"]["name"]["type"], schema["properties"]["age"]["type"]) == ("string", "integer")


def test_what_became_of_an_elicitation_has_a_class_of_its_own() -> None:
    construct: Any = elicitation.AcceptedElicitation.model_construct
    accepted = construct(action="accept", data={"a": 1})
    assert (accepted.action, accepted.data) == ("accept", {"a": 1})
    assert elicitation.DeclinedElicitation().action == "decline"
    assert elicitation.CancelledElicitation().action == "cancel"


def test_questions_are_plain_objects() -> None:
    asked = mcpserver.Elicit("Who?", Form)
    assert (asked.message, asked.schema) == ("Who?", Form)
    content = mcp_types.TextContent(type="text", text="t")
    sample = mcpserver.Sample([mcp_types.SamplingMessage(role="user", content=content)], max_tokens=10)
    params = sample.params.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert params["maxTokens"] == 10
    assert params["messages"] == [{"role": "user", "content": {"type": "text", "text": "t"}}]
    assert isinstance(mcpserver.ListRoots(), mcpserver.ListRoots)


def test_answers_to_questions_are_read() -> None:
    block = {"type": "text", "text": "t"}
    sampled = {"role": "assistant", "content": block, "model": "m"}
    assert mcp_types.CreateMessageResult.model_validate(sampled, by_name=False).model == "m"
    several = {**sampled, "content": [block]}
    assert isinstance(mcp_types.CreateMessageResultWithTools.model_validate(several, by_name=False).content, list)
    roots = mcp_types.ListRootsResult.model_validate({"roots": [{"uri": "file:///a"}]}, by_name=False)
    assert str(roots.roots[0].uri) == "file:///a"


# Sealing


def test_what_one_key_seals_the_ring_unseals() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = mcpserver.AESGCMRequestStateCodec((old,)).seal(json.dumps({"a": 1}).encode())
    assert json.loads(mcpserver.AESGCMRequestStateCodec((new, old)).unseal(sealed)) == {"a": 1}
    assert '"a"' not in sealed


@pytest.mark.parametrize("change", [lambda text: text + "A", lambda text: text[:-2], lambda text: "x", lambda text: ""])
def test_what_was_tampered_with_is_not_unsealed(change: Any) -> None:
    codec = mcpserver.AESGCMRequestStateCodec((b"k" * 32,))
    with pytest.raises(mcpserver.InvalidRequestState):
        codec.unseal(change(codec.seal(b"{}")))
    with pytest.raises(mcpserver.InvalidRequestState):
        mcpserver.AESGCMRequestStateCodec((b"x" * 32,)).unseal(codec.seal(b"{}"))
