"""Who calls without signing in as people do."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class APIKey(models.Model):
    """What an agent shows that can't sign in as people do. The key itself is kept nowhere: only its SHA-256."""

    name = models.CharField(_("name"), max_length=200, help_text=_("What it is for."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Whose permissions its calls have."),
    )
    scopes = models.JSONField(_("scopes"), default=list, blank=True)
    prefix = models.CharField(_("begins with"), max_length=16, editable=False)
    last4 = models.CharField(_("ends with"), max_length=4, editable=False)
    key_checksum = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Empty: never."))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"

    @property
    def usable(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class ServiceAccount(models.Model):
    """For whom a program acts that signs in as itself (RFC 6749 §4.4), and what it may ask for.

    It names the OAuth client by its id, since django-oauth-toolkit is the project's choice. The client's own ``user``
    is whoever made it, and nobody acts for them.
    """

    client_id = models.CharField(_("OAuth client"), max_length=255, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    scopes = models.JSONField(_("scopes"), default=list, help_text=_('A list of names, such as ["mcp"].'))
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")
        ordering = ["client_id"]

    def __str__(self) -> str:
        return self.client_id
