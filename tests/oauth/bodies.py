"""What clients send when they register, and the documents that they publish about themselves."""

from __future__ import annotations

from typing import Any

CLAUDE_AI = {
    "client_name": "Claude",
    "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
    "scope": "mcp",
}
CLAUDE_CODE = {
    "client_name": "Claude Code (polls)",
    "redirect_uris": ["http://localhost:54212/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}
CHATGPT = {
    "client_name": "ChatGPT",
    "redirect_uris": ["https://chatgpt.com/connector/oauth/OUbdUMlL15Ct"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_post",
}
VS_CODE = {
    "client_name": "Visual Studio Code",
    "client_uri": "https://code.visualstudio.com",
    "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    "response_types": ["code"],
    "redirect_uris": [
        "https://insiders.vscode.dev/redirect",
        "https://vscode.dev/redirect",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
    ],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
}
CURSOR = {
    "client_name": "Cursor",
    "redirect_uris": [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "grokbot://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
        "unheard-of://callback",
    ],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}
INSPECTOR = {
    "client_name": "MCP Inspector",
    "client_uri": "https://github.com/modelcontextprotocol/inspector",
    "redirect_uris": ["http://localhost:6274/oauth/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
    "scope": "mcp",
}
MCP_REMOTE = {
    "client_name": "MCP CLI Proxy",
    "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
    "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
    "redirect_uris": ["http://localhost:3334/oauth/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}
PYTHON_SDK = {
    "client_name": "my agent",
    "redirect_uris": ["http://localhost:3030/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "application_type": "native",
    "scope": "mcp",
}

CLIENTS: dict[str, tuple[dict[str, Any], str]] = {
    "claude.ai": (CLAUDE_AI, "https://claude.ai/api/mcp/auth_callback"),
    "Claude Code": (CLAUDE_CODE, "http://localhost:54212/callback"),
    "ChatGPT": (CHATGPT, "https://chatgpt.com/connector/oauth/OUbdUMlL15Ct"),
    "VS Code": (VS_CODE, "http://127.0.0.1:33418/"),
    "Cursor": (CURSOR, "cursor://anysphere.cursor-mcp/oauth/callback"),
    "Inspector": (INSPECTOR, "http://localhost:6274/oauth/callback"),
    "mcp-remote": (MCP_REMOTE, "http://localhost:3334/oauth/callback"),
    "Python SDK": (PYTHON_SDK, "http://localhost:3030/callback"),
}
"""By name: what it sends to register, and the redirect URI that it goes on with."""

DOCUMENTS: dict[str, tuple[str, str]] = {
    "claude.ai": ("https://claude.ai/oauth/mcp-oauth-client-metadata", "https://claude.ai/api/mcp/auth_callback"),
    "Claude Code": ("https://claude.ai/oauth/claude-code-client-metadata", "http://localhost:61234/callback"),
    "ChatGPT": (
        "https://chatgpt.com/oauth/client.json",
        "https://chatgpt.com/connector_platform_oauth_redirect",
    ),
    "Codex": ("https://chatgpt.com/oauth/codex/client.json", "http://127.0.0.1:50505/callback"),
    "VS Code": ("https://vscode.dev/oauth/client-metadata.json", "http://127.0.0.1:33418/"),
}
"""By name: the URL of its document, and a redirect URI that it goes on with."""
