"""What outlives a process: sessions of handshake clients, what is on its way to the process that needs it, API keys."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
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


class Call(models.Model):
    """One request to a server: who asked for what, through which client, and what came of it.

    It is written with SQL of ``activity.rows``, up to a second late, and never changed. Its one index serves every
    question that names a time; a row more would cost each call more than it helps a page.
    """

    class Outcome(models.TextChoices):
        OK = "ok", _("ok")
        TOOL_ERROR = "tool_error", _("tool error")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    ended = models.DateTimeField(_("ended"), db_index=True)
    milliseconds = models.FloatField(_("milliseconds"))
    server = models.CharField(_("server"), max_length=200, blank=True, help_text=_("Path; empty: the default one."))
    method = models.CharField(_("method"), max_length=64, blank=True, help_text=_("Empty: refused before it was read."))
    kind = models.CharField(_("kind"), max_length=16, blank=True)
    component = models.CharField(_("component"), max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,  # who did it stays known, and nobody has to look through all rows
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("user"),
    )
    principal = models.CharField(_("signed in by"), max_length=16, blank=True)
    client_id = models.CharField(_("OAuth client"), max_length=255, blank=True)
    client_name = models.CharField(_("client"), max_length=200, blank=True)
    client_version = models.CharField(_("client version"), max_length=200, blank=True)
    protocol_version = models.CharField(_("protocol version"), max_length=32, blank=True)
    transport = models.CharField(_("transport"), max_length=16)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    error = models.CharField(_("error"), max_length=100, blank=True, help_text=_("Why it was refused, or what failed."))
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    arguments = models.TextField(_("arguments"), blank=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("activity")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return " ".join(part for part in (self.method, self.component) if part) or str(self.get_outcome_display())


class CallSummary(models.Model):
    """The calls of one server in a quarter of an hour that is over, summed up from ``Call`` for the dashboard."""

    server = models.CharField(max_length=200, blank=True)
    start = models.DateTimeField()
    tally = models.JSONField()
    """As ``activity.tally.Tally.data`` makes it."""

    class Meta:
        verbose_name = _("summary of calls")
        verbose_name_plural = _("summaries of calls")
        constraints = [models.UniqueConstraint(fields=["start", "server"], name="mcp_django_one_summary")]

    def __str__(self) -> str:
        return f"{self.server or 'default'} {self.start:%Y-%m-%d %H:%M}"


class Worker(models.Model):
    """A process that serves, as long as it says so (``activity.heartbeat``)."""

    id = models.CharField(max_length=32, primary_key=True)
    host = models.CharField(_("host"), max_length=200)
    pid = models.PositiveIntegerField(_("process"))
    started = models.DateTimeField(_("started"))
    seen = models.DateTimeField(_("last seen"))
    streams = models.PositiveIntegerField(_("open streams"))
    dropped = models.PositiveIntegerField(_("calls that were not recorded"))

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["host", "pid"]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Dashboard(Call):
    """The calls as the dashboard sums them up: a model of its own for a permission, and a line in the admin's index."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = [
            ("run_component", _("Can run components in the console")),
            ("manage_connections", _("Can see and end what clients may do for users")),
            ("run_as_user", _("Can run components in the console as another user")),
        ]
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboard")


class ComponentSwitch(models.Model):
    """A component that is switched off: there is a row for as long as it is."""

    server = models.CharField(_("server"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=16)
    key = models.CharField(_("name or URI"), max_length=500)
    switched_at = models.DateTimeField(_("since"), auto_now_add=True)
    switched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("component that is switched off")
        verbose_name_plural = _("components that are switched off")
        constraints = [models.UniqueConstraint(fields=["server", "kind", "key"], name="mcp_django_one_switch")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ComponentSchema(models.Model):
    """What lists show of a component, since when: a row for each change that somebody has looked at."""

    server = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=500)
    shown = models.JSONField()
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("schema of a component")
        verbose_name_plural = _("schemas of components")
        ordering = ["pk"]
        indexes = [models.Index(fields=["server", "kind", "key"], name="mcp_django_schema_of")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
