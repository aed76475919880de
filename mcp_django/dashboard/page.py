"""What all pages of the dashboard share: permission, and the admin's frame around them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise
from django.views.generic import TemplateView


class Page(TemplateView):
    """One page of the dashboard, on one ``AdminSite``. ``pages.PAGES`` says where it is.

    A subclass names its template, which extends ``admin/mcp_django/base.html`` and fills the block ``page``. What it
    does not show to a user, its ``get`` and ``post`` need not check again: ``dispatch`` has refused already.
    """

    title: ClassVar[str | Promise]

    permission: ClassVar[str]
    """What a user needs to see it, such as ``"mcp_django.view_dashboard"``."""

    in_navigation: ClassVar[bool] = True

    admin_site: AdminSite | None = None

    @classmethod
    def is_for(cls, request: HttpRequest) -> bool:
        """Whether this user may see it."""
        return request.user.has_perm(cls.permission)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer who may see the page.

        Raises:
            PermissionDenied: anyone else asks.
        """
        if not self.is_for(request):
            raise PermissionDenied
        request.current_app = self.site.name  # as the admin's own views do, for {% url %}
        return super().dispatch(request, *args, **kwargs)

    @property
    def site(self) -> AdminSite:
        """The site on which it is shown."""
        assert self.admin_site is not None
        return self.admin_site

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the admin's templates need, and the title."""
        return super().get_context_data(**{**self.site.each_context(self.request), "title": self.title, **kwargs})
