"""Settings of a project that serves some of the blocks, for a server of its own: ``SEEDS=faq.production``."""

from __future__ import annotations

import os
import tempfile

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _APPS

SEEDS = os.environ["SEEDS"].split(",")
ROOT_URLCONF = "tests.seeds.urls"
INSTALLED_APPS = [*_APPS, "tests.seeds"]
INSTALLED_APPS.remove("project.atlas")
MEDIA_ROOT = tempfile.mkdtemp(prefix="mcp_django-seeds-")
