"""What people are shown of clients."""

from __future__ import annotations

import pytest

from mcp_django.oauth.clients import is_local, shown_host


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://client.example/callback", "client.example"),
        ("https://client.example:8443/callback", "client.example:8443"),
        ("http://[::1]:3000/callback", "[::1]:3000"),
        ("https://claude.ai@evil.example/callback", "evil.example"),
        ("https://cl\u0430ude.ai/client.json", "xn--clude-5ve.ai"),
        ("https://" + "\u0430" * 80 + ".example/client.json", "\\u0430" * 80 + ".example"),
    ],
)
def test_a_host_is_shown_so_that_it_can_not_pass_for_another(url: str, shown: str) -> None:
    assert shown_host(url) == shown


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:3000/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]/callback", True),
        ("cursor://a.b/callback", True),
        ("https://localhost.example/callback", False),
        ("https://client.example/callback", False),
    ],
)
def test_what_ends_on_ones_own_computer_is_local(url: str, local: bool) -> None:
    assert is_local(url) is local
