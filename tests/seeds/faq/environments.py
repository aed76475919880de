"""FAQ, block 16: How do I configure my server for different environments?"""

from mcp_django.fastmcp import FastMCP

import os

# Environment-based configuration
def get_config():
    env = os.getenv("ENVIRONMENT", "development")

    if env == "production":
        return {
            "debug": False,
            "log_level": "INFO",
            "host": "0.0.0.0",
            "port": 8000
        }
    elif env == "staging":
        return {
            "debug": True,
            "log_level": "DEBUG",
            "host": "0.0.0.0",
            "port": 8080
        }
    else:  # development
        return {
            "debug": True,
            "log_level": "DEBUG",
            "host": "127.0.0.1",
            "port": 3000
        }

config = get_config()
mcp = FastMCP("Environment Server", **config)

# Or use environment variables directly
mcp = FastMCP(
    "My Server",
    debug=os.getenv("DEBUG", "false").lower() == "true",
    log_level=os.getenv("LOG_LEVEL", "INFO"),
    host=os.getenv("HOST", "127.0.0.1"),
    port=int(os.getenv("PORT", "8000"))
)
