"""Service accounts, in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import get_application_model

from mcp_django.auth.resources import mcp_scopes
from mcp_django.models import ServiceAccount
from mcp_django.registry import discover

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ServiceAccount]
    ModelForm = forms.ModelForm[ServiceAccount]
else:
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm  # not subscriptable when they run


class ServiceAccountForm(ModelForm):
    """Offers the clients that sign in as themselves, and the scopes that there are."""

    client_id = forms.ChoiceField(label=_("OAuth client"))
    scopes = forms.MultipleChoiceField(label=_("scopes"), widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ServiceAccount
        fields = ("client_id", "user", "scopes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        discover()
        model = get_application_model()
        clients = model.objects.filter(authorization_grant_type=model.GRANT_CLIENT_CREDENTIALS)
        named = [(client.client_id, f"{client} ({client.client_id[:8]}…)") for client in clients]
        self.fields["client_id"].choices = named  # type: ignore[attr-defined]
        self.fields["scopes"].choices = list(mcp_scopes().items())  # type: ignore[attr-defined]


class ServiceAccountAdmin(ModelAdmin):
    """For whom programs act that sign in as themselves."""

    form = ServiceAccountForm
    list_display = ("client_id", "user", "scopes", "created")
    list_select_related = ("user",)
    raw_id_fields = ("user",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["client_id", f"user__{get_user_model().USERNAME_FIELD}"]
