"""Clients that are known by the URL of their document: fetched for people who have signed in, and for nobody else."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.cimd import CIMDError, SafeMetadataFetcher
from oauth2_provider.models import Application

from mcp_django.oauth.cimd import DOCUMENTS as COPIES
from mcp_django.oauth.cimd import MCPMetadataFetcher, documents, normalise
from tests.oauth.bodies import DOCUMENTS
from tests.oauth.flow import RESOURCE, Flow, stored

pytestmark = pytest.mark.django_db

CLIENT = "https://client.example/oauth/client.json"
DOCUMENT = {"client_id": CLIENT, "client_name": "Example", "redirect_uris": ["https://client.example/callback"]}


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is fetched; only one document is there."""
    fetched: list[str] = []

    def fetch(self: SafeMetadataFetcher, client_id: str) -> tuple[dict[str, Any], int]:
        fetched.append(client_id)
        if client_id != CLIENT:
            raise CIMDError("client_id document returned HTTP 403")
        return dict(DOCUMENT), 600

    monkeypatch.setattr(SafeMetadataFetcher, "fetch", fetch)
    return fetched


@pytest.mark.parametrize(("client_id", "redirect_uri"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_each_client_that_people_use_signs_in_by_the_copy_when_its_document_is_out_of_reach(
    flow: Flow, fetched: list[str], client_id: str, redirect_uri: str
) -> None:
    flow.client_id, flow.redirect_uri = client_id, redirect_uri
    assert stored(flow.connect()["access_token"]).resource == [RESOURCE]
    assert fetched == [client_id]
    application = Application.objects.get()
    assert (application.registration_source, application.client_type) == ("cimd", "public")


def test_the_copies_are_those_of_the_clients_that_the_documents_name() -> None:
    assert set(documents()) == {url for url, _ in DOCUMENTS.values()}
    assert len(list(COPIES.glob("*.json"))) == len(DOCUMENTS)


def test_every_other_client_is_known_by_what_it_publishes(flow: Flow, fetched: list[str]) -> None:
    flow.client_id = CLIENT
    page = flow.ask()
    assert b"described by <b>client.example</b>" in page.content
    flow.connect()
    assert fetched == [CLIENT]


def test_a_client_whose_document_is_out_of_reach_is_unknown(flow: Flow, fetched: list[str]) -> None:
    flow.client_id = "https://other.example/client.json"
    assert flow.ask().status_code == 400
    assert not Application.objects.exists()


def test_nobody_who_has_not_signed_in_makes_the_server_fetch_or_store_anything(fetched: list[str]) -> None:
    anybody = Client()
    asked = {"response_type": "code", "client_id": CLIENT, "redirect_uri": "https://client.example/callback"}
    for number in range(10):
        url = f"https://client.example/{number}.json"
        anybody.post("/token/", {"grant_type": "authorization_code", "code": "x", **asked, "client_id": url})
        anybody.post("/revoke_token/", {"token": "x", "client_id": url})
        anybody.get("/authorize/", {**asked, "client_id": url})
        anybody.get("/authorize/", {**asked, "client_id": url, "prompt": "none"})
    assert fetched == []
    assert not Application.objects.exists()


def test_hosts_may_be_named(flow: Flow, fetched: list[str], oauth: Any) -> None:
    flow.client_id = CLIENT
    oauth(CIMD_HOSTS=[".elsewhere.example"])
    assert flow.ask().status_code == 400
    oauth(CIMD_HOSTS=[".example"])
    assert flow.ask().status_code == 200


def test_without_fetching_only_the_copies_are_known(flow: Flow, fetched: list[str], oauth: Any) -> None:
    oauth(CIMD_FETCH=False)
    flow.client_id = CLIENT
    assert flow.ask().status_code == 400
    flow.client_id, flow.redirect_uri = DOCUMENTS["claude.ai"]
    assert flow.ask().status_code == 200
    assert fetched == []


UNSAFE = [
    "https://127.0.0.1/c.json",
    "https://localhost/c.json",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/c.json",
    "https://[::1]/c.json",
    "https://[::ffff:127.0.0.1]/c.json",
    "https://[64:ff9b::a9fe:a9fe]/c.json",
    "https://100.64.0.1/c.json",
    "https://2130706433/c.json",
    "https://0x7f.1/c.json",
    "https://0.0.0.0/c.json",
    "http://client.example/c.json",
    "https://user@client.example/c.json",
    "https://client.example/a/../c.json",
    "https://client.example",
    "https://mixed.example/c.json",
]


@pytest.mark.parametrize("url", UNSAFE)
def test_no_document_is_fetched_from_inside(flow: Flow, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something was connected to")

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host == "mixed.example":
            return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("10.0.0.1", port))]
        return (
            real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
            if host != "localhost"
            else [(2, 1, 6, "", ("127.0.0.1", port))]
        )

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.HTTPSConnectionPool.urlopen", refuse)
    flow.client_id = url
    assert flow.ask().status_code == 400
    with pytest.raises(CIMDError):
        MCPMetadataFetcher().fetch(url)


# What documents are made into


def test_a_document_may_offer_more_than_is_served_here() -> None:
    grants = ["urn:ietf:params:oauth:grant-type:device_code", "authorization_code"]
    assert normalise({**DOCUMENT, "grant_types": grants})["grant_types"] == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize("grants", [["client_credentials"], [], "authorization_code", None])
def test_a_document_without_the_grant_that_is_served_is_refused(grants: Any) -> None:
    with pytest.raises(CIMDError):
        normalise({**DOCUMENT, "grant_types": grants})


def test_a_document_with_no_safe_redirect_is_refused() -> None:
    with pytest.raises(CIMDError):
        normalise({**DOCUMENT, "redirect_uris": ["http://client.example/callback"]})


@pytest.mark.parametrize(
    ("says", "chosen"),
    [
        ({}, "none"),
        ({"token_endpoint_auth_method": "none"}, "none"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
            },
            "none",
        ),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
    ],
)
def test_a_client_that_can_do_without_a_secret_does(says: dict[str, Any], chosen: str) -> None:
    """The toolkit refuses a document that is left with any other method than "none"."""
    assert normalise({**DOCUMENT, **says})["token_endpoint_auth_method"] == chosen
