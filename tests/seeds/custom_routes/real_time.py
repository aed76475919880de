"""Custom Routes, block 8: Real-time Endpoints."""

import json
import time

from channels.layers import get_channel_layer
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("real-time")


# Supplied: the block calls it and doesn't define it.
async def broadcast_notification(message: str) -> None:
    await get_channel_layer().group_send("seeds.news", {"type": "news", "message": message})


import asyncio
from starlette.responses import StreamingResponse

@mcp.custom_route("/events", methods=["GET"])
async def server_sent_events(request: Request) -> StreamingResponse:
    """Server-Sent Events endpoint for real-time updates."""

    async def event_stream():
        """Generate server-sent events."""
        while True:
            # Check if client disconnected
            if await request.is_disconnected():
                break

            # Send event
            timestamp = time.time()
            data = json.dumps({
                "timestamp": timestamp,
                "server_status": "running",
                "active_connections": 1
            })

            yield f"data: {data}\n\n"

            # Wait before next event
            await asyncio.sleep(5)

    return StreamingResponse(
        event_stream(),
        media_type="text/event-stream",
        headers={
            "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",  # Corrected: Connection is the server's business (RFC 9110 section 7.6.1)
        }
    )

@mcp.custom_route("/notify", methods=["POST"])
async def notification_trigger(request: Request) -> JSONResponse:
    """Trigger notifications to connected clients."""
    body = await request.json()
    message = body.get("message", "Default notification")

    # In a real implementation, you'd use a message queue
    # or WebSocket connections to broadcast to clients

    # Simulate notification
    await broadcast_notification(message)

    return JSONResponse({
        "status": "notification_sent",
        "message": message,
        "timestamp": time.time()
    })
