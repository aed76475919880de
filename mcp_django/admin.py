"""The models of this app and the dashboard, in the admin: on the default site, and on those given to ``register``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from mcp_django.dashboard.activity import (
    BoundedPaginator,
    BoundedSearch,
    CallQuerySet,
    KindFilter,
    ServerFilter,
    TransportFilter,
)
from mcp_django.dashboard.pages import PAGES
from mcp_django.models import APIKey, Call, Dashboard, ServiceAccount, Session, Stream

if TYPE_CHECKING:
    DashboardModelAdmin = admin.ModelAdmin[Dashboard]
    KeyAdmin = admin.ModelAdmin[APIKey]
    KeyForm = forms.ModelForm[APIKey]
    ModelAdmin = admin.ModelAdmin[Session]
    StreamModelAdmin = admin.ModelAdmin[Stream]
else:
    DashboardModelAdmin = KeyAdmin = ModelAdmin = StreamModelAdmin = admin.ModelAdmin  # not subscriptable when it runs
    KeyForm = forms.ModelForm


def _end(ids: list[str]) -> None:
    from mcp_django.sessions.store import end_sessions  # with Channels behind it: not for every management command

    end_sessions(ids)


class SessionAdmin(ModelAdmin):
    """To look at and to end; nobody makes one by hand."""

    list_display = ("__str__", "server", "user", "client_id", "transport", "protocol_version", "created", "seen")
    list_filter = ("server", "transport", "protocol_version")
    date_hierarchy = "seen"
    list_select_related = ("user",)
    actions = ("end",)

    @admin.action(description=_("End the selected sessions"), permissions=["delete"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        self.log_deletions(request, queryset)
        _end(ids)
        text = ngettext("%d session was ended on every worker.", "%d sessions were ended on every worker.", len(ids))
        self.message_user(request, text % len(ids))

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        _end([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        _end(list(queryset.values_list("pk", flat=True)))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["id", "client_id", f"user__{get_user_model().USERNAME_FIELD}"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False


class StreamAdmin(StreamModelAdmin):
    """To look at and to end. The rows come and go with what workers have open."""

    list_display = ("hears", "server", "user", "client_id", "of", "worker", "opened")
    list_filter = (ServerFilter, "worker")
    list_select_related = ("user", "worker")
    exclude = ("session",)
    actions = ("end",)

    @admin.display(description=_("session"))
    def of(self, stream: Stream) -> str:
        return f"{stream.session[:8]}…" if stream.session else "-"  # who knows all of it may have the session

    @admin.action(description=_("End the selected streams"), permissions=["delete"])
    def end(self, request: HttpRequest, queryset: QuerySet[Stream]) -> None:
        self.log_deletions(request, queryset)
        ended = _end_streams(queryset)
        text = ngettext("%d stream was ended.", "%d streams were ended.", ended) % ended
        self.message_user(request, f"{text} {_('Clients may open others: to keep one out, end its session.')}")

    def delete_model(self, request: HttpRequest, obj: Stream) -> None:
        _end_streams(Stream.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Stream]) -> None:
        _end_streams(queryset)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        from mcp_django.activity.heartbeat import live_workers  # with the recorder behind it: not for every command

        return super().get_queryset(request).filter(ended=False, worker__in=live_workers(timezone.now()))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["=id", "session", "client_id", f"user__{get_user_model().USERNAME_FIELD}"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Stream | None = None) -> bool:
        return False


def _end_streams(streams: QuerySet[Stream]) -> int:
    from mcp_django.sessions.streams import end_streams

    return end_streams(list(streams.values_list("pk", flat=True)))


def _in_ninety_days() -> datetime:
    from mcp_django.auth.keys import LIFETIME

    return timezone.now() + LIFETIME


def _scope_choices() -> list[tuple[str, str]]:
    from mcp_django.auth.resources import mcp_scopes

    return [(name, f"{name}: {text}" if text != name else name) for name, text in mcp_scopes().items()]


class NewKeyForm(KeyForm):
    """What is asked of who makes a key."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=_scope_choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = APIKey
        fields = ("name", "user", "scopes", "expires_at")


