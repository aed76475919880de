"""Who gets in: every request to the endpoint, by whatever it brings along."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken, IDToken

from mcp_django import MCPServer
from mcp_django.auth import bearer, create_key, revoke_key
from mcp_django.auth.credentials import principals_of_keys, principals_of_tokens
from mcp_django.auth.keys import checksum
from mcp_django.models import APIKey
from mcp_django.signals import access_refused
from tests.auth.tokens import METADATA, RESOURCE, bearing, challenge_of, declare_whoami, make_token, make_user
from tests.sessions.roads import over_http
from tests.wire import JSON_HEADERS, Call, Response, modern_request, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _whoami(server: MCPServer) -> None:
    declare_whoami(server)


async def ask(application: Any, token: str | None) -> Response:
    """Call the tool that says who calls."""
    return await post(bearing(application, token), request("tools/call", {"name": "whoami", "arguments": {}}))


async def made(**options: Any) -> str:
    """Make a token of Ada's."""
    return await sync_to_async(lambda: make_token(make_user("ada"), **options))()


def assert_refused(response: Response, **challenge: str) -> None:
    assert response.status == 401, response.body
    assert challenge_of(response) == {"scope": "mcp", "resource_metadata": METADATA, **challenge}
    assert response.json["error"]["code"] == -32600
    assert response.json["id"] is None


def assert_invalid(response: Response) -> None:
    assert_refused(response, error="invalid_token", error_description="Sign in again.")


async def test_a_token_says_who_calls(application: Any, token: str) -> None:
    response = await ask(application, token)
    assert response.status == 200
    assert response.json["result"]["content"][0]["text"] == "ada editor"


async def test_the_official_client_gets_in_with_a_token(application: Any, era: str, token: str) -> None:
    async with over_http(bearing(application, token), mode=era) as client:
        assert (await client.call_tool("whoami", {})).content[0].text == "ada editor"  # type: ignore[union-attr]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT"])
async def test_who_brings_nothing_is_told_where_to_sign_in(server: MCPServer, application: Any, method: str) -> None:
    """And is asked for no more than what everybody begins with."""
    server.add_tool(lambda: "", name="write", scopes="notes:write")
    assert_refused(await Call(application, method=method, headers=JSON_HEADERS).finished())


async def test_a_request_without_a_token_is_refused_before_its_body_is_read(application: Any) -> None:
    async def never() -> Any:
        raise AssertionError("the body was asked for")

    call = Call(application, headers=JSON_HEADERS)
    await call.finished()
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    await application(call.scope, never, send)
    assert sent[0]["status"] == 401


@pytest.mark.parametrize("value", ["Basic YWRhOnB3", "Digest x", "Bearer", "bearer_token abc"])
async def test_another_scheme_is_no_token(application: Any, value: str) -> None:
    response = await post(application, request("ping"), headers={"authorization": value})
    assert response.status in (400, 401)
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize("value", ["Bearer a b", 'Bearer a"b', "Bearer ä", "Bearer ", "Bearer " + "a" * 9000])
async def test_what_is_no_token_by_its_form_is_a_bad_request(application: Any, value: str) -> None:
    response = await post(application, request("ping"), headers={"authorization": value})
    assert response.status == 400
    assert challenge_of(response)["error"] == "invalid_request"


async def test_an_unknown_token_is_invalid(application: Any) -> None:
    assert_invalid(await ask(application, "unknown"))


async def test_an_expired_token_is_invalid(application: Any) -> None:
    assert_invalid(await ask(application, await made(seconds=-1)))


async def test_a_revoked_token_is_invalid_on_the_next_call(application: Any, token: str) -> None:
    assert (await ask(application, token)).status == 200
    row = await AccessToken.objects.aget()
    await sync_to_async(row.revoke)()
    assert_invalid(await ask(application, token))


async def test_the_token_of_a_user_who_is_not_active_any_more_is_invalid(application: Any, token: str) -> None:
    await User.objects.aupdate(is_active=False)
    assert_invalid(await ask(application, token))


async def test_a_token_of_nobody_is_invalid(application: Any) -> None:
    assert_invalid(await ask(application, await sync_to_async(make_token)(None)))


@pytest.mark.parametrize(
    "resource",
    [["http://testserver/mcp"], ["https://testserver/mcp/fixture"], ["http://other.example/mcp/fixture"], [":"], [""]],
    ids=str,
)
async def test_a_token_for_another_server_is_invalid(application: Any, resource: list[str]) -> None:
    assert_invalid(await ask(application, await made(resource=resource)))


