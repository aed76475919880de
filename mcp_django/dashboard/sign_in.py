"""Sign-in in one place: which client may do what for whom, and ending that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mcp_django.dashboard.audit import log_action
from mcp_django.dashboard.confirm import ConfirmPage
from mcp_django.dashboard.page import Page
from mcp_django.models import APIKey, ServiceAccount

MAX_SHOWN = 500
"""Most connections on the page: the search finds the others."""

MAX_TOKENS = 10_000
"""Most tokens of either kind that are looked at, the newest."""

MANAGE = "mcp_django.manage_connections"


@dataclass(slots=True)
class Connection:
    """What one client may do for one user."""

    user: Any
    application: Any
    scopes: set[str] = field(default_factory=set)
    tokens: int = 0
    since: datetime | None = None
    until: datetime | None = None
    """When its last access token ends. ``None``: it has none, and would have to renew."""

    renews: bool = False
    """Whether it can get new ones."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of thing that has pages of its own in the admin."""

    title: Any
    count: int
    url: str


class SignInPage(Page):
    """Who is connected, and where the rest is."""

    title = gettext_lazy("Sign-in")
    permission = MANAGE
    template_name = "admin/mcp_django/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = self.request.GET.get("q", "")
        found = connections(query) if apps.is_installed("oauth2_provider") else []
        return super().get_context_data(
            query=query,
            connections=found[:MAX_SHOWN],
            more=len(found) > MAX_SHOWN or sum(each.tokens for each in found) >= MAX_TOKENS,
            kept=list(self._kept()),
            **kwargs,
        )

    def _kept(self) -> Iterable[Kept]:
        models: list[Any] = [APIKey, ServiceAccount]
        if apps.is_installed("oauth2_provider"):
            models = [*_oauth_models(), *models]
        for model in models:
            meta = model._meta
            if not self.request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
                continue
            name = f"admin:{meta.app_label}_{meta.model_name}_changelist"
            try:
                url = reverse(name, current_app=self.site.name)
            except NoReverseMatch:
                url = ""
            yield Kept(meta.verbose_name_plural, model._default_manager.count(), url)


class DisconnectPage(ConfirmPage):
    """Asks before a client is disconnected, and does it."""

    title = gettext_lazy("Disconnect a client")
    permission = MANAGE
    template_name = "admin/mcp_django/disconnect.html"
    back, back_url_name = SignInPage, "mcp_django_sign_in"
    yes = gettext_lazy("Yes, disconnect")

    def choose(self, request: HttpRequest) -> tuple[Any, Any] | None:
        """Return the user and the client."""
        if not request.POST or not apps.is_installed("oauth2_provider"):
            return None
        user = _find(get_user_model(), request.POST.get("user"))
        return user, _find(_oauth_models()[0], request.POST.get("application"))

    def hidden(self, chosen: tuple[Any, Any]) -> list[tuple[str, str]]:
        user, application = chosen
        return [("user", str(user.pk)), ("application", str(application.pk))]

    def act(self, request: HttpRequest, chosen: tuple[Any, Any]) -> str:
        from mcp_django.oauth.connections import disconnect

        user, application = chosen
        disconnect(user, application)
        log_action(request, f"{application} of {user}", _("Disconnected."))
        return _("%(client)s can no longer act for %(user)s.") % {"client": application, "user": user}


def _find(model: Any, given: str | None) -> Any:
    """Return the row of a primary key as it was typed. Raises ``Http404``."""
    try:
        key = model._meta.pk.to_python(given)
    except ValidationError:
        raise Http404 from None
    return get_object_or_404(model, pk=key)


def _oauth_models() -> list[Any]:
    from oauth2_provider.models import get_access_token_model, get_application_model

    return [get_application_model(), get_access_token_model()]


def connections(query: str = "") -> list[Connection]:
    """Return which client holds tokens of which user, the newest first, by two queries.

    Args:
        query: in the name or id of the client, or the name of the user.
    """
    from oauth2_provider.models import get_access_token_model, get_refresh_token_model

    found: dict[tuple[Any, Any], Connection] = {}
    access = get_access_token_model().objects.filter(expires__gt=timezone.now())
    for token in _newest(access, query):
        connection = _of(found, token)
        connection.scopes.update(token.scope.split())
        connection.until = max(connection.until or token.expires, token.expires)
    refresh = get_refresh_token_model().objects.filter(revoked=None).select_related("access_token")
    for token in _newest(refresh, query):
        connection = _of(found, token)
        connection.renews = True
        if token.access_token is not None:
            connection.scopes.update(token.access_token.scope.split())
    return sorted(found.values(), key=lambda each: each.since or timezone.now(), reverse=True)


def _newest(tokens: Any, query: str) -> Any:
    """Return those of somebody's that a client holds."""
    words = ("application__name", "application__client_id", f"user__{get_user_model().USERNAME_FIELD}")
    fitting = Q(*((f"{word}__icontains", query.replace("\0", "")) for word in words), _connector=Q.OR)
    tokens = tokens.filter(fitting, user__isnull=False, application__isnull=False)
    return tokens.select_related("user", "application").order_by("-created")[:MAX_TOKENS]


def _of(found: dict[tuple[Any, Any], Connection], token: Any) -> Connection:
    slot = (token.user_id, token.application_id)
    connection = found.setdefault(slot, Connection(token.user, token.application))
    connection.tokens += 1
    connection.since = min(connection.since or token.created, token.created)
    return connection
