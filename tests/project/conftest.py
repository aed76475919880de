from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from atlas_sample import small_source

from project import settings as project_settings
from project.atlas import loading

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

    from project.atlas.loading import Source


@pytest.fixture
def own_pages(settings: SettingsWrapper) -> None:
    """Serve what the project serves, as it does."""
    for name in ("ROOT_URLCONF", "TEMPLATES", "MIDDLEWARE", "LOGIN_URL", "OAUTH2_PROVIDER", "MCP_DJANGO", "STATIC_URL"):
        setattr(settings, name, getattr(project_settings, name))


@pytest.fixture
def source() -> Source:
    return small_source()


@pytest.fixture
def atlas(db: None, source: Source) -> Source:
    """Load the small atlas, and return what was loaded."""
    loading.load(source)
    return source
