"""``manage.py runmcp``: what it serves, what it says, and that it says nothing on stdout."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import autoreload

from mcp_django import MCPServer, mcp
from mcp_django.management.commands.runmcp import endpoint_url
from mcp_django.registry import discovery
from tests.asgi import application


class Served:
    """What would have been served, and what the command said."""

    def __init__(self) -> None:
        self.over_stdio: list[tuple[MCPServer, Any]] = []
        self.over_http: list[dict[str, Any]] = []
        self.said = ""
        self.listening: list[tuple[str, int]] = [("127.0.0.1", 8000)]
        self.failure: BaseException | None = None

    def run(self, *arguments: str) -> None:
        stdout, stderr = io.StringIO(), io.StringIO()
        try:
            call_command("runmcp", *arguments, stdout=stdout, stderr=stderr)
        finally:
            self.said = stderr.getvalue()
            assert stdout.getvalue() == ""


@pytest.fixture
def served(no_demo: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Stop short of serving: no sockets are opened, and no stdin is read."""
    assert application is not None  # made before a test changes the settings
    served = Served()

    class Daphne:
        def __init__(self, application: Any, **options: Any) -> None:
            served.over_http.append({"application": application, **options})
            self.listening_addresses = served.listening

        def run(self) -> None:
            if served.failure is not None:
                raise served.failure

    monkeypatch.setattr("mcp_django.transports.daphne_server.PatientServer", Daphne)
    monkeypatch.setattr(
        "mcp_django.transports.stdio.serve_stdio",
        lambda server, principal: served.over_stdio.append((server, principal)),
    )
    yield served
    gc.unfreeze()


@pytest.mark.parametrize("way", [(), ("--stdio",)])
def test_what_is_loaded_is_kept_from_the_garbage_collector_which_goes_on(served: Served, way: tuple[str, ...]) -> None:
    before = gc.get_freeze_count()
    served.run(*way)
    assert gc.get_freeze_count() > before
    assert gc.isenabled()


def test_the_garbage_collector_goes_on_where_nothing_can_be_loaded(served: Served) -> None:
    with pytest.raises(CommandError):
        served.run("--stdio", "--server", "missing")
    assert gc.isenabled()


# Over HTTP


def test_the_project_s_application_is_served_on_this_machine_alone(served: Served) -> None:
    served.run()
    (daphne,) = served.over_http
    assert daphne["application"] is application
    assert daphne["endpoints"] == ["tcp:port=8000:interface=127.0.0.1:backlog=1024"]
    assert daphne["signal_handlers"] is True
    assert "http://127.0.0.1:8000/mcp\n" in served.said


def test_host_and_port_may_be_given(served: Served) -> None:
    served.run("--host", "0.0.0.0", "--port", "8123")
    assert served.over_http[0]["endpoints"] == ["tcp:port=8123:interface=0.0.0.0:backlog=1024"]
    assert "http://127.0.0.1:8123/mcp" in served.said


def test_the_address_of_every_server_is_said(served: Served) -> None:
    MCPServer("reports")
    with override_settings(MCP_DJANGO={"AUTH": "none", "PATH": "api/mcp"}):
        served.run()
    assert "  http://127.0.0.1:8000/api/mcp\n  http://127.0.0.1:8000/api/mcp/reports\n" in served.said


def test_a_port_that_is_taken_is_an_error(served: Served) -> None:
    served.listening = []
    with pytest.raises(CommandError, match=r"Could not listen on 127\.0\.0\.1:8000: is something else there\?"):
        served.run()


def test_ctrl_c_is_a_way_to_end_it(served: Served) -> None:
    served.failure = KeyboardInterrupt()
    served.run()


def test_with_reload_it_runs_under_django_s_reloader(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoreload, "run_with_reloader", lambda main, **options: main(**options))
    served.run("--reload", "--port", "8123")
    (daphne,) = served.over_http
    assert daphne["signal_handlers"] is False
    assert daphne["endpoints"] == ["tcp:port=8123:interface=127.0.0.1:backlog=1024"]


