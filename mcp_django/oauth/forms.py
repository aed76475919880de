"""What somebody decides on the page that asks for consent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from oauth2_provider.forms import AllowForm
from oauth2_provider.models import get_application_model
from oauth2_provider.scopes import get_scopes_backend


class MCPAllowForm(AllowForm):  # type: ignore[misc]
    """The toolkit's form, with a box to tick for each scope."""

    scopes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = self.data.get("scope", "") if self.is_bound else self.initial.get("scope") or ""
        texts = get_scopes_backend().get_all_scopes()
        self.fields["scopes"].choices = [(scope, texts[scope]) for scope in asked.split() if scope in texts]
        self.fields["scopes"].initial = [scope for scope, _text in self.fields["scopes"].choices]

    def clean(self) -> dict[str, Any]:
        """Put what was ticked in the place of what was asked for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        application = get_application_model().objects.filter(client_id=cleaned.get("client_id", "")).first()
        if application is None or not application.redirect_uri_allowed(cleaned.get("redirect_uri", "")):
            self.add_error("client_id", _("This client is not known."))
        elif cleaned.get("allow"):
            if not cleaned.get("scopes"):
                self.add_error("scopes", _("Tick at least one, or cancel."))
            cleaned["scope"] = " ".join(cleaned.get("scopes", []))
        return cleaned
