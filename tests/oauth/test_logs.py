"""Nothing secret in any log, from registration to the last call: the authorization server and the endpoint together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from mcp_django import Context, MCPServer
from mcp_django.auth import create_key
from mcp_django.oauth.accounts import make_account
from tests.auth.tokens import RESOURCE, bearing
from tests.oauth.flow import Flow, register
from tests.sessions.peer import Peer
from tests.sessions.switch import sessions_on
from tests.wire import Response, modern_request, post, request

pytestmark = pytest.mark.django_db

ARGUMENT = "argument-that-is-nobody-elses-business"


@pytest.fixture(autouse=True)
def _required(settings: Any) -> Iterator[None]:
    with sessions_on(settings, AUTH="required"):
        yield


@pytest.fixture(autouse=True)
def _tools(server: MCPServer) -> None:
    @server.tool
    def remember(text: str, ctx: Context) -> str:
        return f"{ctx.user.get_username()} remembers"

    @server.tool
    def fail(text: str) -> str:
        raise RuntimeError("The tool failed.")

    @server.tool(scopes="notes:write")
    def write(text: str) -> str:
        return "written"

    @server.tool(throttle="1/h")
    def seldom(text: str) -> str:
        return "done"

    @server.tool
    async def confirm(text: str, ctx: Context) -> str:
        await ctx.elicit("Sure?", {"type": "object", "properties": {"word": {"type": "string"}}})
        return "confirmed"


def call(application: Any, token: str, tool: str, **arguments: Any) -> Response:
    message = request("tools/call", {"name": tool, "arguments": {"text": ARGUMENT, **arguments}})
    return async_to_sync(post)(bearing(application, token), message)


def confirm(application: Any, token: str) -> str:
    """Call a tool that asks, answer, spoil the answer, and return the state in between."""
    asking = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
    params: dict[str, Any] = {"name": "confirm", "arguments": {"text": ARGUMENT}}
    message, headers = modern_request("tools/call", params, **asking)
    asked = async_to_sync(post)(bearing(application, token), message, headers=headers).json["result"]
    (key,) = asked["inputRequests"]
    answers = {key: {"action": "accept", "content": {"word": ARGUMENT}}}
    for state in (asked["requestState"], asked["requestState"][:-2] + "xx"):
        more = {**params, "requestState": state, "inputResponses": answers}
        message, headers = modern_request("tools/call", more, **asking)
        async_to_sync(post)(bearing(application, token), message, headers=headers)
    return str(asked["requestState"])


def sign_in(flow: Flow) -> tuple[dict[str, Any], list[str]]:
    """Register, consent, renew; return the tokens, and what must stay secret."""
    told = register(redirect_uris=[flow.redirect_uri]).json()
    flow.client_id, secret = told["client_id"], told["client_secret"]
    code = flow.code(resource=RESOURCE)
    first = flow.token(code=code, client_secret=secret).json()
    tokens = flow.refresh(first["refresh_token"], client_secret=secret).json()
    flow.refresh(first["refresh_token"], client_secret="wrong-secret")
    flow.answer(flow.ask(resource=RESOURCE), allow=False)
    given = [each[name] for each in (first, tokens) for name in ("access_token", "refresh_token")]
    return tokens, [*given, code, secret, "wrong-secret", flow.verifier]


def test_no_log_holds_a_token_a_code_a_key_a_secret_or_an_argument(
    flow: Flow, ada: User, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "mcp_django")
    # The toolkit and oauthlib write codes and tokens at DEBUG, as the documents say.
    tokens, secrets = sign_in(flow)
    key = create_key("agent", ada)
    robot, robot_secret = make_account("nightly", ada, ["mcp"])
    asked = {"client_id": robot.client_id, "client_secret": robot_secret, "resource": RESOURCE}
    machine = Client().post("/token/", {"grant_type": "client_credentials", **asked}).json()["access_token"]
    for token in (tokens["access_token"], key, machine):
        assert call(application, token, "remember").status == 200
        call(application, token, "remember", more=ARGUMENT)
        call(application, token, "remember", text=[ARGUMENT])
        call(application, token, "fail")
        call(application, token, "write")
        call(application, token, "seldom")
        call(application, token, "seldom")
        call(application, token, ARGUMENT)
    state = confirm(application, tokens["access_token"])
    peer = async_to_sync(Peer.open)(bearing(application, tokens["access_token"]))
    assert peer.session is not None
    thief = peer.at(bearing(application, key))
    assert async_to_sync(thief.post)(thief.request("ping")).status == 404
    call(application, "unknown-secret", "remember")
    call(application, "mcpk_unknown-secret", "remember")
    call(application, "malformed secret", "remember")
    Client().post("/revoke_token/", {"token": tokens["access_token"], "client_id": "nobody"})
    flow.token(code="guessed-secret")

    secrets += [key, robot_secret, machine, state, peer.session, ARGUMENT]
    secrets += ["unknown-secret", "malformed secret", "guessed-secret"]
    formatter = logging.Formatter("%(message)s")  # tracebacks, too
    text = "\n".join(formatter.format(record) for record in caplog.records)
    loggers = {record.name for record in caplog.records}
    assert {"mcp_django.auth", "mcp_django.oauth"} <= loggers
    assert "The tool failed." in text
    assert [secret for secret in secrets if secret in text] == []
