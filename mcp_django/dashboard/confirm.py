"""Asking whether one is sure: the pages that end or change something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise

from mcp_django.dashboard.page import Page


class ConfirmPage(Page):
    """Shows what would happen, and does it once that is confirmed by POST.

    The template of a subclass extends ``admin/mcp_django/confirm.html`` and fills the block ``question``, where
    ``chosen`` is what ``choose`` returned.
    """

    in_navigation = False

    back: ClassVar[type[Page]]
    """The page that leads here, and to which it leads back."""

    back_url_name: ClassVar[str]
    """The name of its URL in the namespace ``admin``."""

    yes: ClassVar[str | Promise]
    """What stands on the button."""

    def choose(self, request: HttpRequest) -> Any:
        """Return what it is to be done to; empty: nothing. Raises ``Http404``."""
        raise NotImplementedError

    def hidden(self, chosen: Any) -> Sequence[tuple[str, str]]:
        """Return the fields by which ``choose`` finds the same again."""
        raise NotImplementedError

    def act(self, request: HttpRequest, chosen: Any) -> str:
        """Do it, write it to the admin's log, and return what to tell."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._ask(self.choose(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask, or, once that is confirmed, act."""
        chosen = self.choose(request)
        if not chosen or "confirmed" not in request.POST:
            return self._ask(chosen)
        messages.success(request, self.act(request, chosen))
        return HttpResponseRedirect(self._back())

    def _ask(self, chosen: Any) -> HttpResponse:
        shown = {"chosen": chosen, "hidden": self.hidden(chosen) if chosen else (), "yes": self.yes}
        return self.render_to_response(
            self.get_context_data(**shown, back_url=self._back(), back_title=self.back.title)
        )

    def _back(self) -> str:
        return reverse(f"admin:{self.back_url_name}", current_app=self.site.name)
