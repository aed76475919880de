"""What is checked before a code or a token is given out, beyond what django-oauth-toolkit checks."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from oauth2_provider.models import get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from mcp_django.auth.resources import mcp_scopes
from mcp_django.conf import get_settings
from mcp_django.oauth.accounts import find_account
from mcp_django.oauth.resources import bind, known_resources, spelled

OFFLINE_ACCESS = "offline_access"
"""Some clients ask for it whether it is offered or not. A refresh token comes without, so it is dropped."""


class MCPOAuth2Validator(OAuth2Validator):  # type: ignore[misc]
    """For ``OAUTH2_PROVIDER["OAUTH2_VALIDATOR_CLASS"]``: tokens of active users, each for servers that it names."""

    # Scopes

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if OFFLINE_ACCESS in scopes:
            rest = [scope for scope in scopes if scope != OFFLINE_ACCESS]
            scopes[:] = rest or self.get_default_scopes(client_id, request)  # oauthlib goes on with this very list
        if request.grant_type == "client_credentials" and set(scopes) <= set(get_settings().OAUTH.BASELINE_SCOPES):
            # What a challenge tells every client to begin with. Nobody is there whom a program could ask for more.
            scopes[:] = self.get_default_scopes(client_id, request)
        return bool(super().validate_scopes(client_id, scopes, client, request, *args, **kwargs))

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        original = scope_to_list(self.get_original_scopes(refresh_token, request))
        rest = [scope for scope in request_scopes if scope != OFFLINE_ACCESS]
        request_scopes[:] = rest or original
        return set(rest) <= set(original)

    # Codes

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        valid = super().validate_code(client_id, code, client, request, *args, **kwargs)
        if not valid:
            _end_what_came_of(code, client)
        return bool(valid and request.user.is_active)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().invalidate_authorization_code(client_id, code, request, *args, **kwargs)
        except InvalidGrantError:  # somebody else has used it since it was checked
            _end_what_came_of(code, request.client)
            get_refresh_token_model().revoke_family(_family(request))
            raise
        _remember_what_came_of(code, request)

    # Users

    def validate_user(self, username: str, password: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        # oauthlib tries the password first, and would tell any client that registered itself which one is right.
        may_try = self.validate_grant_type(client.client_id, "password", client, request)
        return may_try and bool(super().validate_user(username, password, client, request, *args, **kwargs))

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        if _was_renewed_just_now(refresh_token):
            return False  # and no more than that: the toolkit would end the tokens that it was renewed to
        valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return bool(valid and request.user is not None and request.user.is_active)

    # Programs that sign in as themselves

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if grant_type == "client_credentials" and find_account(request.client) is None:
            asked = scope_to_list(request.scope)
            if not asked or set(asked) & set(mcp_scopes()):
                return False
        return bool(super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs))

    def _create_access_token(self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None) -> Any:
        if request.grant_type == "client_credentials":
            account = find_account(request.client)
            request.user = None if account is None else account.user
        request.issued = super()._create_access_token(expires, request, token, source_refresh_token)
        return request.issued

    # Resources

    def _create_authorization_code(self, request: Any, code: Any, expires: Any = None) -> Any:
        request.resource = bind(_listed(request), request.scopes, request.client, request)
        return super()._create_authorization_code(request, code, expires)

    def _check_and_set_request_resource(self, request: Any) -> None:
        request.resource = spelled(_listed(request), known_resources(request))
        super()._check_and_set_request_resource(request)
        if request.grant_type not in ("authorization_code", "refresh_token"):  # those have what was consented to
            request.resource = bind(request.resource, request.scopes, request.client, request)

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        super()._save_bearer_token(token, request, *args, **kwargs)
        if not token.get("access_token"):
            # Two renewals at the very same time: the toolkit would give the second one the first one's token, which
            # isn't stored in the clear.
            raise InvalidGrantError(request=request)


def _listed(request: Any) -> list[str]:
    """Return the resources of a request as a list; oauthlib keeps the last of several only."""
    repeated = [value for key, value in request.decoded_body or () if key == "resource"]
    given = getattr(request, "resource", None) or []
    if isinstance(given, str):
        return repeated or [given]
    return list(given)


def _remember_what_came_of(code: str, request: Any) -> None:
    """Keep the family of the tokens that a code was good for, until it would have run out: nobody can use it later."""
    key = _key_of_code(code, request.client)
    cache.set(key, _family(request), oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS)


def _family(request: Any) -> Any:
    rows = get_refresh_token_model().objects.filter(access_token=request.issued)
    return rows.values_list("token_family", flat=True).first()


def _end_what_came_of(code: str, client: Any) -> None:
    """End the tokens of a code that comes twice: whoever used it first may have stolen it (RFC 6749 §4.1.2)."""
    get_refresh_token_model().revoke_family(cache.get(_key_of_code(code, client)))


def _key_of_code(code: str, client: Any) -> str:
    return f"mcp_django:code:{client.pk}:{hashlib.sha256(code.encode()).hexdigest()}"


def _was_renewed_just_now(refresh_token: str) -> bool:
    """Whether it was used up less than ``REFRESH_RACE_SECONDS`` ago: clients renew twice at the same time."""
    limit = timezone.now() - timedelta(seconds=get_settings().OAUTH.REFRESH_RACE_SECONDS)
    checksum = hashlib.sha256(refresh_token.encode()).hexdigest()
    rows = get_refresh_token_model().objects.filter(token_checksum=checksum)
    return bool(rows.filter(revoked__gt=limit).exists() and not rows.filter(revoked=None).exists())
