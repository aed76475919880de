"""FAQ, block 10: Can I return rich content like images from tools?"""

from django.core.files.storage import default_storage

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("images")

from mcp_django.fastmcp import Image
import base64

@mcp.tool()
def generate_chart(data: list[int]) -> Image:
    """Generate a chart image."""
    # Generate chart (example using matplotlib)
    import matplotlib.pyplot as plt
    import io

    plt.figure(figsize=(10, 6))
    plt.plot(data)
    plt.title("Data Chart")

    # Save to bytes
    img_buffer = io.BytesIO()
    plt.savefig(img_buffer, format='png')
    img_buffer.seek(0)

    return Image(
        data=img_buffer.read(),
        mime_type="image/png"
    )

@mcp.tool()
def get_file_content(filename: str) -> str:
    """Return file content as text."""
    with default_storage.open(filename, 'r') as f:  # Corrected: any file of the machine could be read
        return f.read()
