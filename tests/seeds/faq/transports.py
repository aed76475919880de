"""FAQ, block 3: Which transport should I use: stdio, streamable-http, or sse?"""

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("transports")


def run_each():  # Supplied: each of these calls serves until it is stopped

    # Local development
    mcp.run("stdio")

    # Web deployment with authentication
    mcp.run("streamable-http")

    # Simple web deployment
    mcp.run("sse")
