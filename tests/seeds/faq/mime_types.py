"""FAQ, block 13: How do I handle different file types and MIME types in resources?"""

from pathlib import Path

from django.conf import settings

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("mime-types")

ROOT = Path(settings.MEDIA_ROOT)  # Supplied: the blocks name folders of one machine

import mimetypes
from pathlib import Path

@mcp.resource("image://{name}", mime_type="image/png")
def get_png_image(name: str) -> bytes:
    """Get PNG image."""
    return (ROOT / "images" / f"{name}.png").read_bytes()

@mcp.resource("data://{name}", mime_type="application/json")
def get_json_data(name: str) -> dict:
    """Get JSON data."""
    return {"name": name, "type": "json", "data": "..."}

@mcp.resource("document://{filename}")
def get_document(filename: str) -> str | bytes:
    """Get document with auto-detected MIME type."""
    file_path = ROOT / "documents" / filename

    if not file_path.exists():
        raise ValueError(f"Document not found: {filename}")

    # Auto-detect MIME type
    mime_type, _ = mimetypes.guess_type(str(file_path))

    if mime_type and mime_type.startswith('text/'):
        return file_path.read_text()
    else:
        return file_path.read_bytes()  # Corrected: bytes become base64 on the wire, so it was encoded twice
