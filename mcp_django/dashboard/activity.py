"""What keeps the list of calls quick with a million rows: filters that ask no table, and counts that end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext_lazy as _

from mcp_django.dashboard.names import name_of
from mcp_django.models import Call
from mcp_django.registry import discover, servers

if TYPE_CHECKING:
    Calls = QuerySet[Call]
    CallPaginator = Paginator[Call]
    CallModelAdmin = ModelAdmin[Call]
else:
    Calls, CallPaginator, CallModelAdmin = QuerySet, Paginator, ModelAdmin

MAX_COUNT = 10_000
"""Counting ends here: older rows are found by filters, not by turning pages."""


SEARCHED_ROWS = 100_000
"""A search ends here, among the newest calls that the filters leave: no index would be worth what it costs a call."""


class BoundedSearch(CallModelAdmin):
    """Searches for the whole of what was typed, and no further than ``SEARCHED_ROWS``."""

    search_fields = ("component", "method", "error", "client_name", "client_id", "request_id")
    search_help_text = _(
        "The whole of a component, method, error, client, request id or user name; among the newest 100,000 calls that "
        "the filters leave."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the newest calls of which something is exactly this, or whose user has this name."""
        term = search_term.strip()
        newest = queryset.values_list("pk", flat=True).first() if term else None
        if newest is None:
            return queryset, False
        model = get_user_model()
        named = model._default_manager.filter(**{model.USERNAME_FIELD: term}).values_list("pk", flat=True)
        found = Q(user__in=list(named))  # known beforehand: to join users to calls takes longer than the search
        for name in self.search_fields:
            found |= Q(**{name: term})
        searched = Call.objects.filter(pk__gt=newest - SEARCHED_ROWS).order_by("pk")
        oldest = searched.values_list("ended", flat=True)[0]  # a moment: by these the rows are ordered and indexed
        return queryset.filter(found, ended__gte=oldest), False


class BoundedPaginator(CallPaginator):
    """Counts as far as ``MAX_COUNT``."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return int(found.order_by()[:MAX_COUNT].count())

    @property
    def reached_the_end(self) -> bool:
        """Whether there are no more rows than were counted."""
        return self.count < MAX_COUNT


class CallQuerySet(Calls):
    """Answers what the date hierarchy asks by jumps in the index: when calls begin and end, and on which days."""

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return what is asked; the first and last moment by two jumps, for which SQLite would look at all rows."""
        if kwargs.keys() != {"first", "last"}:
            return super().aggregate(*args, **kwargs)
        return {
            name: self.order_by(order).values_list("ended", flat=True).first()
            for name, order in (("first", "ended"), ("last", "-ended"))
        }

    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: Any = None) -> Any:
        """Return the beginnings of the years, months or days in which there are rows, oldest first."""
        from mcp_django.activity.summaries import aware  # with the recorder behind it: not for every command

        found = []
        moment = self._first_since(None)
        while moment is not None:
            begin = _beginning(localtime(aware(moment)).date(), kind)
            found.append(_midnight(begin))
            moment = self._first_since(_midnight(_beginning(begin + timedelta(days=_LONGER[kind]), kind)))
        return found

    def _first_since(self, since: datetime | None) -> datetime | None:
        from mcp_django.activity.summaries import stored

        rows = self if since is None else self.filter(ended__gte=stored(since))
        return rows.order_by("ended").values_list("ended", flat=True).first()


_LONGER = {"year": 366, "month": 31, "day": 1}
"""Days after the beginning of a period that lie in the next one."""


def _beginning(day: date, kind: str) -> date:
    if kind == "day":
        return day
    return day.replace(day=1) if kind == "month" else day.replace(month=1, day=1)


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


class _EqualFilter(SimpleListFilter):
    """Filters by one column, whose values are known without a look at the table."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})


class ServerFilter(_EqualFilter):
    """The servers of this project."""

    title = _("server")
    parameter_name = "server__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        discover()
        return [(server.path, name_of(server)) for server in servers()]


class KindFilter(_EqualFilter):
    """What was called."""

    title = _("kind")
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        return [("tool", _("tool")), ("resource", _("resource")), ("prompt", _("prompt"))]


class TransportFilter(_EqualFilter):
    """How it came."""

    title = _("transport")
    parameter_name = "transport__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in ("streamable-http", "sse", "stdio", "console")]
