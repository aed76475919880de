"""Programs that sign in as themselves (RFC 6749 §4.4), each on behalf of a user."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from oauth2_provider.models import get_access_token_model, get_application_model

from mcp_django.models import ServiceAccount


def find_account(application: Any) -> ServiceAccount | None:
    """Return the account of a client that signs in as itself; ``None`` when it has none or its user is not active."""
    if application.authorization_grant_type != application.GRANT_CLIENT_CREDENTIALS:
        return None
    account = ServiceAccount.objects.select_related("user").filter(client_id=application.client_id).first()
    return account if account is not None and account.user.is_active else None


def forget_account(*, instance: Any, **kwargs: Any) -> None:
    """End the account of a client that was deleted: a receiver of ``post_delete``."""
    ServiceAccount.objects.filter(client_id=instance.client_id).delete()


def end_tokens(*, instance: ServiceAccount, created: bool = False, **kwargs: Any) -> None:
    """End the tokens of an account that was changed or deleted: a receiver of ``post_save`` and ``post_delete``.

    They name its user and scopes as they were. The program asks for another, if it still may.
    """
    if not created:
        get_access_token_model().objects.filter(application__client_id=instance.client_id).delete()


def make_account(name: str, user: Any, scopes: list[str]) -> tuple[Any, str]:
    """Make a client that signs in as itself for a user; return it and its secret, which nobody can read later."""
    model = get_application_model()
    application = model(
        name=name,
        client_type=model.CLIENT_CONFIDENTIAL,
        authorization_grant_type=model.GRANT_CLIENT_CREDENTIALS,
    )
    secret = application.client_secret
    with transaction.atomic():
        application.save()
        ServiceAccount.objects.create(client_id=application.client_id, user=user, scopes=scopes)
    return application, secret
