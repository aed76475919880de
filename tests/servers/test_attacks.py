"""Twenty ways to get in without being let in, tried on the demo as it is served. None of them may work.

Vera is the one whom they are about, Mallory the one who tries.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from tests.servers.demo import REDIRECT, Demo, asked, exchange, form, sent_back
from tests.wire import JSON_HEADERS, request

pytestmark = pytest.mark.server

SHAKE_HANDS = request(
    "initialize",
    {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "client", "version": "1"}},
)


@pytest.fixture(scope="module")
def client(demo: Demo) -> str:
    """The id of a client that has registered itself, on its user's own computer."""
    return str(demo.register().json()["client_id"])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service inside the network, to which nobody should connect."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        yield listener


def nobody_came(listener: socket.socket) -> bool:
    try:
        listener.accept()
    except BlockingIOError:
        return True
    return False


def test_0_who_has_been_let_in_gets_in(demo: Demo, client: str) -> None:
    """Without this, all that follows would prove nothing."""
    assert demo.gets_in(demo.planted["good"])
    assert demo.gets_in(demo.person("vera").connect(client)["access_token"])


def test_1_a_token_for_registering_is_no_token_for_calling(demo: Demo) -> None:
    assert not demo.gets_in(demo.planted["registration"])
    assert not demo.gets_in(demo.planted["registration of somebody"])
    assert "registration_access_token" not in demo.register().json()


@pytest.mark.parametrize("scope", ["", "mcp", "trips:write"])
def test_2_a_client_that_registered_itself_does_not_sign_in_as_itself(demo: Demo, scope: str) -> None:
    wishes = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post"}
    told = demo.register(**wishes).json()
    credentials = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
    answer = demo.token(grant_type="client_credentials", scope=scope, **credentials)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert told["grant_types"] == ["authorization_code", "refresh_token"]


def test_2b_a_token_of_nobody_is_no_token(demo: Demo) -> None:
    assert not demo.gets_in(demo.planted["nobody"])


def test_2c_nobody_looks_into_tokens_of_others(demo: Demo) -> None:
    told = demo.register(token_endpoint_auth_method="client_secret_basic").json()
    with demo.browser() as browser:
        credentials = (told["client_id"], told["client_secret"])
        answer = browser.post("/introspect/", data={"token": demo.planted["good"]}, auth=credentials)
    assert answer.status_code == 404
    assert "vera" not in answer.text


def test_3_a_password_gets_no_token_and_nobody_learns_whether_it_was_right(demo: Demo) -> None:
    told = demo.register(grant_types=["password"]).json()
    answers = [
        demo.token(grant_type="password", client_id=told["client_id"], username="vera", password=password)
        for password in (demo.planted["password"], "wrong")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content == answers[1].content


def test_3b_nor_does_a_code_that_she_is_talked_into_typing_in(demo: Demo, client: str) -> None:
    with demo.browser() as browser:
        assert browser.post("/device-authorization/", data={"client_id": client}).status_code == 404
    assert demo.person("vera").browser.get("/device/").status_code == 404
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    answer = demo.token(grant_type=grant, client_id=client, device_code="guessed")
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})


def test_4_every_answer_says_who_gives_it(demo: Demo, client: str) -> None:
    vera = demo.person("vera")
    allowed = sent_back(vera.answer(vera.ask(client)))
    denied = sent_back(vera.answer(vera.ask(client), allow=False))
    refused = sent_back(vera.ask(client, scope="everything"))
    with demo.browser() as browser:
        silent = sent_back(browser.get("/authorize/", params=asked(demo, client, prompt="none")))
    assert "code" in allowed
    assert [each["error"] for each in (denied, refused, silent)] == ["access_denied", "invalid_scope", "login_required"]
    assert {each["iss"] for each in (allowed, denied, refused, silent)} == {demo.base}


@pytest.mark.parametrize("waived", [{}, {"approval_prompt": "auto"}, {"prompt": "none"}])
def test_5_a_program_on_another_port_gets_no_code_without_a_question(
    demo: Demo, client: str, waived: dict[str, str]
) -> None:
    """Any program on Vera's computer knows the id of a client that she has let in."""
    vera = demo.person("vera")
    vera.connect(client)
    answer = vera.ask(client, redirect_uri="http://127.0.0.1:40666/callback", **waived)
    assert "code=" not in answer.headers.get("location", "")
    if "prompt" not in waived:
        assert answer.status_code == 200
        assert "127.0.0.1:40666" in answer.text


@pytest.mark.parametrize("name", ["no audience", "another server", "another host", "another port", "another scheme"])
def test_6_a_token_for_something_else_is_no_token_here(demo: Demo, name: str) -> None:
    assert not demo.gets_in(demo.planted[name])


@pytest.mark.parametrize("name", ["scopes of another service", "expired"])
def test_6b_nor_is_one_that_is_too_old_or_was_given_for_other_things(demo: Demo, name: str) -> None:
    assert not demo.gets_in(demo.planted[name])


