"""System checks of sign-in. Silent where ``AUTH`` is ``"none"``, as is all of sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from mcp_django.auth.resources import server_scopes
from mcp_django.checks import TAG, check
from mcp_django.conf import OAuthSettings, get_settings
from mcp_django.registry import discover, servers

_DEFAULTS = "OAUTH2_PROVIDER = mcp_django.oauth.defaults(...)"


def signs_in() -> bool:
    """Whether this project has sign-in, and settings that can be read."""
    try:
        return get_settings().AUTH != "none" and apps.is_installed("oauth2_provider")
    except ImproperlyConfigured:
        return False


def _provider() -> Any:
    from oauth2_provider.settings import oauth2_settings  # not every project has it

    return oauth2_settings


def _keys() -> OAuthSettings:
    return get_settings().OAUTH


def _mounted(name: str) -> Any:
    """Return the view behind a name of the authorization server; ``None`` when there is none."""
    try:
        return getattr(resolve(reverse(f"oauth2_provider:{name}")).func, "view_class", None)
    except (NoReverseMatch, Resolver404):
        return None


@check
def check_scopes() -> Iterator[CheckMessage]:
    """E006: a component asks for a scope that nobody has described."""
    if not signs_in():
        return
    try:
        discover()
        asked = {server: server_scopes(server) for server in servers()}
    except ImproperlyConfigured:
        return  # E002 and E004 say it
    for server, scopes in asked.items():
        for scope in sorted(scopes - set(_provider().SCOPES)):
            yield Error(
                f"{server!r} asks for the scope {scope!r}, which isn't in OAUTH2_PROVIDER['SCOPES'].",
                hint="Describe it there, for the people who are asked to allow it, or correct its name.",
                obj=server,
                id="mcp_django.E006",
            )


@check
def check_base_url() -> Iterator[CheckMessage]:
    """E007: tokens would travel in the clear."""
    if not signs_in():
        return
    parts = urlsplit(_keys().BASE_URL)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Error(
            f"MCP_DJANGO['OAUTH']['BASE_URL'] is {_keys().BASE_URL!r}: codes and tokens would travel in the clear.",
            hint="Serve it over https; http is for this computer only.",
            id="mcp_django.E007",
        )


@check
def check_views() -> Iterator[CheckMessage]:
    """W006 and W018: the toolkit's own views are in the place of ours, or none are."""
    if not signs_in():
        return
    from mcp_django.oauth.views.authorize import AuthorizeView
    from mcp_django.oauth.views.register import RegisterView

    provider = _provider()
    include = "path('', include('mcp_django.urls'))"
    for name, ours, needed in (
        ("authorize", AuthorizeView, True),
        ("dcr-register", RegisterView, provider.DCR_ENABLED),
    ):
        found = _mounted(name)
        if needed and not (isinstance(found, type) and issubclass(found, ours)):
            yield Warning(
                f"The URL oauth2_provider:{name} doesn't lead to mcp_django's view.",
                hint=f"Put {include} in the place of oauth2_provider.urls: the toolkit's view lets more through.",
                id="mcp_django.W006",
            )
    try:
        resolve("/.well-known/oauth-protected-resource")
        issuer = reverse("oauth2_provider:authorize").removesuffix("/authorize/")
        resolve(f"/.well-known/oauth-authorization-server{issuer}")
    except (NoReverseMatch, Resolver404):
        yield Warning(
            "Clients can't find the documents about sign-in at the root of the host (RFC 8414 §3.1, RFC 9728 §3.1).",
            hint=f"Add {include} to the root URLconf, or, with the authorization server below a prefix, "
            "path('', include('mcp_django.oauth.wellknown')).",
            id="mcp_django.W018",
        )


@check
def check_provider() -> Iterator[CheckMessage]:
    """W007 and W009: settings of the toolkit with which clients fail, or get too much."""
    if not signs_in():
        return
    from mcp_django.oauth.scopes import MCPScopes
    from mcp_django.oauth.validators import MCPOAuth2Validator

    provider = _provider()
    if "none" not in provider.OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED:
        yield Warning(
            "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED doesn't name 'none', so clients without a secret don't try.",
            hint=f"Use {_DEFAULTS}, or add it.",
            id="mcp_django.W007",
        )
    validated = issubclass(provider.OAUTH2_VALIDATOR_CLASS, MCPOAuth2Validator)
    if not validated or not issubclass(provider.SCOPES_BACKEND_CLASS, MCPScopes):
        yield Warning(
            "OAUTH2_VALIDATOR_CLASS or SCOPES_BACKEND_CLASS isn't mcp_django's: clients that registered themselves get "
            "every scope, and tokens without a server that they are for.",
            hint=f"Use {_DEFAULTS}.",
            id="mcp_django.W009",
        )


