"""The floor of an answer that is an event stream: the bare application, which says one thing before its answer."""

from __future__ import annotations

from benchmarks.subjects.bare import BODY, answering
from benchmarks.subjects.frozen import freeze

SAID = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"adding"}}'
FRAME = b"event: message\r\ndata: %b\r\n\r\n"
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}

application = answering(
    START,
    {"type": "http.response.body", "body": FRAME % SAID, "more_body": True},
    {"type": "http.response.body", "body": FRAME % BODY},
)

freeze()