@pytest.mark.parametrize(
    "resource", [[RESOURCE + "/"], ["http://other.example/", RESOURCE], ["HTTP://TESTSERVER:80/mcp/fixture"]]
)
async def test_spellings_of_the_same_server_are_one(application: Any, resource: list[str]) -> None:
    assert (await ask(application, await made(resource=resource))).status == 200


async def test_a_token_for_no_server_in_particular_is_invalid_unless_a_setting_says_otherwise(
    application: Any, settings: Any
) -> None:
    token = await made(resource=[])
    assert_invalid(await ask(application, token))
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"REQUIRE_AUDIENCE": False}}
    assert (await ask(application, token)).status == 200
    assert_invalid(await ask(application, await made(resource=["http://other.example"])))


@pytest.mark.parametrize("scope", ["", "read write", "oauth2_provider:registration", "openid"])
async def test_a_token_without_a_scope_of_this_project_is_invalid(application: Any, scope: str) -> None:
    assert_invalid(await ask(application, await made(scope=scope)))


async def test_the_scope_for_registering_never_counts(server: MCPServer, application: Any) -> None:
    server.add_tool(lambda: "", name="greedy", scopes="oauth2_provider:registration")
    assert_invalid(await ask(application, await made(scope="oauth2_provider:registration")))


async def test_a_scope_that_includes_one_of_this_project_counts(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"SCOPE_IMPLIES": {"all": ["mcp"]}}}
    assert (await ask(application, await made(scope="all"))).status == 200


async def test_an_id_token_is_no_access_token(application: Any) -> None:
    user = await sync_to_async(make_user)()
    row = await IDToken.objects.acreate(user=user, expires=timezone.now(), scope="mcp openid")
    assert_invalid(await ask(application, str(row.jti)))


async def test_a_token_counts_in_the_header_alone(application: Any, token: str) -> None:
    message = request("ping")
    call = Call(application, json.dumps(message).encode(), headers=JSON_HEADERS)
    call.task.cancel()
    form = f"access_token={token}".encode()
    for change, body in (
        ({"query_string": form}, json.dumps(message).encode()),
        ({"headers": [*call.scope["headers"], (b"cookie", form)]}, json.dumps(message).encode()),
        ({"headers": [*call.scope["headers"], (b"x-api-key", token.encode())]}, json.dumps(message).encode()),
        ({}, form),
    ):

        async def receive(body: bytes = body) -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        sent: list[Any] = []

        async def send(event: Any, sent: list[Any] = sent) -> None:
            sent.append(event)

        await application({**call.scope, **change}, receive, send)
        assert sent[0]["status"] == 401, change


async def test_a_session_cookie_of_the_site_is_no_credential(application: Any) -> None:
    def sign_in() -> str:
        session = SessionStore()
        session["_auth_user_id"] = make_user().pk
        session.save()
        return str(session.session_key)

    cookie = await sync_to_async(sign_in)()
    assert_refused(await post(application, request("ping"), headers={"cookie": f"sessionid={cookie}"}))


async def test_two_headers_are_refused(application: Any, token: str) -> None:
    response = await post(bearing(bearing(application, token), "other"), request("ping"))
    assert response.status == 400


def looked_up(find: Callable[[list[Any]], Any], secret: str) -> str:
    """Return the one query by which a credential is looked for."""
    with CaptureQueriesContext(connection) as queries:
        find([(checksum(secret), RESOURCE)])
    (query,) = queries
    return str(query["sql"])


@pytest.mark.parametrize("find", [principals_of_tokens, principals_of_keys], ids=["token", "key"])
async def test_the_check_is_one_query_that_uses_the_index(
    application: Any, token: str, find: Callable[[list[Any]], Any]
) -> None:
    """An equal query for every token, so that the time it takes says nothing of which tokens there are."""
    good = token if find is principals_of_tokens else await key_of(await sync_to_async(make_user)())
    await ask(application, good)  # the query has been compiled, and the use of the key been written
    queries = [await sync_to_async(looked_up)(find, secret) for secret in (good, "unknown")]
    assert {query.replace(checksum(good), checksum("unknown")) for query in queries} == {queries[1]}

    def explain() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]}")
            return [str(row) for row in cursor.fetchall()]

    plan = await sync_to_async(explain)()
    assert not [step for step in plan if "SCAN" in step]
    assert "USING INDEX" in plan[0]


