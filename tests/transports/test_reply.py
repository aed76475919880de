from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mcp_django.engine.exchange import NoWay
from mcp_django.transports.reply import Reply

pytestmark = pytest.mark.anyio

STREAM_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}
KEEP_ALIVE = {"type": "http.response.body", "body": b": keep-alive\r\n\r\n", "more_body": True}


class Client:
    """What an ASGI server's ``send`` is given. It lets others run before it has taken an event, as a slow one does."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.reply = Reply(self._send)

    async def _send(self, event: dict[str, Any]) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        self.events.append(event)

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.events if "body" in event)


async def test_an_answer_is_one_json_body() -> None:
    client = Client()
    await client.reply.finish(b'{"a":1}', 200)
    assert not client.reply.streaming
    assert client.events == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"7")],
        },
        {"type": "http.response.body", "body": b'{"a":1}'},
    ]


async def test_a_refusal_brings_its_status_and_its_headers() -> None:
    client = Client()
    await client.reply.finish(b"{}", 405, ((b"allow", b"POST"),))
    assert client.events[0]["status"] == 405
    assert client.events[0]["headers"][-1] == (b"allow", b"POST")


async def test_an_empty_answer_has_no_content_type() -> None:
    client = Client()
    await client.reply.finish(b"", 202)
    assert client.events == [
        {"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]},
        {"type": "http.response.body", "body": b""},
    ]


async def test_the_first_notification_begins_a_stream_and_is_sent_at_once() -> None:
    client = Client()
    await client.reply.notify("notifications/progress", {"progress": 1})
    assert client.reply.streaming
    message = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}'
    first = b"event: message\r\ndata: " + message + b"\r\n\r\n"
    assert client.events == [STREAM_START, {"type": "http.response.body", "body": first, "more_body": True}]
    await client.reply.finish(b'{"result":{}}', 200)
    last = b'event: message\r\ndata: {"result":{}}\r\n\r\n'
    assert client.events[2:] == [{"type": "http.response.body", "body": last}]


async def test_a_keep_alive_is_a_comment_and_begins_a_stream_too() -> None:
    client = Client()
    await client.reply.keep_alive()
    await client.reply.keep_alive()
    assert client.reply.streaming
    assert client.events == [STREAM_START, KEEP_ALIVE, KEEP_ALIVE]


@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo", "one\u2028two", "\r", "data: x\n\nevent: y"])
async def test_a_message_is_one_line_whatever_it_holds(text: str) -> None:
    client = Client()
    await client.reply.notify("notifications/message", {"data": text})
    before, data, *after = client.body.split(b"\r\n")
    assert (before, after) == (b"event: message", [b"", b""])
    assert not {b"\r", b"\n"} & {bytes([each]) for each in data}
    assert json.loads(data.removeprefix(b"data: "))["params"] == {"data": text}


async def test_a_request_of_the_server_s_goes_on_the_stream() -> None:
    client = Client()
    await client.reply.request("q1", "roots/list", {})
    message = b'{"jsonrpc":"2.0","id":"q1","method":"roots/list","params":{}}'
    assert client.body == b"event: message\r\ndata: " + message + b"\r\n\r\n"


async def test_without_a_session_nothing_can_be_asked() -> None:
    client = Client()
    with pytest.raises(NoWay):
        await client.reply.ask("roots/list", {})
    assert client.events == []


async def test_a_stream_can_be_opened_before_there_is_anything_to_say() -> None:
    client = Client()
    await client.reply.open()
    assert client.events == [STREAM_START, {"type": "http.response.body", "body": b": open\r\n\r\n", "more_body": True}]


async def test_an_event_of_http_sse_has_a_name_of_its_own() -> None:
    client = Client()
    await client.reply.event(b"endpoint", b"/mcp/messages?session_id=x")
    assert client.events[0] == STREAM_START
    assert client.body == b"event: endpoint\r\ndata: /mcp/messages?session_id=x\r\n\r\n"


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_stream_is_closed_without_a_response_and_only_once(streaming: bool) -> None:
    client = Client()
    if streaming:
        await client.reply.keep_alive()
    for _ in range(2):
        await client.reply.close()
    begun = [STREAM_START, KEEP_ALIVE] if streaming else [STREAM_START]
    assert client.events == [*begun, {"type": "http.response.body", "body": b""}]


async def test_a_stream_that_has_begun_tells_an_error_without_a_status() -> None:
    client = Client()
    await client.reply.keep_alive()
    await client.reply.finish(b'{"error":{}}', 503, ((b"retry-after", b"1"),))
    assert [event.get("status") for event in client.events] == [200, None, None]
    assert client.body.endswith(b'data: {"error":{}}\r\n\r\n')


async def test_a_stream_can_end_without_a_last_message() -> None:
    client = Client()
    await client.reply.keep_alive()
    await client.reply.finish(b"", 200)
    assert client.events[2:] == [{"type": "http.response.body", "body": b""}]


@pytest.mark.parametrize("streaming", [False, True])
async def test_nothing_follows_the_end(streaming: bool) -> None:
    client = Client()
    if streaming:
        await client.reply.keep_alive()
    await client.reply.finish(b"{}", 200)
    sent = list(client.events)
    await client.reply.notify("notifications/message", {})
    await client.reply.keep_alive()
    await client.reply.finish(b"{}", 500)
    await client.reply.close()
    assert client.events == sent


async def test_several_tasks_may_speak_at_once() -> None:
    client = Client()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(client.reply.notify("notifications/message", {"data": number}))
            group.create_task(client.reply.keep_alive())
    await client.reply.finish(b"{}", 200)
    assert [event["type"] for event in client.events] == ["http.response.start"] + ["http.response.body"] * 41
    assert [event.get("more_body") for event in client.events] == [None] + [True] * 40 + [None]


async def test_an_end_waits_for_what_is_being_sent() -> None:
    client = Client()
    speaking = asyncio.ensure_future(client.reply.notify("notifications/message", {}))
    await asyncio.sleep(0)
    await client.reply.finish(b'{"result":{}}', 200)
    await speaking
    assert client.events[0] == STREAM_START
    assert client.body.endswith(b'data: {"result":{}}\r\n\r\n')


async def test_a_keep_alive_that_is_interrupted_leaves_a_whole_answer() -> None:
    client = Client()
    keeping = asyncio.ensure_future(client.reply.keep_alive())
    await asyncio.sleep(0)
    keeping.cancel()
    await client.reply.finish(b"{}", 200)
    assert [event["type"] for event in client.events].count("http.response.start") == 1
    assert client.events[0]["type"] == "http.response.start"
    assert "more_body" not in client.events[-1]
