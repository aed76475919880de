"""System checks of custom routes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.checks import routes
from tests.views import in_the_urlconf

pytestmark = pytest.mark.usefixtures("no_demo")


def ids(check: Any) -> list[str | None]:
    found: list[CheckMessage] = check()
    return [each.id for each in found]


def view(request: Any) -> None: ...


def test_a_sound_project_hears_nothing(server: MCPServer) -> None:
    server.custom_route("/x/{a}", public=True)(view)
    with in_the_urlconf():
        for check in (routes.check_routes, routes.check_collisions, routes.check_included, routes.check_public):
            assert ids(check) == []


@pytest.mark.parametrize(
    ("path", "fn", "message"),
    [
        ("/{a", view, "'{' is alone"),
        ("/{a:no}", view, "no converter 'no'"),
        ("/x", lambda request, a: None, "nothing fills the parameter 'a'"),
    ],
)
def test_a_path_or_function_that_cannot_be_served_is_an_error(
    server: MCPServer, path: str, fn: Any, message: str
) -> None:
    server.custom_route(path, name="x")(fn)
    (found,) = routes.check_routes()
    assert (found.id, message in found.msg) == ("mcp_django.E020", True)
    assert ids(routes.check_collisions) == []


def test_two_routes_that_collide_are_an_error(server: MCPServer) -> None:
    server.custom_route("/x/{a}")(view)
    MCPServer("other").custom_route("/x/<a>")(view)
    assert ids(routes.check_collisions) == ["mcp_django.E021"]


def test_a_route_of_the_package_collides_as_well(server: MCPServer, limited: Any) -> None:
    server.custom_route("/livez")(view)
    assert ids(routes.check_collisions) == []
    limited(BUILTIN_ROUTES=True)
    assert ids(routes.check_collisions) == ["mcp_django.E021"]


def test_two_routes_of_one_name_are_a_warning(server: MCPServer) -> None:
    server.custom_route("/x", name="same")(view)
    server.custom_route("/x", name="same", methods=["POST"])(view)
    assert ids(routes.check_collisions) == []
    server.custom_route("/y", name="same")(view)
    assert ids(routes.check_collisions) == ["mcp_django.W021"]


def test_routes_that_no_urlconf_has_are_a_warning(server: MCPServer) -> None:
    bare = ModuleType("bare")
    vars(bare)["urlpatterns"] = []
    with override_settings(ROOT_URLCONF=bare):
        assert ids(routes.check_included) == []
        server.custom_route("/x")(view)
        assert ids(routes.check_included) == ["mcp_django.W022"]
    with override_settings(ROOT_URLCONF="not.there"):
        assert ids(routes.check_included) == []


def test_a_route_that_is_open_by_silence_is_a_warning_where_clients_sign_in(server: MCPServer, limited: Any) -> None:
    server.custom_route("/silent")(view)
    server.custom_route("/open", public=True)(view)
    server.custom_route("/closed", scopes="read")(view)
    assert ids(routes.check_public) == []
    limited(AUTH="required")
    (found,) = routes.check_public()
    assert (found.id, "GET /silent" in found.msg) == ("mcp_django.W023", True)


def test_settings_that_cannot_be_read_are_left_to_their_own_check(server: MCPServer, settings: Any) -> None:
    server.custom_route("/{a")(view)
    settings.MCP_DJANGO = {"AUTH": "no"}
    for check in (routes.check_routes, routes.check_collisions, routes.check_included, routes.check_public):
        assert ids(check) == []
