"""Programs that sign in as themselves (RFC 6749 §4.4), each on behalf of a user."""

from __future__ import annotations

from typing import Any

from mcp_django.models import ServiceAccount


def find_account(application: Any) -> ServiceAccount | None:
    """Return the account of a client that signs in as itself; ``None`` when it has none or its user is not active."""
    if application.authorization_grant_type != application.GRANT_CLIENT_CREDENTIALS:
        return None
    account = ServiceAccount.objects.select_related("user").filter(client_id=application.client_id).first()
    return account if account is not None and account.user.is_active else None
