"""The smallest resource server: a view for those who come with a token. It says what it was given."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import AccessToken

from mcp_django.auth.resources import metadata_url, resource_url
from mcp_django.oauth.issuer import resource_base


def challenge(request: HttpRequest, status: int, error: str, scope: str) -> JsonResponse:
    answer = JsonResponse({"error": error}, status=status)
    document = metadata_url("", resource_base(request))
    answer["WWW-Authenticate"] = f'Bearer error="{error}", scope="{scope}", resource_metadata="{document}"'
    return answer


@csrf_exempt
def protected(request: HttpRequest) -> JsonResponse:
    """Read with any token that is for the default server; write with the scope ``notes:write``."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    rows = AccessToken.objects.filter(
        token_checksum=hashlib.sha256(bearer.encode()).hexdigest(), expires__gt=timezone.now(), user__is_active=True
    )
    token = rows.select_related("user").first()
    if token is None or token.resource != [resource_url("", resource_base(request))]:
        return challenge(request, 401, "invalid_token", "mcp")
    scopes = token.scope.split()
    if request.GET.get("write") and "notes:write" not in scopes:
        return challenge(request, 403, "insufficient_scope", " ".join([*scopes, "notes:write"]))
    return JsonResponse({"user": token.user.get_username(), "scopes": scopes})
