"""FAQ, block 12: How do I implement secure file access with resources?"""

from pathlib import Path

from django.conf import settings

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("secure-files")

ROOT = Path(settings.MEDIA_ROOT)  # Supplied: the blocks name folders of one machine

from pathlib import Path
import os

# Define allowed base directories
ALLOWED_DIRECTORIES = [
    ROOT / "public",
    ROOT / "data",
    ROOT / "uploads"
]

# Corrected: {path} holds no slash, so no file was ever found; an absolute one is refused before it gets here.
@mcp.resource("file:///{+path}")
def secure_file_access(path: str) -> str:
    """Securely access files within allowed directories."""
    try:
        # Resolve the full path
        requested_path = (ROOT / path).resolve()

        # Check if path is within allowed directories
        is_allowed = any(
            requested_path.is_relative_to(allowed_dir.resolve())  # Corrected: "/public-evil" starts with "/public"
            for allowed_dir in ALLOWED_DIRECTORIES
        )

        if not is_allowed:
            raise ValueError(f"Access denied: {path} is outside allowed directories")

        # Check if file exists
        if not requested_path.exists():
            raise ValueError(f"File not found: {path}")

        # Check if it's actually a file (not a directory)
        if not requested_path.is_file():
            raise ValueError(f"Path is not a file: {path}")

        # Read and return file content
        return requested_path.read_text()

    except Exception as e:
        raise ValueError(f"Error accessing file {path}: {e}")

@mcp.resource("safe-image://{image_name}")
def get_safe_image(image_name: str) -> bytes:
    """Get images from safe directory only."""
    # Validate image name (no path traversal)
    if '..' in image_name or '/' in image_name or '\\' in image_name:
        raise ValueError("Invalid image name")

    image_path = ROOT / "images" / f"{image_name}.png"

    if not image_path.exists():
        raise ValueError(f"Image not found: {image_name}")

    return image_path.read_bytes()
