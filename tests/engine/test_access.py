"""Who sees what, and may call it; what one may not have looks like what isn't there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied

from mcp_django import Context, MCPServer
from mcp_django.auth import LOCAL, Principal, create_key, get_access_token
from mcp_django.signals import access_refused
from tests.auth.tokens import METADATA, bearing, challenge_of, make_token, make_user
from tests.sessions.queries import note_queries
from tests.wire import Response, modern_request, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

VIEW = "auth.view_group"
LISTS = (("tools/list", "tools", "name"), ("prompts/list", "prompts", "name"), ("resources/list", "resources", "uri"))


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required"}


@pytest.fixture
def optional(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}


@pytest.fixture
def hiding(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"MISSING_SCOPE": "hide"}}


BOTH_ERAS = pytest.mark.parametrize("ask", ["handshake", "2026-07-28"], indirect=True)


@pytest.fixture
def ask(request: pytest.FixtureRequest, application: Any) -> Callable[..., Any]:
    """Send a request with a token or without; in 2026-07-28, or in the era that a test names."""
    era = getattr(request, "param", "2026-07-28")

    async def ask(token: str | None, method: str, params: dict[str, Any] | None = None) -> Response:
        if era == "handshake":
            return await post(bearing(application, token), wire_request(method, params))
        message, headers = modern_request(method, params)
        return await post(bearing(application, token), message, headers=headers)

    return ask


wire_request = request


def declare(server: MCPServer, name: str, **options: Any) -> None:
    """Declare a tool, a prompt, a resource and a template of one name, with the same access."""

    def tool() -> str:
        return name

    def template(x: str) -> str:
        return f"{name} {x}"

    server.add_tool(tool, name=name, **options)
    server.add_prompt(tool, name=name, **options)
    server.add_resource(f"test://{name}", tool, name=name, **options)
    server.add_resource(f"test://{name}/{{x}}", template, name=f"{name}_template", complete={"x": ["one"]}, **options)


def calls(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every request that uses a component of this name."""
    return [
        ("tools/call", {"name": name, "arguments": {}}),
        ("prompts/get", {"name": name}),
        ("resources/read", {"uri": f"test://{name}"}),
        ("resources/read", {"uri": f"test://{name}/one"}),
        (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": f"test://{name}/{{x}}"}, "argument": {"name": "x", "value": ""}},
        ),
    ]


async def listed(ask: Any, token: str | None) -> set[str]:
    """Return what all four lists show, by the names that the components share; each must show the same."""
    shown = []
    for method, member, key in LISTS:
        result = (await ask(token, method)).json["result"]
        assert result.get("cacheScope", "private") == "private"
        shown.append({item[key].removeprefix("test://") for item in result[member]})
    templates = (await ask(token, "resources/templates/list")).json["result"]["resourceTemplates"]
    shown.append({item["name"].removesuffix("_template") for item in templates})
    assert all(each == shown[0] for each in shown), shown
    return shown[0]


async def token_of(name: str = "ada", scope: str = "mcp", **options: Any) -> str:
    return await sync_to_async(lambda: make_token(make_user(name), scope, **options))()


async def allow(name: str, codename: str = "view_group") -> None:
    def add() -> None:
        make_user(name).user_permissions.add(Permission.objects.get(codename=codename))

    await sync_to_async(add)()


async def assert_as_if_not_there(ask: Any, token: str | None, name: str) -> None:
    """What is answered of the component is, to the byte, what is answered of one that was never declared."""
    for (method, params), (_, unknown) in zip(calls(name), calls("x" * len(name)), strict=True):
        got, expected = await ask(token, method, params), await ask(token, method, unknown)
        assert got.status == expected.status, method
        assert got.headers == expected.headers, method
        assert got.body.replace(name.encode(), b"x" * len(name)) == expected.body, method
        assert "error" in got.json


async def assert_answered(ask: Any, token: str | None, name: str) -> None:
    for method, params in calls(name):
        response = await ask(token, method, params)
        assert response.status == 200, (method, response.body)
        assert "result" in response.json


# What the user may not do


@BOTH_ERAS
@pytest.mark.parametrize(
    "options",
    [
        {"permissions": [VIEW]},
        {"permissions": [VIEW, "auth.add_group"]},
        {"groups": "staff"},
        {"staff": True},
        {"check": lambda principal: False},
        {"permissions": [VIEW], "scopes": ["notes:write"]},
    ],
    ids=lambda options: "+".join(options),
)
async def test_what_the_user_may_not_do_looks_as_if_it_were_not_there(
    server: MCPServer, ask: Any, options: dict[str, Any]
) -> None:
    declare(server, "open")
    declare(server, "shut", **options)
    token = await token_of()
    assert await listed(ask, token) == {"open"}
    await assert_as_if_not_there(ask, token, "shut")
    await assert_answered(ask, token, "open")


