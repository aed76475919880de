"""What happened, and who serves."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


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


class Stream(models.Model):
    """A stream of events that a worker has open (``sessions.streams``): a copy of what the worker knows."""

    id = models.CharField(max_length=16, primary_key=True)
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="open_streams", verbose_name=_("worker"))
    server = models.CharField(_("server"), max_length=200, blank=True, help_text=_("Path; empty: the default one."))
    session = models.CharField(_("session"), max_length=64, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("user"),
    )
    client_id = models.CharField(_("OAuth client"), max_length=255, blank=True)
    hears = models.CharField(_("hears of"), max_length=200)
    opened = models.DateTimeField(_("opened"))
    ended = models.BooleanField(default=False, editable=False)
    """Whether it is to end. Its worker looks, now and then, and takes the row away."""

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        ordering = ["-opened"]

    def __str__(self) -> str:
        return f"{self.hears} ({self.id})"
