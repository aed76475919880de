"""FAQ, block 20: How do I handle long-running operations and progress reporting?"""

import asyncio

from mcp_django.fastmcp import Context, FastMCP

mcp = FastMCP("long-running")


# Supplied: the block calls these three and defines none of them.
async def load_data(source: str) -> list[int]:
    return list(range(20))


async def process_single_item(item: int, options: dict) -> int:
    return item * options.get("factor", 1)


async def save_results(items: list[int]) -> str:
    return f"{sum(items)}.json"


@mcp.tool()
async def long_data_processing(
    data_source: str,
    processing_options: dict,
    ctx: Context
) -> dict:
    """Long-running data processing with progress updates."""

    # Phase 1: Load data
    await ctx.info("Loading data...")
    await ctx.report_progress(0.1, 1.0, "Loading data")

    data = await load_data(data_source)
    data_size = len(data)

    # Phase 2: Process data
    await ctx.info(f"Processing {data_size} items...")
    processed_items = []

    for i, item in enumerate(data):
        # Update progress every 10 items or every 5%
        if i % 10 == 0 or (i / data_size) % 0.05 == 0:
            progress = 0.1 + (i / data_size) * 0.8  # 10% to 90%
            await ctx.report_progress(
                progress=progress,
                total=1.0,
                message=f"Processing item {i+1} of {data_size}"
            )

        # Process individual item
        processed_item = await process_single_item(item, processing_options)
        processed_items.append(processed_item)

        # Yield control to allow cancellation
        await asyncio.sleep(0)

    # Phase 3: Save results
    await ctx.info("Saving results...")
    await ctx.report_progress(0.95, 1.0, "Saving results")

    result_file = await save_results(processed_items)

    # Complete
    await ctx.report_progress(1.0, 1.0, "Processing complete")
    await ctx.info(f"Processing complete. Results saved to {result_file}")

    return {
        "status": "completed",
        "items_processed": len(processed_items),
        "result_file": result_file,
        "processing_options": processing_options
    }
