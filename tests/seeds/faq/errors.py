"""FAQ, block 23: How do I handle errors gracefully in my tools?"""

import asyncio
import time

from mcp_django.fastmcp import Context, FastMCP

mcp = FastMCP("errors")

from mcp_django.fastmcp import ValidationError, ToolError

@mcp.tool()
async def robust_tool(
    ctx: Context,  # Corrected: no parameter without a default may follow one with it
    data: str,
    validate: bool = True
) -> dict:
    """Tool with comprehensive error handling."""

    try:
        await ctx.info(f"Processing data: {data}")

        # Input validation
        if validate and not data.strip():
            raise ValidationError("Data cannot be empty")

        # Simulate processing that might fail
        if data == "error":
            raise ValueError("Simulated processing error")

        if data == "timeout":
            # Corrected: sleeping raises no TimeoutError, so nothing ever reached the arm for it.
            await asyncio.wait_for(asyncio.sleep(100), timeout=0.01)

        # Success case
        result = {
            "original": data,
            "processed": data.upper(),
            "length": len(data),
            "timestamp": time.time()
        }

        await ctx.info("Processing completed successfully")
        return result

    except ValidationError as e:
        await ctx.error(f"Validation error: {e}")
        raise

    except ValueError as e:
        await ctx.error(f"Processing error: {e}")
        # Could return error response instead of raising
        return {
            "error": "processing_failed",
            "message": str(e),
            "data": data
        }

    except asyncio.TimeoutError:
        await ctx.error("Operation timed out")
        raise ToolError("Processing timed out")

    except Exception as e:
        await ctx.error(f"Unexpected error: {type(e).__name__}: {e}")

        # Log full context in debug mode
        if mcp.settings.debug:
            import traceback
            await ctx.debug(f"Full traceback: {traceback.format_exc()}")

        raise ToolError(f"Tool execution failed: {e}") from e
