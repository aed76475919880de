"""Custom Routes, block 4: POST Data and File Uploads."""

import hashlib
import hmac

from django.conf import settings
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("post-and-uploads")

SECRET = b"shared with the sender"
handled = []


# Supplied: the block calls these three and defines none of them.
def validate_webhook_signature(body: bytes, signature: str | None) -> bool:
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature or "")


async def handle_user_created(data):
    handled.append(("user.created", data))


async def handle_payment_completed(data):
    handled.append(("payment.completed", data))


from starlette.datastructures import UploadFile
import json
import os

@mcp.custom_route("/upload", methods=["POST"])
async def file_upload(request: Request) -> JSONResponse:
    """File upload endpoint with form data handling."""
    form = await request.form()

    # Handle file upload
    uploaded_file: UploadFile = form.get("file")
    description = form.get("description", "")

    if not uploaded_file or uploaded_file.filename == "":
        return JSONResponse(
            {"error": "No file uploaded"},
            status_code=400
        )

    # Save file (implement proper file handling in production)
    upload_dir = settings.MEDIA_ROOT  # Corrected: a folder of the project, not of one machine
    os.makedirs(upload_dir, exist_ok=True)

    # Corrected: a file named "../../x" was written outside of the folder.
    file_path = os.path.join(upload_dir, os.path.basename(uploaded_file.filename))
    with open(file_path, "wb") as f:
        content = await uploaded_file.read()
        f.write(content)

    return JSONResponse({
        "filename": uploaded_file.filename,
        "size": len(content),
        "content_type": uploaded_file.content_type,
        "description": description,
        "saved_path": file_path
    })

@mcp.custom_route("/webhook", methods=["POST"])
async def webhook_handler(request: Request) -> JSONResponse:
    """Webhook endpoint for external service integration."""
    # Validate content type
    # Corrected: "application/json; charset=utf-8" was refused.
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        return JSONResponse(
            {"error": "Content-Type must be application/json"},
            status_code=400
        )

    # Parse webhook payload
    try:
        payload = await request.json()
    except json.JSONDecodeError:
        return JSONResponse(
            {"error": "Invalid JSON payload"},
            status_code=400
        )

    # Validate webhook signature (implement in production)
    signature = request.headers.get("x-webhook-signature")
    # Corrected: senders sign the bytes, and parsing loses them.
    if not validate_webhook_signature(await request.body(), signature):
        return JSONResponse(
            {"error": "Invalid webhook signature"},
            status_code=401
        )

    # Process webhook
    event_type = payload.get("type")

    if event_type == "user.created":
        await handle_user_created(payload["data"])
    elif event_type == "payment.completed":
        await handle_payment_completed(payload["data"])
    else:
        return JSONResponse(
            {"error": f"Unknown event type: {event_type}"},
            status_code=400
        )

    return JSONResponse({"status": "processed", "event_type": event_type})