async def test_a_permission_opens_what_asks_for_it_on_the_next_request(server: MCPServer, ask: Any) -> None:
    declare(server, "shut", permissions=VIEW)
    token = await token_of()
    assert await listed(ask, token) == set()
    await allow("ada")
    assert await listed(ask, token) == {"shut"}
    await assert_answered(ask, token, "shut")
    await sync_to_async(lambda: make_user().user_permissions.clear())()
    await assert_as_if_not_there(ask, token, "shut")


async def test_all_permissions_are_wanted_and_one_of_the_groups(server: MCPServer, ask: Any) -> None:
    declare(server, "both", permissions=[VIEW, "auth.add_group"])
    declare(server, "either", groups=["editors", "authors"])
    token = await token_of()
    await allow("ada")
    await sync_to_async(lambda: make_user().groups.add(Group.objects.create(name="authors")))()
    assert await listed(ask, token) == {"either"}
    await allow("ada", "add_group")
    assert await listed(ask, token) == {"both", "either"}


async def test_a_superuser_may_do_whatever_permissions_and_groups_give(server: MCPServer, ask: Any) -> None:
    declare(server, "shut", permissions=VIEW, groups="editors")
    await sync_to_async(make_user)("root", is_superuser=True)
    assert await listed(ask, await token_of("root")) == {"shut"}


async def test_staff_is_who_django_says(server: MCPServer, ask: Any) -> None:
    declare(server, "shut", staff=True)
    await sync_to_async(make_user)("grace", is_staff=True)
    assert await listed(ask, await token_of("grace")) == {"shut"}
    assert await listed(ask, await token_of("ada")) == set()


async def test_a_check_sees_the_principal_and_may_be_sync_or_async(server: MCPServer, ask: Any) -> None:
    def sync_check(principal: Principal) -> bool:
        return User.objects.filter(pk=principal.user.pk, username="ada").exists() and principal.client_id == "editor"

    async def async_check(principal: Principal) -> bool:
        return await User.objects.filter(pk=principal.user.pk, username="ada").aexists()

    declare(server, "sync", check=sync_check)
    declare(server, "async", check=async_check)
    assert await listed(ask, await token_of("ada")) == {"sync", "async"}
    assert await listed(ask, await token_of("bob")) == set()


