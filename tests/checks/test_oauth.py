"""The system checks of sign-in: one test for each id, which compares the whole message."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Warning, run_checks
from django.urls import include, path

from mcp_django import MCPServer, checks
from mcp_django.checks import oauth
from mcp_django.oauth import defaults
from tests.oauth.conftest import MIDDLEWARE


@pytest.fixture(autouse=True)
def _signs_in(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a project in which nothing is wrong."""
    monkeypatch.setattr(oauth, "signs_in", lambda: True)
    monkeypatch.setattr("mcp_django.registry.server._servers", {})
    settings.ROOT_URLCONF = "tests.oauth.urls"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH2_PROVIDER = defaults()
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}}
    settings.MCP_DJANGO = {"OAUTH": {"BASE_URL": "https://example.com"}}


@pytest.fixture
def provider(settings: Any) -> Any:
    """Set keys of ``OAUTH2_PROVIDER``."""

    def change(**keys: Any) -> None:
        settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, **keys}

    return change


def found() -> list[CheckMessage]:
    messages = run_checks(tags=[checks.TAG], include_deployment_checks=True)
    return [each for each in messages if each.id != "mcp_django.W003"]


def test_a_project_that_is_set_up_passes() -> None:
    assert found() == []


def test_a_project_without_sign_in_is_left_alone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    settings.MIDDLEWARE, settings.ROOT_URLCONF, settings.MCP_DJANGO = [], "tests.urls", {"AUTH": "none"}
    assert not oauth.signs_in()
    settings.MCP_DJANGO = None
    assert not oauth.signs_in()


def test_e006_a_scope_that_nobody_has_described() -> None:
    server = MCPServer("notes")
    server.scopes = frozenset({"mcp", "notes:wirte"})  # type: ignore[attr-defined]
    assert found() == [
        Error(
            "<MCPServer 'notes' at 'notes'> asks for the scope 'notes:wirte', which isn't in "
            "OAUTH2_PROVIDER['SCOPES'].",
            hint="Describe it there, for the people who are asked to allow it, or correct its name.",
            obj=server,
            id="mcp_django.E006",
        )
    ]


def test_e007_tokens_in_the_clear(settings: Any) -> None:
    settings.MCP_DJANGO = {"OAUTH": {"BASE_URL": "http://localhost:8000"}}
    assert found() == []
    settings.MCP_DJANGO = {"OAUTH": {"BASE_URL": "http://example.com"}}
    assert found() == [
        Error(
            "MCP_DJANGO['OAUTH']['BASE_URL'] is 'http://example.com': codes and tokens would travel in the clear.",
            hint="Serve it over https; http is for this computer only.",
            id="mcp_django.E007",
        )
    ]


def urlconf(*patterns: Any) -> ModuleType:
    module = ModuleType("urlconf")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    return module


LOGIN = path("accounts/login/", lambda request: None, name="login")  # type: ignore[arg-type, return-value]
INCLUDE = "path('', include('mcp_django.urls'))"


def test_w006_and_w016_the_views_of_the_toolkit(settings: Any, provider: Any) -> None:
    settings.ROOT_URLCONF = urlconf(LOGIN, path("", include("oauth2_provider.urls")))
    expected = [
        Warning(
            f"The URL oauth2_provider:{name} doesn't lead to mcp_django's view.",
            hint=f"Put {INCLUDE} in the place of oauth2_provider.urls: the toolkit's view lets more through.",
            id="mcp_django.W006",
        )
        for name in ("authorize", "dcr-register")
    ]
    introspection = Warning(
        "Any client that registers itself can ask oauth2_provider:introspect about everybody's tokens.",
        hint="Use mcp_django.oauth.urls, which leaves it out.",
        id="mcp_django.W016",
    )
    assert found() == [*expected, introspection]
    provider(DCR_ENABLED=False)
    assert found() == expected[:1]


def test_w007_clients_without_a_secret(provider: Any) -> None:
    provider(OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED=["client_secret_basic"])
    assert found() == [
        Warning(
            "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED doesn't name 'none', so clients without a secret don't try.",
            hint="Use OAUTH2_PROVIDER = mcp_django.oauth.defaults(...), or add it.",
            id="mcp_django.W007",
        )
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"CIMD_METADATA_FETCHER": "oauth2_provider.cimd.SafeMetadataFetcher"},
        {"CIMD_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.cimd.AllowAllCIMDPermission",)},
    ],
)
def test_w008_documents_that_anybody_can_have_fetched(provider: Any, change: dict[str, Any]) -> None:
    provider(**change)
    assert found() == [
        Warning(
            "CIMD_ENABLED without mcp_django's CIMD_METADATA_FETCHER and CIMD_REGISTRATION_PERMISSION_CLASSES: clients "
            "fail that would register themselves otherwise, and anybody can make this server fetch.",
            hint="Use OAUTH2_PROVIDER = mcp_django.oauth.defaults(...).",
            id="mcp_django.W008",
        )
    ]
    provider(CIMD_ENABLED=False)
    assert found() == []


