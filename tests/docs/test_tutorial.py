"""docs/tutorial.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from tests.docs.conftest import Ask, Load
from tests.docs.pages import EXAMPLES, ROOT

pytestmark = pytest.mark.anyio

TUTORIAL = EXAMPLES / "tutorial"


@pytest.mark.django_db(transaction=True)
async def test_a_client_searches_reads_and_votes(ask: Ask, load: Load, question: Any, era: str) -> None:
    load("polls.mcp")
    async with ask(mode=era) as client:
        found = await client.call_tool("search_polls", {"text": "NEW"})
        (content,) = (await client.read_resource(f"polls://questions/{question.pk}")).contents
        choice = json.loads(content.text)["choices"][0]  # type: ignore[union-attr]
        voted = await client.call_tool("vote", {"choice_id": choice["id"]})
        unknown = await client.call_tool("vote", {"choice_id": 0})
    assert found.structured_content == {"result": [{"id": question.pk, "question_text": "What is new?"}]}
    assert voted.structured_content == {"id": choice["id"], "choice_text": "Not much", "votes": 4}
    assert unknown.is_error


@pytest.mark.django_db(transaction=True)
async def test_a_question_that_is_not_there_is_an_error(ask: Ask, load: Load) -> None:
    load("polls.mcp")
    async with ask() as client:
        with pytest.raises(MCPError, match="does not exist"):
            await client.read_resource("polls://questions/0")


@pytest.mark.django_db(transaction=True)
async def test_the_prompt_names_its_topic(ask: Ask, load: Load) -> None:
    load("polls.mcp")
    async with ask() as client:
        (message,) = (await client.get_prompt("summarise", {"topic": "tea"})).messages
    assert "'tea'" in message.content.text  # type: ignore[union-attr]


def test_the_settings_install_the_app(polls: Any) -> None:
    settings = import_module("mysite.settings")
    assert {"daphne", "mcp_django", "polls"} <= set(settings.INSTALLED_APPS)


def manage(*arguments: str, database: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TUTORIAL / "manage.py", *arguments],
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def environment(database: Path) -> dict[str, str]:
    settings = database.with_name("tutorial_settings.py")
    settings.write_text(
        f"from mysite.settings import *\nDATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', "
        f"'NAME': {str(database)!r}}}}}\n"
    )
    roots = os.pathsep.join((str(ROOT), str(database.parent)))
    return {**os.environ, "PYTHONPATH": roots, "DJANGO_SETTINGS_MODULE": "tutorial_settings"}


@pytest.mark.server
async def test_the_finished_project_is_served_over_stdio(tmp_path: Path) -> None:
    database = tmp_path / "db.sqlite3"
    assert "No changes detected" in manage("makemigrations", "--check", "--dry-run", database=database).stdout
    manage("migrate", "-v0", database=database)
    parameters = StdioServerParameters(
        command=sys.executable,
        args=[str(TUTORIAL / "manage.py"), "runmcp", "--stdio"],
        env=environment(database),
    )
    async with Client(stdio_client(parameters)) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found = await client.call_tool("search_polls", {"text": "anything"})
    assert tools == ["search_polls", "vote"]
    assert found.structured_content == {"result": []}
