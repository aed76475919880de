"""What ``mcp_django.fastmcp`` hands on from the SDK to code that was written for FastMCP."""

from __future__ import annotations

import mcp_types
import pytest
from mcp.server import transport_security
from mcp.server.auth import provider, settings


def test_the_settings_of_sign_in_take_the_arguments_that_fastmcp_took() -> None:
    given = settings.AuthSettings.model_validate(
        {
            "issuer_url": "https://auth.example/",
            "resource_server_url": "https://mcp.example/",
            "required_scopes": ["read"],
            "validate_token_resource": True,
            "client_registration_options": settings.ClientRegistrationOptions(enabled=True, valid_scopes=["read"]),
            "revocation_options": settings.RevocationOptions(enabled=True),
        }
    )
    assert given.required_scopes == ["read"]
    assert given.client_registration_options is not None
    assert given.client_registration_options.valid_scopes == ["read"]
    assert given.revocation_options is not None


@pytest.mark.parametrize(
    ("protocol", "member"),
    [(provider.TokenVerifier, "verify_token"), (provider.OAuthAuthorizationServerProvider, "authorize")],
)
def test_providers_are_protocols_to_write_classes_by(protocol: type, member: str) -> None:
    assert callable(getattr(protocol, member))


def test_transport_security_takes_hosts_and_origins() -> None:
    given = transport_security.TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=["a.example"], allowed_origins=["https://a.example"]
    )
    assert (given.allowed_hosts, given.allowed_origins) == (["a.example"], ["https://a.example"])


@pytest.mark.parametrize(
    ("model", "wire"),
    [
        (mcp_types.Tool, {"name": "add", "inputSchema": {"type": "object"}}),
        (mcp_types.Prompt, {"name": "plan", "arguments": [{"name": "day"}]}),
        (mcp_types.Resource, {"name": "map", "uri": "map://1", "mimeType": "text/plain"}),
        (mcp_types.ResourceTemplate, {"name": "maps", "uriTemplate": "map://{id}"}),
        (mcp_types.GetPromptResult, {"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}]}),
    ],
)
def test_what_lists_and_prompts_answer_is_read_from_the_wire(model: type[mcp_types.Tool], wire: dict[str, str]) -> None:
    dumped = model.model_validate(wire).model_dump(by_alias=True, mode="json", exclude_none=True)
    assert dumped.items() >= wire.items()
