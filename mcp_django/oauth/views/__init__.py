"""The pages and endpoints of the authorization server that differ from django-oauth-toolkit's own."""

from __future__ import annotations
