"""The settings that sign-in needs, after those that a project has."""

from __future__ import annotations

from mcp_django.oauth import defaults

SECRET_KEY = "example"
ROOT_URLCONF = "docs.examples.sign_in.urls"
INSTALLED_APPS = ["mcp_django", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

# region: settings
INSTALLED_APPS = ["oauth2_provider", *INSTALLED_APPS]
MIDDLEWARE = [*MIDDLEWARE, "mcp_django.oauth.middleware.OAuthHeadersMiddleware"]
OAUTH2_PROVIDER = defaults(SCOPES={"notes:write": "Write notes for you"})
MCP_DJANGO = {"NAME": "notes", "OAUTH": {"BASE_URL": "https://example.com"}}
# endregion
