"""Signs a superuser in: ``python -m tests.servers.staff NAME``, with a project's settings, prints a session key."""

from __future__ import annotations

import sys
from importlib import import_module

import django


def sign_in(name: str) -> str:
    """Make the user, if need be, and return the key of a session of theirs."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User

    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(sign_in(sys.argv[1]))
