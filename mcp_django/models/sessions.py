"""What outlives a request of a handshake client, for any worker to know."""

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
    transport = models.CharField(_("transport"), max_length=16, default="streamable-http")
    protocol_version = models.CharField(
        _("protocol version"), max_length=32, blank=True, help_text=_("Empty: the client has not shaken hands yet.")
    )
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
        given = self.client_info.get("name") if isinstance(self.client_info, dict) else None
        name = "".join(each for each in str(given or "")[:200] if each.isprintable())  # others turn a line around
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


class StreamEvent(models.Model):
    """What was said on an event stream of a session, for a client that lost its connection (``EVENT_LOG``)."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="events")
    stream = models.CharField(max_length=32)
    number = models.PositiveIntegerField()
    message = models.TextField()
    """JSON-RPC. Of number 0, which is nothing but the beginning: the id of the request that the stream answers."""

    last = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="mcp_django_event_of_stream")]

    def __str__(self) -> str:
        return f"{self.stream}.{self.number}"


class PostedMessage(models.Model):
    """What a client of the HTTP+SSE transport posted to another process than that which holds its stream."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="posted")
    body = models.TextField()
    posted = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("posted message")
        verbose_name_plural = _("posted messages")

    def __str__(self) -> str:
        return str(self.pk)
