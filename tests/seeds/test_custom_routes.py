"""The page "Custom Routes": each block, served and called over HTTP as the project serves it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.urls import reverse

from tests.seeds.conftest import Serve
from tests.seeds.custom_routes.testing import TestCustomRoutes
from tests.wire import Call

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

HOST = {"host": "testserver"}


async def test_simple_http_endpoints(serve: Serve) -> None:
    site = serve("custom_routes.simple_http_endpoints")
    async with site.http() as http:
        health, info, ping = await http.get("/health"), await http.get("/info"), await http.get("/ping")
        posted, head, options = await http.post("/ping"), await http.head("/ping"), await http.options("/ping")
    assert (health.status_code, health.json()["status"], health.json()["server"]) == (200, "healthy", "fastmcp-server")
    assert info.json() == {
        "tools_count": 0,
        "resources_count": 0,
        "prompts_count": 0,
        "transport": "streamable-http",
    }
    assert (ping.text, ping.headers["content-type"]) == ("pong", "text/plain; charset=utf-8")
    assert (posted.status_code, head.status_code, head.content, options.status_code) == (405, 200, b"", 200)
    assert "GET" in posted.headers["allow"]
    assert "GET" in options.headers["allow"]
    assert site.mcp.path == ""
    async with site.client() as client:
        assert (await client.list_tools()).tools == []


async def test_route_configuration(serve: Serve) -> None:
    site = serve("custom_routes.route_configuration")
    url = reverse("mcp:user_detail", args=["7"], urlconf="tests.seeds.urls")
    assert url == "/api/v1/users/7"
    async with site.http() as http:
        got, deleted = await http.get(url), await http.delete(url)
        put, patched = await http.put(url, json={"name": "Ada"}), await http.patch(url)
    assert got.json() == {"user_id": "7", "action": "get"}
    assert put.json() == {"user_id": "7", "action": "update", "data": {"name": "Ada"}}
    assert deleted.json() == {"user_id": "7", "action": "delete"}
    assert patched.status_code == 405


async def test_query_and_headers(serve: Serve) -> None:
    site = serve("custom_routes.query_and_headers")
    headers = {"user-agent": "tests", "accept-language": "fr"}
    async with site.http() as http:
        found = (await http.get("/search", params={"q": "tea", "limit": 3, "offset": 2}, headers=headers)).json()
        nothing, wrong = await http.get("/search"), await http.get("/search?limit=abc")
    assert [each["id"] for each in found["results"]] == [2, 3, 4]
    assert found["pagination"] == {"limit": 3, "offset": 2, "total": 3}
    assert found["meta"] == {"user_agent": "tests", "accept_language": "fr", "client_ip": "127.0.0.1"}
    assert nothing.json()["results"] == []
    assert (wrong.status_code, wrong.json()) == (400, {"error": "limit and offset must be numbers"})


async def test_post_and_uploads(serve: Serve, tmp_path: Path) -> None:
    site = serve("custom_routes.post_and_uploads")
    async with site.http() as http:
        files = {"file": ("../../evil.txt", b"some bytes", "text/plain")}
        kept = await http.post("/upload", files=files, data={"description": "A file"})
        empty = await http.post("/upload", data={"description": "No file"})
    assert kept.status_code == 200
    assert kept.json() | {"saved_path": "", "filename": ""} == {
        "filename": "",
        "size": 10,
        "content_type": "text/plain",
        "description": "A file",
        "saved_path": "",
    }
    assert (tmp_path / "evil.txt").read_bytes() == b"some bytes"
    assert list(tmp_path.parent.glob("evil.txt")) == []
    assert (empty.status_code, empty.json()) == (400, {"error": "No file uploaded"})


async def test_webhooks_of_post_and_uploads(serve: Serve) -> None:
    site = serve("custom_routes.post_and_uploads")

    def signed(body: bytes, kind: str = "application/json; charset=utf-8") -> dict[str, str]:
        signature = hmac.new(site.module.SECRET, body, hashlib.sha256).hexdigest()
        return {"content-type": kind, "x-webhook-signature": signature}

    body = b'{"type": "user.created", "data": {"id": 1}}'
    unknown = b'{"type": "nothing", "data": {}}'
    async with site.http() as http:
        done = await http.post("/webhook", content=body, headers=signed(body))
        answers = [
            await http.post("/webhook", content=body, headers=signed(body, "text/plain")),
            await http.post("/webhook", content=b"{", headers=signed(b"{")),
            await http.post("/webhook", content=body, headers=signed(b"other")),
            await http.post("/webhook", content=unknown, headers=signed(unknown)),
        ]
    assert done.json() == {"status": "processed", "event_type": "user.created"}
    assert site.module.handled == [("user.created", {"id": 1})]
    assert [(each.status_code, each.json()["error"]) for each in answers] == [
        (400, "Content-Type must be application/json"),
        (400, "Invalid JSON payload"),
        (401, "Invalid webhook signature"),
        (400, "Unknown event type: nothing"),
    ]


async def test_oauth_callback(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    site = serve("custom_routes.oauth_callback")
    async with site.http(cookie="oauth_state=s1") as http:
        done = await http.get("/oauth/callback?code=good&state=s1")
        refused = await http.get("/oauth/callback?code=bad&state=s1")
        foreign = await http.get("/oauth/callback?code=good&state=s2")
        missing = await http.get("/oauth/callback?code=good")
        denied = await http.get("/oauth/callback", params={"error": "no&token=1"})
    assert (done.status_code, done.headers["location"]) == (302, "/auth/success")
    assert (refused.status_code, refused.headers["location"]) == (302, "/auth/error?error=server_error")
    assert "OAuth callback error: The other server refuses the code." in caplog.text
    assert (foreign.status_code, missing.status_code) == (400, 400)
    assert denied.headers["location"] == "/auth/error?error=no%26token%3D1"


async def test_protected_of_oauth_callback(serve: Serve, key_of: Callable[..., str], django_user_model: Any) -> None:
    site = serve("custom_routes.oauth_callback", AUTH="optional")
    site.mcp.valid_scopes = ["read", "write"]
    keys = await asyncio.to_thread(lambda: (key_of("reader", "read"), key_of("writer", "read", "write")))
    async with site.http() as http:
        nobody = await http.get("/protected")
        reader, writer = [await http.get("/protected", headers={"authorization": f"Bearer {key}"}) for key in keys]
    assert (nobody.status_code, nobody.text) == (401, "Authentication required")
    assert (reader.status_code, reader.text) == (403, "Insufficient permissions")
    pk = (await django_user_model.objects.aget(username="writer")).pk
    assert writer.json() == {"message": "Access granted", "user_id": pk, "scopes": ["read", "write"]}


async def test_api_keys(serve: Serve) -> None:
    site = serve("custom_routes.api_keys")
    async with site.http(x_api_key="secret-key-2") as http:
        got, posted = await http.get("/api/secure"), await http.post("/api/secure", json={"a": 1})
    async with site.http() as http:
        nobody, in_url = await http.get("/api/secure"), await http.get("/api/secure?api_key=secret-key-2")
    assert (got.json()["message"], got.json()["client_id"]) == ("Authenticated GET request", "client2")
    assert posted.json() == {
        "message": "Authenticated POST request",
        "client_id": "client2",
        "received_data": {"a": 1},
    }
    assert [each.status_code for each in (nobody, in_url)] == [401, 401]


async def test_files_and_exports(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>Hello</p>")
    site = serve("custom_routes.files_and_exports")
    async with site.http() as http:
        page = await http.get("/files/page.html")
        part = await http.get("/files/page.html", headers={"range": "bytes=3-7"})
        missing, up = await http.get("/files/nothing"), await http.get("/files/%2e%2e")
        outside = await http.get("/files/%2e%2e/secret")
        csv, users = await http.get("/export/data?format=csv"), await http.get("/export/data")
        odd = await http.get("/export/data?format=exe")
    assert (page.text, page.headers["content-type"].split(";")[0]) == ("<p>Hello</p>", "text/html")
    assert 'filename="page.html"' in page.headers["content-disposition"]
    assert (part.status_code, part.text) == (206, "Hello")
    assert [each.status_code for each in (missing, up, outside, odd)] == [404, 400, 404, 400]
    assert len(csv.text.splitlines()) == 10_001
    assert csv.headers["content-disposition"] == "attachment; filename=export.csv"
    assert len(json.loads(users.text)["users"]) == 10_000


async def test_an_event_stream_of_real_time_ends_when_its_client_leaves(serve: Serve) -> None:
    site = serve("custom_routes.real_time")
    call = Call(site.application, method="GET", path="/events", headers=HOST)
    async with asyncio.timeout(10):
        while b"\n\n" not in call.response.body:
            await call.sent.get()
    assert call.response.headers["content-type"].startswith("text/event-stream")
    assert "connection" not in call.response.headers
    event = json.loads(call.response.body.decode().split("data: ")[1])
    assert (event["server_status"], event["active_connections"]) == ("running", 1)
    call.disconnect()
    await asyncio.wait([call.task], timeout=10)
    assert call.task.done()


async def test_notifications_of_real_time(serve: Serve) -> None:
    site = serve("custom_routes.real_time")
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("seeds.news", channel)
    async with site.http() as http:
        sent = await http.post("/notify", json={"message": "Tea is ready"})
    assert (sent.json()["status"], sent.json()["message"]) == ("notification_sent", "Tea is ready")
    async with asyncio.timeout(5):
        assert await layer.receive(channel) == {"type": "news", "message": "Tea is ready"}


async def test_admin_routes(serve: Serve, key_of: Callable[..., str]) -> None:
    site = serve("custom_routes.admin_routes", AUTH="optional")
    site.mcp.valid_scopes = ["admin"]
    admin, other = await asyncio.to_thread(lambda: (key_of("root", "admin"), key_of("somebody")))
    async with site.http() as http:
        refused = [
            await http.get("/admin/status"),
            await http.get("/admin/tools"),
            await http.get("/admin/status", headers={"authorization": f"Bearer {other}"}),
        ]
    assert [(each.status_code, each.text) for each in refused] == [(403, "Admin access required")] * 3
    async with site.http(authorization=f"Bearer {admin}") as http:
        status = (await http.get("/admin/status")).json()
        tools = (await http.get("/admin/tools")).json()["tools"]
        reloaded = await http.post("/admin/tools", json={"action": "reload"})
        disabled = await http.post("/admin/tools", json={"action": "disable", "tool_name": "add"})
        unknown = await http.post("/admin/tools", json={"action": "dance"})
    info = status["server_info"]
    assert (info["name"], info["tools"], info["resources"], info["prompts"]) == ("admin-routes", 1, 0, 0)
    assert status["system_info"]["memory_usage"] == 1
    assert [(each["name"], each["description"]) for each in tools] == [("add", "Add two numbers together.")]
    assert tools[0]["parameters"]["required"] == ["a", "b"]
    assert (reloaded.json(), disabled.json()["status"]) == ({"status": "tools_reloaded"}, "tool_disabled")
    assert (unknown.status_code, unknown.json()) == (400, {"error": "Unknown action: dance"})
    async with site.client(key=admin) as client:
        assert (await client.list_tools()).tools == []


async def test_blueprints(serve: Serve) -> None:
    site = serve("custom_routes.blueprints")
    async with site.http() as http:
        users, made = await http.get("/api/v1/users"), await http.post("/api/v1/users", json={"name": "Ada"})
        detail, dashboard = await http.put("/api/v1/users/7"), await http.get("/admin/dashboard")
    assert (users.json(), made.json()) == ({"users": []}, {"created_user": {"name": "Ada"}})
    assert detail.json() == {"user_id": "7", "method": "PUT"}
    assert dashboard.json() == {"dashboard": "admin_data"}
    assert all(each.include_in_schema for each in site.mcp.declarations("route"))


async def test_request_logging(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    site = serve("custom_routes.request_logging")
    with caplog.at_level(logging.INFO, "tests.seeds"):
        async with site.http() as http:
            logged = await http.get("/api/logged")
    assert logged.json() == {"message": "Request logged"}
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tests.seeds")]
    assert lines[0] == "Request: GET /api/logged"
    assert lines[1].startswith("Response: 200 in ")


async def test_rate_limiting(serve: Serve) -> None:
    site = serve("custom_routes.rate_limiting")
    async with site.http() as http:
        answers = [await http.get("/api/limited") for _ in range(51)]
    assert [each.status_code for each in answers] == [200] * 50 + [429]
    assert answers[-1].json() == {"error": "Rate limit exceeded. Try again later."}


async def test_error_handling(serve: Serve) -> None:
    site = serve("custom_routes.error_handling")
    async with site.http() as http:
        done = await http.post("/api/robust", json={"name": "Ada", "email": "a@b"})
        missing = await http.post("/api/robust", json={"name": "Ada"})
        crashed = await http.post("/api/robust", json={"name": "crash", "email": "a@b"})
        malformed = await http.post("/api/robust", content=b"{")
    assert done.json() == {"status": "success", "result": {"name": "Ada"}}
    assert (missing.status_code, missing.text) == (400, "Missing required field: email")
    assert (crashed.status_code, crashed.json()["error"]) == (500, "internal_server_error")
    assert "secret" not in crashed.text
    assert (malformed.status_code, malformed.json()["error"]) == (400, "invalid_json")


async def test_validation(serve: Serve) -> None:
    site = serve("custom_routes.validation")
    async with site.http() as http:
        made = await http.post("/api/users", json={"name": " Ada ", "email": "ada@example.com", "age": 36})
        wrong = await http.post("/api/users", json={"name": "A", "email": "nobody", "age": 151})
        listed, malformed = await http.post("/api/users", json=[1]), await http.post("/api/users", content=b"{")
    assert made.json()["user"] == {"id": 1, "name": "Ada", "email": "ada@example.com", "age": 36}
    assert (wrong.status_code, wrong.json()["error"]) == (400, "validation_error")
    assert [each["loc"] for each in wrong.json()["details"]] == [["name"], ["email"], ["age"]]
    assert (listed.status_code, malformed.status_code) == (400, 400)


async def test_testing_is_collected() -> None:
    """Block 15, custom_routes.testing, is a test case: the import above runs it."""
    assert [name for name in vars(TestCustomRoutes) if name.startswith("test_")] == [
        "test_client",
        "test_get_endpoint",
        "test_post_endpoint",
        "test_authentication",
    ]


async def test_transport_check(serve: Serve) -> None:
    site = serve("custom_routes.transport_check")
    async with site.http() as http:
        told = await http.get("/transport-info")
    assert told.json()["available_transports"] == ["streamable-http", "sse"]
