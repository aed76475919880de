"""FAQ, block 19: How do I optimize my FastMCP server for production?"""

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model

from mcp_django.fastmcp import Context, FastMCP

mcp = FastMCP("performance")


# Supplied: the block calls it and doesn't define it.
async def process_item(item: str) -> str:
    return item.upper()


import asyncio
from functools import lru_cache

# 1. Use async tools for I/O operations
@mcp.tool()
async def optimized_database_query(query: str, ctx: Context) -> list[dict]:
    """Async database query with connection pooling."""
    # Corrected: SQL that a model writes is an injection by design. Django's ORM, whose connections are reused.
    users = get_user_model().objects.filter(username__contains=query)
    return [row async for row in users.values("username")]

# 2. Implement caching for expensive operations
@lru_cache(maxsize=128)
def expensive_computation(data: str) -> str:
    """Cache expensive computations."""
    # Simulate expensive operation
    import time
    time.sleep(1)
    return f"processed_{data}"

@mcp.tool()
async def cached_tool(data: str, ctx: Context) -> str:
    """Tool with caching."""
    await ctx.info("Using cached computation")
    return await sync_to_async(expensive_computation)(data)  # Corrected: it held up every other call

# 3. Process items in batches
@mcp.tool()
async def batch_processor(
    ctx: Context,  # Corrected: no parameter without a default may follow one with it
    items: list[str],
    batch_size: int = 10
) -> list[str]:
    """Process items in batches for better performance."""
    results = []

    for i in range(0, len(items), batch_size):
        batch = items[i:i + batch_size]
        await ctx.info(f"Processing batch {i//batch_size + 1}")

        # Process batch concurrently
        batch_tasks = [process_item(item) for item in batch]
        batch_results = await asyncio.gather(*batch_tasks)

        results.extend(batch_results)

        # Report progress
        await ctx.report_progress(
            progress=min(i + batch_size, len(items)) / len(items),
            total=1.0,
            message=f"Processed {min(i + batch_size, len(items))} of {len(items)} items"
        )

    return results

# 4. Use proper timeout and error handling
@mcp.tool()
async def robust_api_call(ctx: Context, url: str, timeout: int = 30) -> dict:
    """API call with timeout and retry logic."""
    import httpx2 as httpx  # Corrected: httpx2 is what SDK 2 brings

    for attempt in range(3):  # Retry up to 3 times
        try:
            async with httpx.AsyncClient(timeout=timeout) as client:
                response = await client.get(url)
                response.raise_for_status()
                return response.json()
        except httpx.TimeoutException:
            await ctx.warning(f"Timeout on attempt {attempt + 1}")
            if attempt == 2:  # Last attempt
                raise
        except httpx.HTTPStatusError as e:
            await ctx.error(f"HTTP error {e.response.status_code}")
            raise
