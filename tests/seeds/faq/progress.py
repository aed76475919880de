"""FAQ, block 9: How do I access MCP capabilities like logging and progress reporting?"""

from mcp_django.fastmcp import Context, FastMCP

mcp = FastMCP("progress")

@mcp.tool()
async def long_running_task(
    items: list[str],
    ctx: Context
) -> list[str]:
    """Process items with progress reporting."""
    results = []

    await ctx.info(f"Starting to process {len(items)} items")

    for i, item in enumerate(items):
        # Log progress
        await ctx.debug(f"Processing item {i+1}: {item}")

        # Report progress
        await ctx.report_progress(
            progress=i / len(items),
            total=1.0,
            message=f"Processing {item}"
        )

        # Simulate work
        import asyncio
        await asyncio.sleep(0.5)

        result = f"processed_{item}"
        results.append(result)

    await ctx.info("All items processed successfully")
    return results
