"""Which scopes a client may ask for."""

from __future__ import annotations

from typing import Any

from oauth2_provider.scopes import SettingsScopes
from oauth2_provider.settings import oauth2_settings

from mcp_django.auth.resources import mcp_scopes
from mcp_django.conf import get_settings
from mcp_django.oauth.accounts import find_account


class MCPScopes(SettingsScopes):  # type: ignore[misc]
    """The scopes of ``OAUTH2_PROVIDER["SCOPES"]`` and those that the servers ask for.

    A client that registered itself gets none but the servers'. One that signs in as itself gets those of its
    ``ServiceAccount``; without one, none of the servers'.
    """

    def get_all_scopes(self) -> dict[str, str]:
        return {**oauth2_settings.SCOPES, **mcp_scopes()}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        ours = list(mcp_scopes())
        if application is None:
            return list(self.get_all_scopes())
        if application.registration_source != application.RegistrationSource.MANUAL:
            return ours
        if application.authorization_grant_type != application.GRANT_CLIENT_CREDENTIALS:
            return list(self.get_all_scopes())
        account = find_account(application)
        if account is not None:
            return [scope for scope in ours if scope in account.scopes]
        return [scope for scope in self.get_all_scopes() if scope not in ours]

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        account = None if application is None else find_account(application)
        return list(get_settings().OAUTH.BASELINE_SCOPES) if account is None else list(account.scopes)
