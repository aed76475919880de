"""Custom Routes, block 7: File Serving and Downloads."""

import os

from django.conf import settings
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("files-and-exports")

from starlette.responses import FileResponse, StreamingResponse
import mimetypes

@mcp.custom_route("/files/{filename}", methods=["GET"])
async def serve_file(request: Request) -> FileResponse:
    """Serve static files with proper content types."""
    filename = request.path_params["filename"]
    file_path = os.path.join(settings.MEDIA_ROOT, filename)  # Corrected: a folder of the project

    # Security: prevent directory traversal
    if ".." in filename or filename.startswith("/"):
        return JSONResponse(
            {"error": "Invalid filename"},
            status_code=400
        )

    if not os.path.isfile(file_path):  # Corrected: a folder exists as well
        return JSONResponse(
            {"error": "File not found"},
            status_code=404
        )

    # Determine content type
    content_type, _ = mimetypes.guess_type(file_path)

    return FileResponse(
        file_path,
        media_type=content_type,
        filename=filename
    )

@mcp.custom_route("/export/data", methods=["GET"])
async def export_data(request: Request) -> StreamingResponse:
    """Stream large data exports."""
    format_type = request.query_params.get("format", "json")
    if format_type not in ("csv", "json"):  # Corrected: whatever came went into a header
        return JSONResponse({"error": "Unknown format"}, status_code=400)

    async def generate_data():
        """Generate data stream."""
        if format_type == "csv":
            yield "id,name,email\n"
            for i in range(10000):
                yield f"{i},User{i},user{i}@example.com\n"
        else:  # JSON
            yield '{"users": ['
            for i in range(10000):
                if i > 0:
                    yield ","
                yield f'{{"id": {i}, "name": "User{i}", "email": "user{i}@example.com"}}'
            yield "]}"

    media_type = "text/csv" if format_type == "csv" else "application/json"
    filename = f"export.{format_type}"

    return StreamingResponse(
        generate_data(),
        media_type=media_type,
        headers={"Content-Disposition": f"attachment; filename={filename}"}
    )
