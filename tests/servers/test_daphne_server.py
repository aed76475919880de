"""daphne, as ``manage.py runmcp`` runs it."""

from __future__ import annotations

import httpx2
import pytest

from tests.servers.conftest import SiteServer

pytestmark = [pytest.mark.server, pytest.mark.anyio]


async def test_a_body_is_the_applications_own_also_one_that_calls_itself_a_form(
    site_server: SiteServer, http: httpx2.AsyncClient
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=here", "accept": "application/json, text/event-stream"}
    answer = await http.post(site_server("runmcp").url, content=b"--there\r\nno form", headers=headers)
    assert answer.status_code == 415  # Twisted, which would have read it first, says 400
    assert answer.json()["error"]["message"] == "The Content-Type must be application/json."
