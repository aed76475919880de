from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.auth.tokens import make_token, make_user


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required"}


@pytest.fixture
async def token(transactional_db: None) -> str:
    """Ada's."""
    return await sync_to_async(lambda: make_token(make_user("ada")))()
