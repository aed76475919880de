"""FAQ, block 8: When should I use async vs sync tools?"""

from mcp_django.fastmcp import Context, FastMCP

mcp = FastMCP("sync-and-async")

# Sync tool for computation
@mcp.tool()
def calculate_fibonacci(n: int) -> int:
    """Calculate fibonacci number (sync)."""
    if n <= 1:
        return n
    return calculate_fibonacci(n-1) + calculate_fibonacci(n-2)

# Async tool for I/O operations
@mcp.tool()
async def fetch_data(url: str, ctx: Context) -> dict:
    """Fetch data from URL (async)."""
    import httpx2 as httpx  # Corrected: httpx2 is what SDK 2 brings

    await ctx.info(f"Fetching data from {url}")

    async with httpx.AsyncClient() as client:
        response = await client.get(url)
        response.raise_for_status()

    await ctx.info("Data fetched successfully")
    return response.json()
