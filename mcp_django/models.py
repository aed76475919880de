"""What outlives a process: the sessions of handshake clients, and the questions that they have been asked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Session(models.Model):
    """What a handshake client (2024-11-05 to 2025-11-25) said of itself, for any worker to know."""

    id = models.CharField(_("id"), max_length=64, primary_key=True)
    server = models.CharField(_("server"), max_length=200, blank=True, help_text=_("Path; empty: the default one."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    client_id = models.CharField(_("OAuth client"), max_length=255, blank=True)
    protocol_version = models.CharField(_("protocol version"), max_length=32)
    client_info = models.JSONField(_("client"), default=dict, blank=True)
    capabilities = models.JSONField(_("capabilities"), default=dict, blank=True)
    log_level = models.CharField(_("log level"), max_length=16, default="info")
    stream = models.CharField(_("stream"), max_length=16, blank=True, editable=False)
    subscriptions = models.JSONField(_("subscriptions"), default=list, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    seen = models.DateTimeField(_("last seen"), db_index=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-seen"]

    def __str__(self) -> str:
        name = self.client_info.get("name") if isinstance(self.client_info, dict) else None
        return f"{name or _('unnamed client')} ({self.id[:8]}…)"


class Question(models.Model):
    """A request that a server has made to a client, until its answer has reached the call that waits for it."""

    id = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="questions")
    answer = models.TextField(null=True)  # noqa: DJ001 - none yet; JSON otherwise, in ASCII: jsonb takes no U+0000
    asked = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")

    def __str__(self) -> str:
        return self.id


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