@pytest.mark.parametrize(
    "change",
    [
        {"SCOPES_BACKEND_CLASS": "oauth2_provider.scopes.SettingsScopes"},
        {"OAUTH2_VALIDATOR_CLASS": "oauth2_provider.oauth2_validators.OAuth2Validator"},
    ],
)
def test_w009_clients_that_get_too_much(provider: Any, change: dict[str, Any]) -> None:
    provider(**change)
    assert found() == [
        Warning(
            "OAUTH2_VALIDATOR_CLASS or SCOPES_BACKEND_CLASS isn't mcp_django's: clients that registered themselves get "
            "every scope, and tokens without a server that they are for.",
            hint="Use OAUTH2_PROVIDER = mcp_django.oauth.defaults(...).",
            id="mcp_django.W009",
        )
    ]


def test_w018_documents_that_clients_can_not_find(settings: Any) -> None:
    below = path("o/", include("mcp_django.oauth.urls"))
    settings.ROOT_URLCONF = urlconf(LOGIN, below)
    assert found() == [
        Warning(
            "Clients can't find the documents about sign-in at the root of the host (RFC 8414 §3.1, RFC 9728 §3.1).",
            hint=f"Add {INCLUDE} to the root URLconf, or, with the authorization server below a prefix, "
            "path('', include('mcp_django.oauth.wellknown')).",
            id="mcp_django.W018",
        )
    ]
    wellknown = path("", include("mcp_django.oauth.wellknown"))
    settings.ROOT_URLCONF = urlconf(LOGIN, below, wellknown)
    assert found() == []


def test_w019_consent_in_a_visitors_name(settings: Any) -> None:
    settings.MIDDLEWARE = [each for each in MIDDLEWARE if "csrf" not in each]
    assert found() == [
        Warning(
            "CsrfViewMiddleware is not in MIDDLEWARE: a page of somebody else's can give consent in a visitor's name.",
            hint="Add 'django.middleware.csrf.CsrfViewMiddleware'.",
            id="mcp_django.W019",
        )
    ]


@pytest.mark.parametrize("middleware", [MIDDLEWARE[:-1], [MIDDLEWARE[-1], *MIDDLEWARE[:-1]]])
def test_w020_clients_that_open_a_window(settings: Any, middleware: list[str]) -> None:
    settings.MIDDLEWARE = middleware
    assert found() == [
        Warning(
            "SECURE_CROSS_ORIGIN_OPENER_POLICY cuts clients off that open a window for signing in: ChatGPT says that "
            "the flow was cancelled.",
            hint="Add 'mcp_django.oauth.middleware.OAuthHeadersMiddleware' below SecurityMiddleware.",
            id="mcp_django.W020",
        )
    ]
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = "unsafe-none"
    assert found() == []


@pytest.mark.parametrize("login", ["/nowhere/", "nowhere"])
def test_w013_no_page_to_log_in_on(settings: Any, login: str) -> None:
    settings.LOGIN_URL = login
    assert found() == [
        Warning(
            f"LOGIN_URL is {login!r}, where there is no page: nobody can sign in.",
            hint="Add django.contrib.auth.urls at 'accounts/', or name a page, such as 'admin:login' for staff.",
            id="mcp_django.W013",
        )
    ]


@pytest.mark.parametrize("login", ["admin:login", "login", "https://login.example/"])
def test_a_login_page_may_be_named_or_elsewhere(settings: Any, login: str) -> None:
    settings.LOGIN_URL = login
    assert found() == []


def test_w014_a_limit_for_each_process(settings: Any, provider: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert found() == [
        Warning(
            "Each process counts registrations of clients by itself: the default cache is not shared.",
            hint="Use a shared cache, such as Redis, when there are several processes.",
            id="mcp_django.W014",
        )
    ]
    provider(DCR_ENABLED=False)
    assert found() == []


def test_w015_an_issuer_for_each_host(settings: Any) -> None:
    settings.MCP_DJANGO = {}
    assert found() == [
        Warning(
            "MCP_DJANGO['OAUTH']['BASE_URL'] is not set, so every host that ALLOWED_HOSTS allows is an issuer.",
            hint="Set it to where clients reach this project, such as 'https://example.com'.",
            id="mcp_django.W015",
        )
    ]


def test_w024_clients_that_share_the_address_of_a_proxy(settings: Any, provider: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert found() == [
        Warning(
            "SECURE_PROXY_SSL_HEADER speaks of a proxy, and MCP_DJANGO['OAUTH']['TRUSTED_PROXIES'] is 0: all clients "
            "together may register only as often as one.",
            hint="Set it to the number of proxies that add to X-Forwarded-For; silence this where the server itself "
            "takes the client's address from that header.",
            id="mcp_django.W024",
        )
    ]
    given = settings.MCP_DJANGO
    for more in ({"TRUSTED_PROXIES": 1}, {"DCR_RATE": ""}):
        settings.MCP_DJANGO = {**given, "OAUTH": {**given["OAUTH"], **more}}
        assert found() == []
    settings.MCP_DJANGO = given
    provider(DCR_ENABLED=False)
    assert found() == []


def test_w017_a_database_that_is_locked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "other", {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"})
    assert found() == [
        Warning(
            "The SQLite database 'other' has no transaction_mode, so two renewals of tokens at a time fail.",
            hint="DATABASES['other']['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
            id="mcp_django.W017",
        )
    ]
