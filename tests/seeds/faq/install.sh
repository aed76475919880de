uv add django-mcp-channels  # Corrected: mcp 2 has no FastMCP
