"""``manage.py runmcp``: serve MCP over HTTP on daphne, or over stdio."""

from __future__ import annotations

import gc
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import autoreload

from mcp_django.auth import LOCAL, Principal
from mcp_django.registry import MCPServer, discover, refuse_shadow, servers

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Nothing of it writes to stdout: over stdio that is the wire."""

    help = (
        "Serve this project's MCP servers: over HTTP on daphne, together with the rest of the project, or, with "
        "--stdio, one of them to the client that started this process."
    )
    requires_system_checks: list[str] = []  # their report would go to stdout
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stdio", action="store_true", help="Serve over stdin and stdout instead of HTTP.")
        parser.add_argument("--user", metavar="NAME", help="With --stdio: whose rights calls have. Default: nobody's.")
        parser.add_argument(
            "--server",
            metavar="PATH",
            default="",
            help="With --stdio: the path of the server. Default: the default one.",
        )
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on. Default: 127.0.0.1.")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen on. Default: 8000.")
        parser.add_argument("--reload", action="store_true", help="Start again when a source file changes.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse_shadow()
            if options["stdio"]:
                self._serve_stdio(options["server"], options["user"])
            elif options["reload"]:
                autoreload.run_with_reloader(self._serve_http, **options)
            else:
                self._serve_http(**options)
        except ImproperlyConfigured as error:
            cause = error.__cause__ or error.__context__
            why = f" ({type(cause).__name__}: {cause})" if isinstance(cause, ImportError) else ""
            raise CommandError(f"{error}{why}") from error
        except KeyboardInterrupt:
            return

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=self.style.SUCCESS)
        self.stderr.flush()

    def _serve_stdio(self, path: str, username: str | None) -> None:
        with loading():
            from mcp_django.engine.server import get_engine
            from mcp_django.transports.stdio import serve_stdio

            discover()
            server = self._server(path)
            get_engine(server)  # what can't be served is said now, not on the first call
        if routes := len(server.declarations("route")):
            self._say(f"{routes} custom route(s) are declared: they exist over HTTP, and not over stdio.")
        serve_stdio(server, self._principal(username))

    def _serve_http(self, *, host: str, port: int, **options: Any) -> None:
        with loading():
            from channels.routing import get_default_application

            from mcp_django.transports.daphne_server import PatientServer, endpoints

            application = get_default_application()
        if "mcp_django.routing" not in sys.modules:
            raise CommandError(
                "The application that ASGI_APPLICATION names has no MCP endpoints: let it be made by "
                "mcp_django.asgi.get_mcp_application(), or route mcp_django.routing.http_urlpatterns in it."
            )
        from mcp_django.routing import endpoint

        self._say("Serving MCP over HTTP. Stop with Ctrl-C.")
        for server in servers():
            self._say(f"  {endpoint_url(host, port, endpoint(server))}")
        daphne = PatientServer(
            application,
            endpoints=endpoints(host, port),
            signal_handlers=not options["reload"],  # the reloader runs this in a thread, where there are none
        )
        daphne.run()
        if not daphne.listening_addresses:
            raise CommandError(f"Could not listen on {host}:{port}: is something else there? Try --port.")

    def _server(self, path: str) -> MCPServer:
        for server in servers():
            if server.path == path:
                return server
        known = ", ".join(repr(server.path) for server in servers())
        raise CommandError(f"There is no MCP server at {path!r}. There are: {known}.")

    def _principal(self, username: str | None) -> Principal:
        if username is None:
            return LOCAL
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(username)
        except users.DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None
        if not user.is_active:
            raise CommandError(f"The user {username!r} is not active.")
        return Principal(user, scopes=None, kind="local")


@contextmanager
def loading() -> Iterator[None]:
    """Keep what is loaded inside away from the garbage collector: it stays for as long as the process serves.

    To look at all of it again and again takes an eighth of a call's CPU on daphne.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def endpoint_url(host: str, port: int, path: str) -> str:
    """Return the URL that a client on this machine connects to."""
    name = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host
    return f"http://{name}:{port}/{path}"
