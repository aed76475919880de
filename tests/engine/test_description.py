"""``MCPServer.describe()``."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_django import MCPServer
from mcp_django.engine.description import ComponentDescription, ServerDescription


def described(server: MCPServer) -> tuple[ServerDescription, dict[str, ComponentDescription]]:
    description: ServerDescription = server.describe()
    return description, {each.key: each for each in description.components}


def test_a_server_without_components_is_described(server: MCPServer) -> None:
    description, components = described(server)
    assert components == {}
    assert (description.path, description.info["name"], description.info["version"]) == ("fixture", "fixture", "1.0")
    assert set(description.counts.values()) == {0}


def test_each_component_says_where_it_is_declared_and_what_it_asks(server: MCPServer) -> None:
    @server.tool(title="Vote", scopes=["polls:vote"], permissions=["polls.add_vote"], read_only=False)
    def vote(choice: int) -> int:
        """Vote for a choice."""
        return choice

    @server.resource("polls://{number}", annotations={"audience": ["user"]})
    def poll(number: int) -> str:
        return ""

    @server.resource("polls://latest")
    def latest() -> str:
        return ""

    server.completion(resource="polls://{number}", argument="number")(lambda typed: [])
    server.custom_route("/health")(lambda request: None)
    description, components = described(server)
    tool = components["vote"]
    assert (tool.kind, tool.title, tool.description, tool.enabled) == ("tool", "Vote", "Vote for a choice.", True)
    assert (tool.app, tool.module) == ("", __name__)
    assert tool.line == vote.__code__.co_firstlineno
    assert (tool.scopes, tool.permissions) == (("polls:vote",), ("polls.add_vote",))
    assert tool.annotations == {"readOnlyHint": False}
    assert tool.input_schema["properties"]["choice"]["type"] == "integer"
    assert tool.output_schema is not None
    assert components["polls://{number}"].is_template
    assert components["polls://{number}"].annotations == {"audience": ["user"]}
    assert components["GET /health"].listing == {}
    assert description.counts == {
        "tool": 1, "resource": 1, "template": 1, "prompt": 0, "completion": 1, "route": 1,
    }  # fmt: skip


def test_the_app_is_named_that_holds_the_module() -> None:
    from mcp_django import mcp
    from mcp_django.registry import discover

    discover()
    apps = {each.app for each in mcp.describe().components if each.module.startswith("project.atlas")}
    assert apps == {"atlas"}


@pytest.mark.django_db(transaction=True)
def test_what_is_off_is_described_with_its_schema(server: MCPServer) -> None:
    @server.tool
    def vote(choice: int) -> int:
        return choice

    server.disable("tool", "vote")
    tool = described(server)[1]["vote"]
    assert not tool.enabled
    assert "choice" in tool.input_schema["properties"]


def test_a_callable_without_code_has_no_line(server: MCPServer) -> None:
    class Vote:
        __name__ = "vote"
        __doc__ = "Vote."

        def __call__(self) -> str:
            return ""

    called: Any = Vote()
    server.add_tool(called)
    assert described(server)[1]["vote"].line == 0