class APIKeyAdmin(KeyAdmin):
    """Keys are made and revoked; what has been made doesn't change, and can't be shown again."""

    form = NewKeyForm
    list_display = ("__str__", "user", "created", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at", "expires_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    actions = ("revoke",)

    @admin.action(description=_("Revoke the selected keys"), permissions=["delete"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        from mcp_django.auth.keys import revoke_key

        keys = list(queryset.filter(revoked_at=None))
        for key in keys:
            revoke_key(key)
            self.log_change(request, key, "Revoked.")
        self.message_user(request, ngettext("%d key was revoked.", "%d keys were revoked.", len(keys)) % len(keys))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "expires_at": _in_ninety_days(),
            "user": request.user.pk,
            **super().get_changeform_initial_data(request),
        }

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:  # noqa: FBT001
        from mcp_django.auth.keys import save_key

        obj.shown_once = save_key(obj)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key in this answer, and keep it nowhere: not in a message, which lies in a cookie or a session."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key"),
            "key": obj.shown_once,  # type: ignore[attr-defined]
            "key_name": obj.name,
            "changelist_url": reverse(f"{self.admin_site.name}:mcp_django_apikey_changelist"),
        }
        return TemplateResponse(request, "admin/mcp_django/apikey/made.html", context)

    def get_fields(self, request: HttpRequest, obj: APIKey | None = None) -> Any:
        told = ("prefix", "last4", "created", "last_used_at", "revoked_at") if obj else ()
        return ("name", "user", "scopes", "expires_at", *told)

    def has_change_permission(self, request: HttpRequest, obj: APIKey | None = None) -> bool:
        return False

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["name", "prefix", "last4", f"user__{get_user_model().USERNAME_FIELD}"]


class CallAdmin(BoundedSearch):
    """To look at: what was recorded doesn't change. Nothing here counts, or looks through, all rows."""

    list_display = (
        "ended",
        "what",
        "server",
        "outcome",
        "error",
        "ms",
        "who",
        "client",
        "protocol_version",
        "transport",
    )
    list_filter = ("outcome", ServerFilter, KindFilter, TransportFilter)
    date_hierarchy = "ended"
    ordering = ("-ended", "-pk")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    readonly_fields = ("who",)

    @admin.display(description=_("call"))
    def what(self, call: Call) -> str:
        return str(call)

    @admin.display(description=_("ms"), ordering="milliseconds")
    def ms(self, call: Call) -> str:
        return f"{call.milliseconds:.1f}"

    @admin.display(description=_("user"), ordering="user_id")
    def who(self, call: Call) -> str | None:
        if call.user is not None or call.user_id is None:
            return None if call.user is None else call.user.get_username()
        return _("deleted user %s") % call.user_id

    @admin.display(description=_("client"))
    def client(self, call: Call) -> str:
        return f"{call.client_name} {call.client_version}".strip() if call.client_name else call.client_id or "-"

    def get_fields(self, request: HttpRequest, obj: Call | None = None) -> Any:
        return ["who" if name == "user" else name for name in super().get_fields(request, obj) if name != "who"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        """Return all calls. A join would lose those of users who have been deleted."""
        rows = CallQuerySet(self.model, using=super().get_queryset(request).db)
        return rows.order_by(*self.ordering).prefetch_related("user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False


class DashboardAdmin(DashboardModelAdmin):
    """Leads to the pages of ``mcp_django.dashboard``: it has no list and no forms of its own."""

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, the first of which is also what the admin's index leads to."""
        index = PAGES[0]._replace(url_name="mcp_django_dashboard_changelist")
        return [address.url(self.admin_site) for address in (*PAGES, index)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dashboard | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dashboard | None = None) -> bool:
        return False


def register(site: admin.AdminSite) -> None:
    """Show this app on a site of one's own; the default one has it already.

    Raises:
        django.contrib.admin.exceptions.AlreadyRegistered: it is there already.
    """
    site.register(Dashboard, DashboardAdmin)
    site.register(Call, CallAdmin)
    site.register(Session, SessionAdmin)
    site.register(Stream, StreamAdmin)
    site.register(APIKey, APIKeyAdmin)
    if apps.is_installed("oauth2_provider"):
        from mcp_django.oauth.account_admin import ServiceAccountAdmin

        site.register(ServiceAccount, ServiceAccountAdmin)


register(admin.site)
