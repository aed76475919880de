"""FAQ, block 21: How do I debug my FastMCP server?"""

from starlette.responses import JSONResponse

from mcp_django.fastmcp import Context, FastMCP


# Supplied: the block calls it and doesn't define it.
def process_complex_data(data: dict) -> dict:
    return {"total": sum(data["numbers"])}


# Enable debug mode
mcp = FastMCP(
    "Debug Server",
    debug=True,
    log_level="DEBUG"
)

@mcp.tool()
async def debug_tool(data: dict, ctx: Context) -> dict:
    """Tool with comprehensive debugging."""

    # Debug logging
    await ctx.debug(f"Tool called with data: {data}")
    await ctx.debug(f"Request ID: {ctx.request_id}")
    await ctx.debug(f"Client ID: {ctx.client_id}")

    # Info logging
    await ctx.info("Starting data processing")

    try:
        # Process data
        result = process_complex_data(data)

        await ctx.info("Processing completed successfully")
        await ctx.debug(f"Result keys: {list(result.keys())}")

        return result

    except Exception as e:
        # Error logging with context
        await ctx.error(f"Processing failed: {type(e).__name__}: {e}")

        # In debug mode, log full traceback
        import traceback
        await ctx.debug(f"Traceback: {traceback.format_exc()}")

        raise

# Custom route for debugging
@mcp.custom_route("/debug/info", methods=["GET"], staff=True)  # Corrected: anybody could read it
async def debug_info(request):
    """Debug endpoint showing server state."""
    return JSONResponse({
        "server_name": mcp.name,
        "debug_mode": mcp.settings.debug,
        "log_level": mcp.settings.log_level,
        "tools_count": mcp.describe().counts["tool"],  # Corrected: the managers were private, and this attribute was never there
        "resources_count": mcp.describe().counts["resource"]  # Corrected: the managers were private, and this attribute was never there
    })
