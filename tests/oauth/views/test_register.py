"""Anybody may register a client, and gets nothing by it but the right to ask somebody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from oauth2_provider.models import AccessToken, Application

from tests.oauth.bodies import CLIENTS, MCP_REMOTE
from tests.oauth.flow import Flow, query, register, stored

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("body", "redirect_uri"), CLIENTS.values(), ids=CLIENTS)
def test_each_client_that_people_use_registers_and_signs_in(
    flow: Flow, body: dict[str, Any], redirect_uri: str
) -> None:
    answer = register(**body)
    assert answer.status_code == 201
    told = answer.json()
    assert told["client_name"] == body["client_name"]
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    assert redirect_uri in told["redirect_uris"]
    flow.client_id, flow.redirect_uri = told["client_id"], redirect_uri
    tokens = flow.token(code=flow.code(), client_secret=told.get("client_secret")).json()
    assert stored(tokens["access_token"]).user is not None


def test_the_answer_says_what_was_registered(db: None) -> None:
    answer = register(**MCP_REMOTE)
    told = answer.json()
    application = Application.objects.get()
    assert told == {
        "client_id": application.client_id,
        "client_id_issued_at": int(application.created.timestamp()),
        "client_name": "MCP CLI Proxy",
        "redirect_uris": ["http://localhost:3334/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    }
    assert answer["Cache-Control"] == "no-store"
    assert application.registration_source == "dcr"
    assert application.user is None


def test_a_client_with_a_secret_is_told_it_once(flow: Flow) -> None:
    told = register(redirect_uris=[flow.redirect_uri]).json()  # RFC 7591 §2: a secret, unless it says otherwise
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["client_secret_expires_at"] == 0
    assert told["client_secret"] not in Application.objects.get().client_secret
    flow.client_id = told["client_id"]
    assert flow.token(code=flow.code(), client_secret="wrong").json()["error"] == "invalid_client"
    assert flow.token(code=flow.code()).json()["error"] == "invalid_client"
    assert flow.token(code=flow.code(), client_secret=told["client_secret"]).status_code == 200


def test_a_client_that_can_do_what_is_not_known_here_gets_no_secret(db: None) -> None:
    told = register(redirect_uris=["https://a.example/cb"], token_endpoint_auth_method="private_key_jwt").json()
    assert told["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in told


def test_nobody_keeps_the_server_busy_with_hashing_secrets_that_nobody_is_told(db: None) -> None:
    assert "client_secret" not in register(**MCP_REMOTE).json()
    with pytest.raises(ValueError, match="hashing algorithm"):
        identify_hasher(Application.objects.get().client_secret)


def test_nobody_can_sign_in_as_a_public_client_with_an_empty_secret(flow: Flow) -> None:
    flow.client_id = register(redirect_uris=[flow.redirect_uri], token_endpoint_auth_method="none").json()["client_id"]
    assert Application.objects.get().client_secret != ""


@pytest.mark.parametrize("grant", ["client_credentials", "password", "implicit"])
def test_whatever_it_asks_for_it_gets_no_other_grant(flow: Flow, grant: str) -> None:
    told = register(redirect_uris=[flow.redirect_uri], grant_types=[grant]).json()
    assert Application.objects.get().authorization_grant_type == "authorization-code"
    secret, client_id = told["client_secret"], told["client_id"]
    asked = {"username": "ada", "password": "lovelace", "scope": "mcp"}
    answer = Client().post("/token/", {"grant_type": grant, "client_id": client_id, "client_secret": secret, **asked})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "unauthorized_client", "unsupported_grant_type")
    assert not AccessToken.objects.exists()


def test_no_token_of_nobody_comes_with_it(db: None) -> None:
    told = register(**MCP_REMOTE).json()
    assert "registration_access_token" not in told
    assert not AccessToken.objects.exists()
    assert Client().get(f"/register/{told['client_id']}/").status_code == 401


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://user@evil.example/cb",
        "https://evil.example/cb#fragment",
        "https://*.example/cb",
        "https://",
        "https:evil.example",
        "//evil.example/cb",
        "https://evil.example/c b",
        "https://evil.example/\u202ecb",
        "https://cl\u0430ude.ai/callback",
        "",
        None,
        5,
    ],
)
def test_a_redirect_that_is_not_safe_is_refused(db: None, redirect_uri: Any) -> None:
    answer = register(redirect_uris=[redirect_uri], token_endpoint_auth_method="none")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert not Application.objects.exists()


def test_an_unsafe_redirect_among_others_is_dropped(db: None) -> None:
    told = register(redirect_uris=["http://evil.example/cb", "https://a.example/cb", "unheard-of://cb"]).json()
    assert told["redirect_uris"] == ["https://a.example/cb"]


@pytest.mark.parametrize("given", [None, "https://a.example/cb", {}, []])
def test_redirects_are_a_list(db: None, given: Any) -> None:
    assert register(redirect_uris=given).json()["error"] == "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  My\nApp\t", "My App"),
        ("gpj.\u202eexe", "gpj. exe"),
        ("a\u200bb", "a b"),
        ("x" * 500, "x" * 100),
        (None, ""),
        (["x"], ""),
    ],
)
def test_a_name_is_what_people_see_of_it(db: None, given: Any, kept: str) -> None:
    assert register(redirect_uris=["https://a.example/cb"], client_name=given).json()["client_name"] == kept


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 5000])
def test_anything_but_an_object_is_refused(db: None, body: bytes) -> None:
    answer = Client().post("/register/", data=body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_body_that_is_too_large_is_refused_before_it_is_parsed(db: None) -> None:
    answer = Client().post("/register/", data=b" " * (16 * 1024 + 1), content_type="application/json")
    assert answer.status_code == 413


def test_an_address_may_register_so_often_and_no_oftener(oauth: Any, db: None) -> None:
    oauth(DCR_RATE="3/h")
    answers = [register(**MCP_REMOTE) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 3600
    assert Application.objects.count() == 3
    other = Client().post("/register/", json.dumps(MCP_REMOTE), "application/json", REMOTE_ADDR="192.0.2.7")
    assert other.status_code == 201


def test_what_is_refused_counts_as_well(oauth: Any, db: None) -> None:
    oauth(DCR_RATE="2/h")
    assert [register().status_code for _ in range(3)] == [400, 400, 429]


def test_without_a_rate_there_is_no_limit(oauth: Any, db: None) -> None:
    oauth(DCR_RATE="")
    assert {register(**MCP_REMOTE).status_code for _ in range(30)} == {201}


def test_there_are_only_so_many_clients_that_nobody_uses(oauth: Any, flow: Flow) -> None:
    oauth(DCR_MAX_CLIENTS=2, DCR_RATE="")
    told = [register(redirect_uris=[flow.redirect_uri], token_endpoint_auth_method="none") for _ in range(3)]
    assert [answer.status_code for answer in told] == [201, 201, 503]
    flow.client_id = told[0].json()["client_id"]
    flow.connect()
    assert register(**MCP_REMOTE).status_code == 201  # one of them is used now


def test_it_can_be_switched_off(settings: Any, db: None) -> None:
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "DCR_ENABLED": False}
    assert register(**MCP_REMOTE).status_code == 404


@pytest.mark.parametrize("classes", [(), ("oauth2_provider.dcr.IsAuthenticatedDCRPermission",)])
def test_a_project_may_choose_who_registers_clients(settings: Any, db: None, classes: tuple[str, ...]) -> None:
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "DCR_REGISTRATION_PERMISSION_CLASSES": classes}
    assert register(**MCP_REMOTE).status_code == 403


def test_a_client_with_a_cookie_belongs_to_nobody_either(flow: Flow) -> None:
    answer = flow.browser.post("/register/", json.dumps(MCP_REMOTE), "application/json")
    assert answer.status_code == 201  # and needs no CSRF token
    assert Application.objects.get().user is None


def test_only_a_post_registers(db: None) -> None:
    assert Client().get("/register/").status_code == 405


def test_another_redirect_than_those_registered_is_refused(flow: Flow) -> None:
    flow.client_id = register(redirect_uris=["https://a.example/cb"], token_endpoint_auth_method="none").json()[
        "client_id"
    ]
    for redirect_uri in (
        "https://a.example/cb2",
        "https://a.example/cb/",
        "https://b.example/cb",
        "https://a.example/cb?x",
    ):
        flow.redirect_uri = redirect_uri
        for more in ({}, {"prompt": "none"}):
            answer = flow.ask(**more)
            assert answer.status_code == 400
            assert "Location" not in answer.headers


def test_a_program_on_ones_own_computer_may_use_any_port(flow: Flow) -> None:
    told = register(redirect_uris=["http://localhost/callback"], token_endpoint_auth_method="none").json()
    flow.client_id, flow.redirect_uri = told["client_id"], "http://localhost:51823/callback"
    assert "code" in query(flow.answer(flow.ask()))


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain"])
def test_a_refusal_reads_no_form_that_comes_in_place_of_an_object(oauth: Any, db: None, kind: str) -> None:
    oauth(DCR_RATE="1/h")
    assert register().status_code == 400
    assert Client().post("/register/", b"--x\r\nbroken", content_type=kind).status_code == 429