def test_6c_nobody_is_given_a_token_for_another_service(demo: Demo, client: str) -> None:
    vera = demo.person("vera")
    assert sent_back(vera.ask(client, resource="https://elsewhere.example/mcp"))["error"] == "invalid_target"
    changed = vera.answer(vera.ask(client), resource="https://elsewhere.example/mcp")
    assert sent_back(changed)["error"] == "invalid_target"
    code = vera.code(client)
    answer = demo.token(**exchange(client, code, resource="https://elsewhere.example/mcp"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_7_a_token_counts_in_no_url_form_or_cookie(demo: Demo) -> None:
    token, before = demo.planted["good"], demo.count("atlas_trip")
    assert demo.plan(path=f"/mcp?access_token={token}").status_code == 401
    assert demo.plan(cookie=f"access_token={token}").status_code == 401
    with demo.browser() as browser:
        answer = browser.post("/mcp", data={"access_token": token}, headers={"accept": JSON_HEADERS["accept"]})
    assert answer.status_code == 415
    assert demo.count("atlas_trip") == before


def test_8_a_user_who_was_deactivated_is_out_at_once(demo: Demo, client: str) -> None:
    carl = demo.person("carl")
    tokens, code = carl.connect(client), carl.code(client)
    assert demo.gets_in(tokens["access_token"])
    assert demo.gets_in(demo.planted["carl"])
    demo.rows("UPDATE auth_user SET is_active = 0 WHERE username = 'carl'")
    assert not demo.gets_in(tokens["access_token"])
    assert not demo.gets_in(demo.planted["carl"])
    renewed = demo.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], client_id=client)
    assert (renewed.status_code, renewed.json()["error"]) == (400, "invalid_grant")
    assert demo.token(**exchange(client, code)).json()["error"] == "invalid_grant"
    assert carl.ask(client).status_code == 302  # to the login page


