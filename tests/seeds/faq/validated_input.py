"""FAQ, block 7: How do I validate tool inputs and handle errors properly?"""

from pydantic import BaseModel, Field
from mcp_django.fastmcp import FastMCP, Context

mcp = FastMCP("Validation Server")

class UserInput(BaseModel):
    name: str = Field(min_length=1, max_length=50, description="User's name")
    age: int = Field(ge=0, le=150, description="User's age")
    email: str = Field(pattern=r'^[^@]+@[^@]+\.[^@]+$', description="Valid email")  # Corrected: pydantic 2 calls it pattern

@mcp.tool()
async def create_user(user: UserInput, ctx: Context) -> dict:
    """Create user with validation."""
    try:
        await ctx.info(f"Creating user: {user.name}")

        # Simulate user creation
        user_id = hash(user.email) % 10000

        await ctx.info("User created successfully")
        return {
            "user_id": user_id,
            "name": user.name,
            "age": user.age,
            "email": user.email
        }
    except Exception as e:
        await ctx.error(f"Failed to create user: {e}")
        raise
