"""Who may call what: what the page how-to/permissions.md shows."""

from __future__ import annotations

from datetime import time

from django.utils import timezone
from polls.models import Choice, Question

from mcp_django import Context, MCPServer, mcp
from mcp_django.auth import Principal, get_access_token


# region: asked
@mcp.tool(public=True)
def questions() -> list[str]:
    """List the questions."""
    return list(Question.objects.values_list("question_text", flat=True))


@mcp.tool(scopes=["polls:vote"], throttle="50/m")
def vote(choice_id: int) -> int:
    """Vote for a choice."""
    choice = Choice.objects.get(pk=choice_id)
    choice.votes += 1
    choice.save()
    return choice.votes


@mcp.tool(scopes=["polls:write"], permissions=["polls.delete_choice"])
def delete_choice(choice_id: int) -> str:
    """Delete a choice."""
    Choice.objects.get(pk=choice_id).delete()
    return "Deleted."


# endregion
# region: check
def in_office_hours(principal: Principal) -> bool:
    return principal.user.is_staff or time(9) <= timezone.localtime().time() < time(17)


@mcp.resource("polls://turnout", check=in_office_hours)
def turnout() -> int:
    return sum(Choice.objects.values_list("votes", flat=True))


# endregion
# region: server
reports = MCPServer("reports", scopes=["reports"], groups=["editors"], throttle="10/s")


@reports.tool
def summary() -> str:
    """Only editors, with a token for "reports", see this."""
    return f"{Question.objects.count()} questions"


@reports.tool(public=True)
def about() -> str:
    """Everybody may call this, where AUTH is "optional"."""
    return "Reports of the polls."


# endregion
# region: token
@mcp.tool
def whoami(ctx: Context) -> dict[str, str]:
    """Say who calls."""
    token = get_access_token()  # anywhere below a call; the same as ctx.access_token
    if token is None:
        return {"user": ctx.user.get_username()}
    return {"user": token.user.get_username(), "client": token.client_id, "scopes": " ".join(token.scopes)}


# endregion