def test_9_an_id_token_is_no_token_for_calling(demo: Demo) -> None:
    assert not demo.gets_in(demo.planted["id token"])
    assert not demo.gets_in("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwic2NvcGUiOiJtY3AgdHJpcHM6d3JpdGUifQ.")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_10_a_page_of_somebody_elses_reaches_nothing(demo: Demo, headers: dict[str, str], status: int) -> None:
    """Not even with a token: its name may have been made to mean this host (DNS rebinding)."""
    assert demo.plan(demo.planted["good"], **headers).status_code == status
    if "host" in headers:
        with demo.browser() as browser:
            document = browser.get("/.well-known/oauth-protected-resource/mcp", headers=headers)
        assert document.status_code == 400
        assert "evil" not in document.headers.get("location", "")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_11_a_session_is_nobody_elses(demo: Demo, client: str, method: str) -> None:
    owner = {**JSON_HEADERS, "host": demo.base.removeprefix("http://")}
    owner["authorization"] = f"Bearer {demo.person('vera').connect(client)['access_token']}"
    thief = {**owner, "authorization": f"Bearer {demo.person('mallory').connect(client)['access_token']}"}
    other = {**owner, "authorization": f"Bearer {demo.planted['good']}"}  # hers too, for another client
    nobody = {name: value for name, value in owner.items() if name != "authorization"}
    with demo.browser() as browser:
        hello = browser.post("/mcp", json=SHAKE_HANDS, headers=owner)
        session = {"mcp-session-id": hello.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        body: Any = request("tools/list") if method == "POST" else None
        for headers in (thief, other, nobody):
            answer = browser.request(method, "/mcp", json=body, headers={**headers, **session})
            assert answer.status_code == 404
        assert browser.post("/mcp", json=request("ping"), headers={**owner, **session}).status_code == 200


def test_12_a_cookie_signs_nobody_in(demo: Demo) -> None:
    vera = demo.person("vera")
    cookies = "; ".join(f"{name}={value}" for name, value in vera.browser.cookies.items())
    assert "sessionid" in cookies
    assert vera.browser.get("/connected-apps/").status_code == 200
    assert demo.plan(cookie=cookies).status_code == 401


def test_13_no_page_of_somebody_elses_answers_for_vera(demo: Demo, client: str) -> None:
    vera = demo.person("vera")
    page = vera.ask(client)
    grants = demo.count("oauth2_provider_grant")
    assert vera.answer(page, csrfmiddlewaretoken="guessed").status_code == 403
    fields = {**form(page.text, "consent"), "allow": "1"}
    for origin in ("https://evil.example", "null"):
        answer = vera.browser.post(str(page.url), data=fields, headers={"origin": origin})
        assert answer.status_code == 403
    ((pk,),) = demo.rows("SELECT id FROM oauth2_provider_application WHERE client_id = ?", client)
    assert vera.browser.post(f"/connected-apps/{pk}/disconnect/").status_code == 403
    assert demo.count("oauth2_provider_grant") == grants


@pytest.mark.parametrize("path", ["/authorize/", "/connected-apps/"])
def test_13b_and_none_shows_her_ours_in_a_frame(demo: Demo, client: str, path: str) -> None:
    page = demo.person("vera").browser.get(path, params=asked(demo, client))
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "http://127.0.0.1:40001@evil.example/callback",
        "http://127.0.0.1:40001/callback/../evil",
        "http://127.0.0.1:40001/callback?to=evil",
        "http://localhost:40001/callback",
        "//evil.example/callback",
    ],
)
def test_14_nobody_is_sent_where_the_client_did_not_say(
    demo: Demo, client: str, redirect_uri: str, prompt: str | None
) -> None:
    answer = demo.person("vera").ask(client, redirect_uri=redirect_uri, prompt=prompt)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        "javascript:alert(1)",
        "data:text/html,evil",
        "file:///etc/passwd",
        "evil://callback",
    ],
)
def test_15_no_client_gets_its_codes_over_an_open_road(demo: Demo, redirect_uri: str) -> None:
    with demo.browser("127.0.0.3") as browser:
        answer = browser.post("/register/", json={"redirect_uris": [redirect_uri]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


def test_16_a_code_that_comes_twice_is_good_for_nobody(demo: Demo, client: str) -> None:
    code = demo.person("vera").code(client)
    first = demo.token(**exchange(client, code)).json()
    assert demo.gets_in(first["access_token"])
    second = demo.token(**exchange(client, code))
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert not demo.gets_in(first["access_token"])


def test_16b_a_code_alone_is_good_for_nothing(demo: Demo, client: str) -> None:
    other = demo.register().json()["client_id"]
    for change in ({"code_verifier": "w" * 64}, {"code_verifier": ""}, {"client_id": other}):
        answer = demo.token(**{**exchange(client, demo.person("vera").code(client)), **change})
        assert (answer.status_code, answer.json()["error"]) in {(400, "invalid_grant"), (400, "invalid_request")}


def test_17_a_refresh_token_that_comes_again_ends_all_that_came_of_it(demo: Demo, client: str) -> None:
    def renew(token: str) -> httpx2.Response:
        return demo.token(grant_type="refresh_token", refresh_token=token, client_id=client)

    stolen = demo.person("vera").connect(client)["refresh_token"]
    thief = renew(stolen).json()
    assert demo.gets_in(thief["access_token"])
    demo.rows("UPDATE oauth2_provider_refreshtoken SET revoked = '2026-01-01 00:00:00' WHERE revoked IS NOT NULL")
    assert renew(stolen).json()["error"] == "invalid_grant"
    assert not demo.gets_in(thief["access_token"])
    assert renew(thief["refresh_token"]).json()["error"] == "invalid_grant"


def test_18_nobody_fills_the_database_with_clients(demo: Demo) -> None:
    before = demo.count("oauth2_provider_application")
    body = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    with demo.browser("127.0.0.2") as browser:
        answers = [browser.post("/register/", json=body) for _ in range(25)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 0
    assert demo.count("oauth2_provider_application") == before + 20


def test_19_nobody_makes_the_server_fetch_before_they_have_signed_in(demo: Demo, listener: socket.socket) -> None:
    before, port = demo.count("oauth2_provider_application"), listener.getsockname()[1]
    demo.server.news()
    with demo.browser() as browser:
        for number in range(10):
            url = f"https://localhost:{port}/{number}.json"
            browser.post("/token/", data=exchange(url, "code"))
            browser.post("/revoke_token/", data={"token": "token", "client_id": url})
            browser.get("/authorize/", params=asked(demo, url))
            browser.get("/authorize/", params=asked(demo, url, prompt="none"))
    assert nobody_came(listener)
    assert demo.count("oauth2_provider_application") == before
    assert "CIMD resolution failed" not in demo.server.news()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/c.json",
        "https://localhost:{port}/c.json",
        "https://[::ffff:127.0.0.1]:{port}/c.json",
        "https://2130706433:{port}/c.json",
        "https://0x7f.1:{port}/c.json",
        "https://0.0.0.0:{port}/c.json",
        "http://127.0.0.1:{port}/c.json",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/c.json",
        "https://user@127.0.0.1:{port}/c.json",
    ],
)
def test_20_nobody_makes_the_server_look_around_inside(demo: Demo, listener: socket.socket, url: str) -> None:
    client_id = url.format(port=listener.getsockname()[1])
    answer = demo.person("mallory").ask(client_id)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)
    assert nobody_came(listener)
    assert demo.rows("SELECT 1 FROM oauth2_provider_application WHERE client_id = ?", client_id) == []


def test_and_the_server_has_written_nothing_down_that_would_let_anybody_in(demo: Demo, client: str) -> None:
    vera = demo.person("vera")
    code = vera.code(client)
    tokens = demo.token(**exchange(client, code)).json()
    assert demo.gets_in(tokens["access_token"])
    demo.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], client_id=client)
    demo.token(**exchange(client, "guessed-code"))
    demo.plan("guessed-token")
    written = demo.server.output()
    secrets = [code, tokens["access_token"], tokens["refresh_token"], "guessed-code", "guessed-token", "Stolen"]
    secrets += [demo.planted["password"], vera.browser.cookies["sessionid"]]
    assert "Consent: user" in written
    assert [secret for secret in secrets if secret in written] == []
