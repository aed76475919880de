from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from atlas_sample import small_source

from project.atlas import loading

if TYPE_CHECKING:
    from project.atlas.loading import Source


@pytest.fixture
def source() -> Source:
    return small_source()


@pytest.fixture
def atlas(db: None, source: Source) -> Source:
    """Load the small atlas, and return what was loaded."""
    loading.load(source)
    return source
