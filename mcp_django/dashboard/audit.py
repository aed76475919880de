"""What staff did on the pages of this app, in the admin's own log."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from mcp_django.models import Dashboard


def log_action(request: HttpRequest, subject: str, message: str, *, flag: int = CHANGE) -> None:
    """Write down that the user of a request did something that is no change of a model's row.

    For one that is, the ``ModelAdmin`` has ``log_change``.

    Args:
        subject: to what, such as ``"tool search_cities of atlas"``.
        message: what, in the language of the people who read the log.
        flag: ``ADDITION``, ``CHANGE`` or ``DELETION`` of ``django.contrib.admin.models``.
    """
    LogEntry.objects.create(
        user_id=request.user.pk,  # type: ignore[misc]  # staff have signed in
        content_type=ContentType.objects.get_for_model(Dashboard, for_concrete_model=False),
        object_id=subject[:200],
        object_repr=subject[:200],
        action_flag=flag,
        change_message=message,
    )
