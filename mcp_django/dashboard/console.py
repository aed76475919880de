"""The console: a component, a form for its arguments, and what came of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mcp_django.dashboard.audit import log_action
from mcp_django.dashboard.catalogue import Entry, entries, pretty
from mcp_django.dashboard.page import Page
from mcp_django.dashboard.questions import answers_in
from mcp_django.dashboard.results import Pieces
from mcp_django.dashboard.runs import Run
from mcp_django.dashboard.schema_fields import SchemaForm

RUN_AS = "mcp_django.run_as_user"
METHODS = {"tool": "tools/call", "resource": "resources/read", "prompt": "prompts/get"}


class RunResponse(StreamingHttpResponse):
    """The page of a run, which ends with it: Django closes a response also when its reader has left."""

    def __init__(self, pieces: Any, run: Run) -> None:
        super().__init__(pieces)
        self._run = run

    def close(self) -> None:
        super().close()
        self._run.cancel()


class ConsolePage(Page):
    """Shows the form, and runs what is asked for by POST."""

    title = gettext_lazy("Console")
    permission = "mcp_django.run_component"
    template_name = "admin/mcp_django/console.html"

    problem = ""
    """What is wrong with what was filled in, where there is no call to make."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        runnable = [each for each in entries(counted=False) if each.runnable]
        token = self.request.POST.get("component") or self.request.GET.get("component", "")
        entry = next((each for each in runnable if each.token == token), None)
        arguments = self._arguments(entry) if entry is not None else {}
        as_json = self.request.POST.get("show", self.request.POST.get("mode", "form")) == "json"
        return super().get_context_data(
            entry=entry,
            kinds=[(name, [each for each in runnable if _heading(each) == name]) for name in HEADINGS],
            arguments=arguments,
            arguments_json=self._typed(arguments),
            as_json=as_json,
            form=SchemaForm(schema_of(entry), arguments) if entry is not None else None,
            may_run_as=self.request.user.has_perm(RUN_AS),
            run_as=_acting(self.request),
            problem=self.problem,
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Run the component, unless only the form is to be shown in another way."""
        context = self.get_context_data()
        entry: Entry | None = context["entry"]
        run = None
        if entry is not None and "run" in request.POST and not self.problem:
            run = self._run(request, entry, context["arguments"])
        if run is None:
            return self.render_to_response({**context, "problem": self.problem})
        marker = f"<!--{get_random_string(20)}-->"
        page: Any = self.response_class(request, self.get_template_names(), {**context, "marker": marker})
        before, _found, after = page.rendered_content.partition(marker)
        pieces = Pieces(run, request, before, after, context)
        stream: Any = pieces.as_they_come() if hasattr(request, "scope") else pieces.all()
        response = RunResponse(stream, run)
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"  # nginx would keep it until the end
        return response

    def _run(self, request: HttpRequest, entry: Entry, arguments: dict[str, Any]) -> Run | None:
        user = self._user(request)
        if user is None:
            return None
        params = _params(entry, arguments)
        if isinstance(params, str):
            self.problem = params
            return None
        whom = _(" as %(user)s") % {"user": user} if user != request.user else ""
        log_action(request, entry.label, _("Run in the console%(whom)s.") % {"whom": whom})
        return Run(entry.server, user, METHODS[entry.facts.kind], {**params, **answers_in(request.POST)})

    def _user(self, request: HttpRequest) -> Any:
        """Return whose permissions the run has; ``None``: there is a problem.

        Raises:
            PermissionDenied: somebody else's, and that isn't allowed.
        """
        name = _acting(request) or request.user.get_username()
        if name != request.user.get_username() and not request.user.has_perm(RUN_AS):
            raise PermissionDenied
        users = get_user_model()
        user: Any = users._default_manager.filter(**{users.USERNAME_FIELD: name}, is_active=True).first()
        if user is None:
            self.problem = _("There is no active user of this name.")
        elif getattr(user, "is_superuser", False) and not getattr(request.user, "is_superuser", False):
            self.problem = _("Only a superuser runs something as a superuser.")
            return None
        return user

    def _arguments(self, entry: Entry) -> dict[str, Any]:
        posted = self.request.POST
        if not posted:
            return {}
        if posted.get("mode") != "json":
            read: dict[str, Any] = SchemaForm(schema_of(entry)).read(posted.dict())
            return read
        try:
            given = json.loads(posted.get("arguments") or "{}")
        except (ValueError, RecursionError) as error:
            self.problem = _("The arguments are no JSON: %(error)s") % {"error": error}
            return {}
        if not isinstance(given, dict):
            self.problem = _("The arguments must be a JSON object.")
            return {}
        return given

    def _typed(self, arguments: dict[str, Any]) -> str:
        """Return the JSON to edit: as it was typed, where it is none."""
        return self.request.POST.get("arguments", "") if self.problem else pretty(arguments)


def _acting(request: HttpRequest) -> str:
    """Return whose name was typed; empty: nobody's. PostgreSQL takes no U+0000, not even to look for."""
    return request.POST.get("as", "").replace("\0", "").strip()


HEADINGS = (gettext_lazy("Tools"), gettext_lazy("Resources"), gettext_lazy("Prompts"))


def _heading(entry: Entry) -> Any:
    return dict(zip(METHODS, HEADINGS, strict=True))[entry.facts.kind]


def schema_of(entry: Entry) -> dict[str, Any]:
    """Return the schema of what a client fills in: of prompts and templates it is all text."""
    facts = entry.facts
    if facts.kind == "tool":
        return dict(facts.input_schema)
    given = facts.listing.get("arguments") or []
    if facts.kind == "resource" and facts.is_template:
        given = [{"name": name, "required": True} for name in _template(facts.key).variable_names]
    described = facts.input_schema.get("properties", {})
    properties = {
        each["name"]: {"type": "string", "description": each.get("description") or _told(described.get(each["name"]))}
        for each in given
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [each["name"] for each in given if each.get("required")],
    }


def _told(schema: Any) -> str:
    return str(schema.get("description") or "") if isinstance(schema, dict) else ""


def _params(entry: Entry, arguments: dict[str, Any]) -> dict[str, Any] | str:
    """Return the params of the request, or what is wrong."""
    facts = entry.facts
    if facts.kind != "resource":
        return {"name": facts.key, "arguments": arguments}
    if not facts.is_template:
        return {"uri": facts.key}
    try:
        return {"uri": _template(facts.key).expand({name: str(each) for name, each in arguments.items()})}
    except ValueError as error:
        return str(error)


def _template(uri: str) -> Any:
    from mcp.shared.uri_template import UriTemplate  # with all of the SDK behind it

    return UriTemplate.parse(uri)