@check
def check_cimd() -> Iterator[CheckMessage]:
    """W008: documents of clients are fetched as the toolkit fetches them."""
    if not signs_in():
        return
    from mcp_django.oauth.cimd import MCPCIMDPermission, MCPMetadataFetcher

    provider = _provider()
    permissions = provider.CIMD_REGISTRATION_PERMISSION_CLASSES or ()
    guarded = any(issubclass(each, MCPCIMDPermission) for each in permissions)
    if provider.CIMD_ENABLED and not (guarded and issubclass(provider.CIMD_METADATA_FETCHER, MCPMetadataFetcher)):
        yield Warning(
            "CIMD_ENABLED without mcp_django's CIMD_METADATA_FETCHER and CIMD_REGISTRATION_PERMISSION_CLASSES: clients "
            "fail that would register themselves otherwise, and anybody can make this server fetch.",
            hint=f"Use {_DEFAULTS}.",
            id="mcp_django.W008",
        )


@check
def check_pages() -> Iterator[CheckMessage]:
    """W019, W020 and W013: people can't sign in, or others can do it for them."""
    if not signs_in():
        return
    if "django.middleware.csrf.CsrfViewMiddleware" not in settings.MIDDLEWARE:
        yield Warning(
            "CsrfViewMiddleware is not in MIDDLEWARE: a page of somebody else's can give consent in a visitor's name.",
            hint="Add 'django.middleware.csrf.CsrfViewMiddleware'.",
            id="mcp_django.W019",
        )
    ours, django = "mcp_django.oauth.middleware.OAuthHeadersMiddleware", "django.middleware.security.SecurityMiddleware"
    cuts = django in settings.MIDDLEWARE and settings.SECURE_CROSS_ORIGIN_OPENER_POLICY not in (None, "unsafe-none")
    if cuts and ours not in settings.MIDDLEWARE[settings.MIDDLEWARE.index(django) :]:
        yield Warning(
            "SECURE_CROSS_ORIGIN_OPENER_POLICY cuts clients off that open a window for signing in: ChatGPT says that "
            "the flow was cancelled.",
            hint=f"Add '{ours}' below SecurityMiddleware.",
            id="mcp_django.W020",
        )
    try:
        login = resolve_url(settings.LOGIN_URL)
        if urlsplit(login).netloc == "":
            resolve(urlsplit(login).path)
    except (NoReverseMatch, Resolver404):
        yield Warning(
            f"LOGIN_URL is {settings.LOGIN_URL!r}, where there is no page: nobody can sign in.",
            hint="Add django.contrib.auth.urls at 'accounts/', or name a page, such as 'admin:login' for staff.",
            id="mcp_django.W013",
        )


@check
def check_production() -> Iterator[CheckMessage]:
    """W014, W015, W016 and W017: what is right for development only."""
    if not signs_in():
        return
    if _provider().DCR_ENABLED and settings.CACHES["default"]["BACKEND"].endswith((".LocMemCache", ".DummyCache")):
        yield Warning(
            "Each process counts registrations of clients by itself: the default cache is not shared.",
            hint="Use a shared cache, such as Redis, when there are several processes.",
            id="mcp_django.W014",
        )
    if not _keys().BASE_URL:
        yield Warning(
            "MCP_DJANGO['OAUTH']['BASE_URL'] is not set, so every host that ALLOWED_HOSTS allows is an issuer.",
            hint="Set it to where clients reach this project, such as 'https://example.com'.",
            id="mcp_django.W015",
        )
    if _provider().DCR_ENABLED and _mounted("introspect") is not None:
        yield Warning(
            "Any client that registers itself can ask oauth2_provider:introspect about everybody's tokens.",
            hint="Use mcp_django.oauth.urls, which leaves it out.",
            id="mcp_django.W016",
        )
    for alias, database in settings.DATABASES.items():
        mode = str(database.get("OPTIONS", {}).get("transaction_mode", "")).upper()
        if database.get("ENGINE", "").endswith("sqlite3") and mode not in ("IMMEDIATE", "EXCLUSIVE"):
            yield Warning(
                f"The SQLite database {alias!r} has no transaction_mode, so two renewals of tokens at a time fail.",
                hint=f"DATABASES[{alias!r}]['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
                id="mcp_django.W017",
            )


@check
def check_proxies() -> Iterator[CheckMessage]:
    """W024: all clients are taken for one."""
    if not signs_in() or not (_provider().DCR_ENABLED and _keys().DCR_RATE):
        return
    if not _keys().TRUSTED_PROXIES and settings.SECURE_PROXY_SSL_HEADER:
        yield Warning(
            "SECURE_PROXY_SSL_HEADER speaks of a proxy, and MCP_DJANGO['OAUTH']['TRUSTED_PROXIES'] is 0: all clients "
            "together may register only as often as one.",
            hint="Set it to the number of proxies that add to X-Forwarded-For; silence this where the server itself "
            "takes the client's address from that header.",
            id="mcp_django.W024",
        )


for _check in (check_scopes, check_base_url, check_views, check_provider, check_cimd, check_pages):
    register(_check, TAG)
for _check in (check_production, check_proxies):
    register(_check, TAG, deploy=True)
