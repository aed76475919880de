"""What staff have said, and seen, of what is declared."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


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