@pytest.mark.parametrize("setting", [None, "tests.missing.application", "tests.asgi.missing"])
def test_a_project_without_an_application_is_told_so(served: Served, setting: str | None) -> None:
    with override_settings(ASGI_APPLICATION=setting), pytest.raises(CommandError, match=r"ASGI_APPLICATION|missing"):
        served.run()
    assert served.over_http == []


def test_an_application_without_the_endpoints_is_an_error(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mcp_django.routing")
    with pytest.raises(CommandError, match="has no MCP endpoints: let it be made by"):
        served.run()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/mcp"),
        ("0.0.0.0", "http://127.0.0.1:8000/mcp"),
        ("polls.test", "http://polls.test:8000/mcp"),
        ("::1", "http://[::1]:8000/mcp"),
    ],
)
def test_the_url_is_one_that_a_client_on_this_machine_can_use(host: str, url: str) -> None:
    assert endpoint_url(host, 8000, "mcp") == url


# Over stdio


def test_over_stdio_the_default_server_is_served_to_nobody_in_particular(served: Served) -> None:
    served.run("--stdio")
    ((server, principal),) = served.over_stdio
    assert server is mcp
    assert not principal.user.is_authenticated
    assert served.said == ""
    assert served.over_http == []


def test_another_server_is_named_by_its_path(served: Served) -> None:
    reports = MCPServer("Reports", path="finance/reports")
    served.run("--stdio", "--server", "finance/reports")
    assert served.over_stdio[0][0] is reports


def test_a_server_that_there_is_not_is_an_error_that_names_those_there_are(served: Served) -> None:
    MCPServer("reports")
    with pytest.raises(CommandError, match=r"There is no MCP server at 'report'\. There are: '', 'reports'\."):
        served.run("--stdio", "--server", "report")


@pytest.mark.django_db
def test_calls_may_have_the_rights_of_a_user(served: Served) -> None:
    ada = User.objects.create_user("ada")
    served.run("--stdio", "--user", "ada")
    assert served.over_stdio[0][1].user == ada


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "message"), [("bob", "There is no user 'bob'."), ("eve", "The user 'eve' is not active.")]
)
def test_a_user_who_may_not_sign_in_is_an_error(served: Served, name: str, message: str) -> None:
    User.objects.create_user("eve", is_active=False)
    with pytest.raises(CommandError, match=message):
        served.run("--stdio", "--user", name)
    assert served.over_stdio == []


def test_custom_routes_are_said_to_be_missing_over_stdio(served: Served) -> None:
    reports = MCPServer("reports")
    reports.custom_route("/health")(lambda request: None)
    served.run("--stdio", "--server", "reports")
    assert "1 custom route(s) are declared: they exist over HTTP, and not over stdio." in served.said


def unreadable(choice: Undeclared) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the fault


def test_what_can_not_be_served_is_said_at_the_start(served: Served) -> None:
    MCPServer("reports").add_tool(unreadable)
    with pytest.raises(CommandError, match=rf"tool 'unreadable' in {__name__}: an annotation can't"):
        served.run("--stdio", "--server", "reports")


def test_a_project_that_is_badly_set_up_is_an_error_and_no_traceback(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImproperlyConfigured("mcp.py hides the MCP SDK")

    monkeypatch.setattr(discovery, "_outcome", False)
    monkeypatch.setattr(discovery, "refuse_shadow", fail)
    with pytest.raises(CommandError, match="hides the MCP SDK"):
        served.run("--stdio")


def test_the_system_checks_do_not_run_since_their_report_would_go_to_stdout(served: Served) -> None:
    with override_settings(MCP_DJANGO={"AUTH": "none", "INSTRUCTIONS": ""}, ASGI_APPLICATION=None):
        served.run("--stdio")
    assert served.said == ""