async def test_a_check_that_raises_lets_nobody_in(
    server: MCPServer, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(principal: Principal) -> bool:
        raise LookupError("oops")

    async def crash_async(principal: Principal) -> bool:
        raise LookupError("oops")

    def deny(principal: Principal) -> bool:
        raise PermissionDenied

    for name, check in (("first", crash), ("second", crash_async), ("third", deny)):
        declare(server, name, check=check)
    token = await token_of()
    assert await listed(ask, token) == set()
    await assert_as_if_not_there(ask, token, "first")
    assert "oops" in caplog.text


async def test_permissions_are_read_once_for_a_request_however_many_components_ask(
    server: MCPServer, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        declare(server, f"shut{number}", permissions=VIEW, groups="editors")
    await allow("ada")
    token = await token_of()
    await ask(token, "tools/list")
    queries = note_queries(monkeypatch)
    await ask(token, "tools/list")
    assert len(queries) <= 4, queries  # the token; permissions of the user and of their groups; groups


async def test_a_server_that_asks_nothing_reads_nothing(
    server: MCPServer, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(server, "open")
    token = await token_of()
    await ask(token, "tools/list")
    queries = note_queries(monkeypatch)
    await ask(token, "tools/list")
    await ask(token, "tools/call", {"name": "open", "arguments": {}})
    assert len(queries) == 2, queries  # the token, each time


# What the token lacks


@BOTH_ERAS
async def test_a_missing_scope_is_shown_and_answered_with_one_challenge_for_all(server: MCPServer, ask: Any) -> None:
    declare(server, "write", scopes=["notes:write", "notes:share"])
    token = await token_of(scope="mcp read notes:share")
    assert await listed(ask, token) == {"write"}
    for method, params in calls("write"):
        response = await ask(token, method, params)
        assert response.status == 403, method
        assert challenge_of(response) == {
            "error": "insufficient_scope",
            "error_description": "The access token lacks a scope.",
            "scope": "mcp notes:share notes:write",
            "resource_metadata": METADATA,
        }
        assert response.json["error"]["data"]["scope"] == "mcp notes:share notes:write"
        assert response.json["id"] == 1
    await assert_answered(ask, await token_of(scope="notes:write notes:share"), "write")


async def test_a_scope_that_includes_the_wanted_one_is_enough(server: MCPServer, ask: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"SCOPE_IMPLIES": {"notes:all": ["notes:write"]}}}
    declare(server, "write", scopes="notes:write")
    await assert_answered(ask, await token_of(scope="notes:all"), "write")


async def assert_hidden(server: MCPServer, ask: Any, token: str) -> None:
    declare(server, "open")
    declare(server, "write", scopes="notes:write")
    assert await listed(ask, token) == {"open"}
    await assert_as_if_not_there(ask, token, "write")


@BOTH_ERAS
async def test_a_setting_hides_what_lacks_a_scope(server: MCPServer, ask: Any, hiding: None) -> None:
    await assert_hidden(server, ask, await token_of())


async def test_who_can_ask_nobody_sees_nothing_beyond_their_scopes(server: MCPServer, ask: Any) -> None:
    await assert_hidden(server, ask, await token_of(grant="client-credentials", client="agent"))


async def test_an_api_key_sees_nothing_beyond_its_scopes(server: MCPServer, ask: Any) -> None:
    server.add_tool(lambda: "", name="other", scopes="notes:write")
    user = await sync_to_async(make_user)()
    await assert_answered_by_key(server, ask, user)


async def assert_answered_by_key(server: MCPServer, ask: Any, user: User) -> None:
    server.remove_tool("other")
    declare(server, "open")
    declare(server, "write", scopes="notes:write")
    weak = await sync_to_async(lambda: create_key("weak", user))()
    strong = await sync_to_async(lambda: create_key("strong", user, ["notes:write"]))()
    assert await listed(ask, weak) == {"open"}
    await assert_as_if_not_there(ask, weak, "write")
    assert await listed(ask, strong) == {"open", "write"}


async def test_the_rights_of_the_user_bound_those_of_the_token(server: MCPServer, ask: Any) -> None:
    """A scope never gives what the user may not do."""
    declare(server, "shut", scopes="notes:write", permissions=VIEW)
    token = await token_of(scope="notes:write")
    assert await listed(ask, token) == set()
    await allow("ada")
    assert await listed(ask, token) == {"shut"}


async def test_step_up_and_refusals_are_told(server: MCPServer, ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    declare(server, "write", scopes="notes:write")
    declare(server, "shut", permissions=VIEW)
    told: list[tuple[Any, ...]] = []

    def note(reason: str, principal: Principal, component: str, **kwargs: Any) -> None:
        told.append((reason, User.objects.get(pk=principal.user.pk).username, component))  # in a thread

    token = await token_of()
    access_refused.connect(note)
    try:
        for name in ("write", "shut"):
            await ask(token, "tools/call", {"name": name, "arguments": {"password": "hunter2"}})
    finally:
        access_refused.disconnect(note)
    assert told == [("insufficient_scope", "ada", "tool 'write'"), ("forbidden", "ada", "tool 'shut'")]
    assert "hunter2" not in caplog.text
    assert token not in caplog.text


# Nobody yet


@BOTH_ERAS
async def test_who_has_not_signed_in_reaches_what_is_public_and_nothing_else(
    server: MCPServer, ask: Any, optional: None
) -> None:
    declare(server, "public", public=True)
    declare(server, "plain")
    declare(server, "write", scopes="notes:write")
    declare(server, "shut", permissions=VIEW)
    await assert_answered(ask, None, "public")
    for name in ("plain", "write", "shut", "absent"):
        for method, params in calls(name):
            response = await ask(None, method, params)
            assert response.status == 401, (method, name)
            wanted = "mcp notes:write" if name == "write" else "mcp"  # and no second page right after the first
            assert challenge_of(response) == {"scope": wanted, "resource_metadata": METADATA}
    assert await listed(ask, None) == {"public", "write"}  # what a scope gives is shown, or nobody would sign in for it


async def test_who_has_not_signed_in_sees_only_what_is_public_where_scopes_hide(
    server: MCPServer, ask: Any, settings: Any
) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional", "OAUTH": {"MISSING_SCOPE": "hide"}}
    declare(server, "public", public=True)
    declare(server, "write", scopes="notes:write")
    assert await listed(ask, None) == {"public"}
    (method, params), *_ = calls("write")
    assert challenge_of(await ask(None, method, params))["scope"] == "mcp"


async def test_what_is_public_asks_nothing_of_who_signed_in(ask: Any, optional: None, request: Any) -> None:
    server = request.getfixturevalue("server")
    server.scopes = "notes:write"
    declare(server, "public", public=True)
    declare(server, "plain")
    assert await listed(ask, await token_of()) == {"public", "plain"}
    await assert_answered(ask, await token_of(), "public")


async def test_where_nobody_can_sign_in_what_wants_more_is_hidden(server: MCPServer, ask: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "none"}
    declare(server, "open")
    declare(server, "write", scopes="notes:write")
    declare(server, "shut", permissions=VIEW)
    assert await listed(ask, None) == {"open"}
    await assert_as_if_not_there(ask, None, "write")


# Templates, and reading for others


async def test_a_hidden_template_gives_way_to_the_next_that_fits(server: MCPServer, ask: Any) -> None:
    server.add_resource("test://{x}", lambda x: "hidden", name="hidden", permissions=VIEW)
    server.add_resource("test://{+path}", lambda path: "for all", name="all")
    response = await ask(await token_of(), "resources/read", {"uri": "test://a"})
    assert response.json["result"]["contents"][0]["text"] == "for all"


@BOTH_ERAS
async def test_a_function_reads_what_its_caller_may_read(server: MCPServer, ask: Any) -> None:
    declare(server, "shut", permissions=VIEW)
    declare(server, "write", scopes="notes:write")

    @server.tool
    async def read(uri: str, ctx: Context) -> str:
        return str((await ctx.read_resource(uri))[0].content)

    token = await token_of()

    async def call(uri: str) -> Response:
        return await ask(token, "tools/call", {"name": "read", "arguments": {"uri": uri}})

    shut, absent = await call("test://shut"), await call("test://nope")
    assert shut.json["result"]["isError"]
    assert shut.body.replace(b"shut", b"nope") == absent.body
    step_up = await call("test://write")
    assert step_up.status == 403
    assert challenge_of(step_up)["scope"] == "mcp notes:write"
    await allow("ada")
    assert (await call("test://shut")).json["result"]["content"][0]["text"] == "shut"


async def test_no_proxy_keeps_what_only_some_may_read(server: MCPServer, application: Any) -> None:
    declared: dict[str, Any] = {"cache_scope": "public", "cache_seconds": 60}
    server.add_resource("test://open", lambda: "", name="open", **declared)
    server.add_resource("test://some", lambda: "", name="some", scopes="mcp", **declared)
    for name, scope in (("open", "public"), ("some", "private")):
        message, headers = modern_request("resources/read", {"uri": f"test://{name}"})
        response = await post(bearing(application, await token_of()), message, headers=headers)
        assert response.json["result"]["cacheScope"] == scope


# The token, as functions see it


async def test_functions_know_all_of_the_token_but_the_token(server: MCPServer, ask: Any) -> None:
    seen: list[Any] = []

    @server.tool
    def sync(ctx: Context) -> None:
        seen.append((get_access_token(), ctx))

    @server.tool
    async def nonsync(ctx: Context) -> None:
        await asyncio.sleep(0)
        seen.append((get_access_token(), ctx))

    token = await token_of(scope="mcp read")
    for name in ("sync", "nonsync"):
        await ask(token, "tools/call", {"name": name, "arguments": {}})
    user = await sync_to_async(make_user)()
    for access_token, ctx in seen:
        assert access_token.client_id == ctx.access_token.client_id == "editor"
        assert access_token.scopes == ["mcp"]
        assert access_token.user == await access_token.aget_user() == ctx.user == user
        assert (access_token.user_id, access_token.subject) == (user.pk, str(user.pk))
        assert access_token.resource == "http://testserver/mcp/fixture"
        assert access_token.expires_at > 1_700_000_000
        assert access_token.has_scopes("mcp")
        assert not access_token.has_scopes("mcp", "read")
        assert not hasattr(access_token, "token")
        assert token not in repr(access_token) + repr(vars(access_token)) + str(ctx.headers)
    assert get_access_token() is None


async def test_there_is_no_token_where_nobody_signed_in(server: MCPServer, ask: Any, optional: None) -> None:
    seen: list[Any] = []

    @server.tool(public=True)
    def peek(ctx: Context) -> None:
        seen.append((get_access_token(), ctx.access_token))

    await ask(None, "tools/call", {"name": "peek", "arguments": {}})
    assert seen == [(None, None)]


# Without a transport of HTTP


async def test_over_stdio_the_user_decides_and_scopes_do_not(server: MCPServer) -> None:
    from mcp_django.engine.access import visible_keys
    from mcp_django.engine.exchange import Exchange
    from mcp_django.engine.server import get_engine

    declare(server, "open")
    declare(server, "write", scopes="notes:write")
    declare(server, "shut", permissions=VIEW)
    declare(server, "staff", staff=True)

    async def seen(principal: Principal) -> set[str]:
        engine = get_engine(server)
        exchange = Exchange(
            engine=engine, method="", params={}, request_id=1, version="", transport="stdio", principal=principal
        )
        keys = await visible_keys("tool", exchange)
        return set(engine.tools) if keys is None else set(keys)

    assert await seen(LOCAL) == {"open", "write"}
    user = await sync_to_async(make_user)("ada")
    ada = Principal(user, scopes=None, kind="local")
    assert await seen(ada) == {"open", "write"}
    await allow("ada")
    await User.objects.aupdate(is_staff=True)
    assert await seen(ada) == {"open", "write", "shut", "staff"}  # as they are now, not when the process began
    await User.objects.aupdate(is_active=False)
    assert await seen(ada) == {"open", "write"}
