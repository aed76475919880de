"""Several servers in one project: what the page how-to/several-servers.md shows."""

from __future__ import annotations

from polls.models import Choice, Question

from mcp_django import MCPServer, mcp

# region: declare
reports = MCPServer(
    "reports",
    title="Poll reports",
    instructions="Figures only. Nothing here changes anything.",
    version="1.0",
)


@reports.tool(read_only=True)
def totals() -> dict[str, int]:
    """How many questions, choices and votes there are."""
    choices = list(Choice.objects.all())
    return {
        "questions": Question.objects.count(),
        "choices": len(choices),
        "votes": sum(choice.votes for choice in choices),
    }


# endregion
# region: both
def ping() -> str:
    """Say that the polls are up."""
    return "The polls are up."


for server in (mcp, reports):
    server.add_tool(ping)
# endregion