async def test_without_a_header_no_thread_is_asked(application: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "on_common_errand", None)
    assert (await post(application, request("ping"))).status == 401


@pytest.mark.parametrize("given", [None, "unknown-secret", "mcpk_unknown-secret", "malformed secret"])
async def test_a_refusal_is_told_to_the_log_and_to_receivers_without_what_was_sent(
    application: Any, caplog: pytest.LogCaptureFixture, given: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[dict[str, Any]] = []

    def note(**kwargs: Any) -> None:
        told.append(kwargs)

    access_refused.connect(note)
    try:
        await ask(application, given)
    finally:
        access_refused.disconnect(note)
    assert "mcp_django.auth" in {record.name for record in caplog.records}
    assert "secret" not in caplog.text
    assert told[0]["server"] == "fixture"
    assert told[0]["reason"] in ("no_token", "unknown_token", "malformed")
    assert "secret" not in str(told)


async def test_no_token_reaches_the_log_of_a_call(
    application: Any, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(application, token)
    assert token not in caplog.text


# AUTH


async def test_nobody_need_sign_in_where_auth_is_none(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "none"}
    response = await ask(application, "whatever")
    assert response.json["result"]["content"][0]["text"] == " None"


async def test_where_auth_is_optional_a_bad_token_is_refused_all_the_same(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}
    assert_invalid(await ask(application, "unknown"))
    assert (await post(application, request("ping"))).status == 200


# Where the metadata is


async def test_the_challenge_names_the_address_that_was_asked(application: Any, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"host": "localhost:8443", "x-forwarded-proto": "https"}
    response = await post(application, request("ping"), headers=headers)
    expected = "https://localhost:8443/.well-known/oauth-protected-resource/mcp/fixture"
    assert challenge_of(response)["resource_metadata"] == expected


async def test_a_pinned_address_is_named_whatever_was_asked(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"BASE_URL": "https://mcp.example"}}
    response = await post(application, request("ping"))
    expected = "https://mcp.example/.well-known/oauth-protected-resource/mcp/fixture"
    assert challenge_of(response)["resource_metadata"] == expected
    assert (await ask(application, await made(resource=["https://mcp.example/mcp/fixture"]))).status == 200


async def test_a_root_path_that_a_client_made_up_ends_no_quotation(application: Any) -> None:
    async def at(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "root_path": '/a",error="x\r\n'}, receive, send)

    response = await post(at, request("ping"))
    quoted = response.headers["www-authenticate"].partition('resource_metadata="')[2]
    assert quoted == 'http://testserver/.well-known/oauth-protected-resource/a,error=x/mcp/fixture"'


# API keys


async def key_of(user: User, **options: Any) -> str:
    return await sync_to_async(lambda: create_key("agent", user, **options))()


async def test_an_api_key_is_a_token_too(application: Any) -> None:
    key = await key_of(await sync_to_async(make_user)())
    row = await APIKey.objects.aget()
    response = await ask(application, key)
    assert response.json["result"]["content"][0]["text"] == f"ada mcpk:{row.pk}"
    assert key not in str(vars(row))


async def test_an_api_key_that_was_revoked_is_invalid_on_the_next_call(application: Any) -> None:
    key = await key_of(await sync_to_async(make_user)())
    assert (await ask(application, key)).status == 200
    await sync_to_async(revoke_key)(await APIKey.objects.aget())
    assert_invalid(await ask(application, key))


async def test_an_api_key_ends_with_its_time_and_with_its_owner(application: Any) -> None:
    user = await sync_to_async(make_user)()
    assert_invalid(await ask(application, await key_of(user, lifetime=timedelta(seconds=-1))))
    key = await key_of(user, lifetime=None)
    assert (await ask(application, key)).status == 200
    await User.objects.aupdate(is_active=False)
    assert_invalid(await ask(application, key))


async def test_the_use_of_an_api_key_is_written_once_a_minute(application: Any) -> None:
    key = await key_of(await sync_to_async(make_user)())
    await ask(application, key)
    first = (await APIKey.objects.aget()).last_used_at
    assert first is not None
    await ask(application, key)
    assert (await APIKey.objects.aget()).last_used_at == first
    await APIKey.objects.aupdate(last_used_at=first - timedelta(seconds=61))
    await ask(application, key)
    later = (await APIKey.objects.aget()).last_used_at
    assert later is not None
    assert later >= first


async def test_modern_requests_are_refused_alike(application: Any) -> None:
    message, headers = modern_request("tools/list")
    assert_refused(await post(application, message, headers=headers))
