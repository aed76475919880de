"""What is refused before a body is looked at: Host, Origin, method, form and size."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from mcp_django.transports.refusals import (
    Refusal,
    check_host,
    check_origin,
    check_post,
    doubled,
    read_headers,
    too_large,
)

SCOPE: dict[str, Any] = {"method": "POST", "server": ("testserver", 80), "headers": []}
POST = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def status_of(check: Any, *given: Any) -> int:
    """Return the HTTP status of a refusal; 0 when there is none."""
    try:
        check(*given)
    except Refusal as refusal:
        return refusal.status
    return 0


# Headers


def headers_of(*pairs: tuple[bytes, bytes]) -> tuple[dict[str, str], str | None]:
    return read_headers({"headers": pairs})


def test_header_names_are_read_in_lower_case() -> None:
    assert headers_of((b"Host", b"testserver"), (b"MCP-Name", b"\xe4")) == (
        {"host": "testserver", "mcp-name": "\xe4"},
        None,
    )


@pytest.mark.parametrize("name", [b"host", b"origin", b"authorization", b"content-type", b"content-length"])
def test_a_header_on_which_a_refusal_rests_may_stand_there_once(name: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        headers_of((name, b"a"), (name.upper(), b"a"))
    assert refused.value.status == 400
    assert str(refused.value) == f"The header {name.decode()} stands there more than once."


def test_a_doubled_routing_header_is_told_by_its_name() -> None:
    assert headers_of((b"mcp-method", b"a"), (b"Mcp-Method", b"a"))[1] == "mcp-method"


def test_any_other_header_may_be_doubled() -> None:
    assert headers_of((b"accept-language", b"de"), (b"accept-language", b"en")) == ({"accept-language": "en"}, None)


def test_a_doubled_routing_header_is_refused_with_the_id_of_the_request() -> None:
    refused = doubled("mcp-method", 7)
    assert (refused.status, refused.code, refused.request_id) == (400, -32020, 7)


# Host


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        (["polls.test"], "polls.test", 0),
        (["polls.test"], "polls.test:8000", 0),
        (["polls.test"], "POLLS.test", 0),
        (["polls.test"], "polls.test.", 0),
        ([".polls.test"], "api.polls.test", 0),
        (["*"], "anything", 0),
        (["[::1]"], "[::1]:8000", 0),
        (["polls.test"], "evil.test", 421),
        (["polls.test"], "polls.test.evil.test", 421),
        (["polls.test"], "polls.test@evil.test", 421),
        (["polls.test"], "polls.test, evil.test", 421),
        (["polls.test"], "", 421),
        (["*"], "a b", 421),
        ([], "localhost", 421),
    ],
)
def test_a_host_is_served_when_allowed_hosts_has_it(allowed: list[str], host: str, status: int) -> None:
    with override_settings(ALLOWED_HOSTS=allowed):
        assert status_of(check_host, SCOPE, {"host": host}) == status


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]", "app.localhost"])
def test_a_developer_s_own_machine_needs_no_setting_while_debugging(host: str) -> None:
    with override_settings(ALLOWED_HOSTS=[], DEBUG=True):
        assert status_of(check_host, SCOPE, {"host": host}) == 0
        assert status_of(check_host, SCOPE, {"host": "evil.test"}) == 421


def test_a_forwarded_host_counts_only_where_the_settings_trust_it() -> None:
    headers = {"host": "inner.test", "x-forwarded-host": "polls.test"}
    with override_settings(ALLOWED_HOSTS=["polls.test"]):
        assert status_of(check_host, SCOPE, headers) == 421
    with override_settings(ALLOWED_HOSTS=["polls.test"], USE_X_FORWARDED_HOST=True):
        assert status_of(check_host, SCOPE, headers) == 0
        assert status_of(check_host, SCOPE, {"host": "polls.test"}) == 0


@pytest.mark.parametrize(
    ("server", "status"), [(("polls.test", 80), 0), (("polls.test", None), 0), (("evil.test", 80), 421), (None, 421)]
)
def test_without_a_host_the_address_of_the_server_counts(server: Any, status: int) -> None:
    with override_settings(ALLOWED_HOSTS=["polls.test"]):
        assert status_of(check_host, {**SCOPE, "server": server}, {}) == status


# Origin


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://polls.test", 0),
        ("http://polls.test:3000", 0),
        ("https://app.friend.test", 0),
        ("https://deep.app.friend.test", 0),
        ("https://exact.test", 0),
        ("http://testserver", 0),
        ("https://evil.test", 403),
        ("http://app.friend.test", 403),
        ("https://friend.test.evil.test", 403),
        ("https://evilfriend.test", 403),
        ("http://exact.test", 403),
        ("https://exact.test:8443", 403),
        ("ftp://polls.test", 403),
        ("polls.test", 403),
        ("null", 403),
        ("", 403),
        ("https://", 403),
        ("https://polls.test@evil.test", 403),
        ("http://[::1", 403),
    ],
)
def test_an_origin_is_served_when_it_is_ours_or_trusted(origin: str, status: int) -> None:
    trusted = ["https://*.friend.test", "https://exact.test"]
    with override_settings(ALLOWED_HOSTS=["polls.test", "testserver"], CSRF_TRUSTED_ORIGINS=trusted):
        assert status_of(check_origin, SCOPE, {"host": "testserver", "origin": origin}) == status


def test_who_sends_no_origin_is_no_browser() -> None:
    assert status_of(check_origin, SCOPE, {"host": "testserver"}) == 0


@pytest.mark.parametrize(
    ("origin", "status"), [("https://polls.test", 0), ("https://evil.test", 403), ("https://exact.test", 0)]
)
def test_where_any_host_will_do_an_origin_must_be_the_host_or_trusted(origin: str, status: int) -> None:
    with override_settings(ALLOWED_HOSTS=["*"], CSRF_TRUSTED_ORIGINS=["https://exact.test"]):
        assert status_of(check_origin, SCOPE, {"host": "polls.test", "origin": origin}) == status


# Method, Accept, Content-Type, Content-Length


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS", "post"])
def test_only_a_post_is_served(method: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_post({**SCOPE, "method": method}, POST, 100)
    assert (refused.value.status, refused.value.headers) == (405, ((b"allow", b"POST"),))


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json, text/event-stream", 0),
        ("text/event-stream;q=0.5,application/json; q=1", 0),
        ("Application/JSON, TEXT/event-stream", 0),
        ("*/*", 0),
        ("text/html, */*;q=0.1", 0),
        ("application/*, text/*", 0),
        ("application/json", 406),
        ("text/event-stream", 406),
        ("text/html", 406),
        ("", 406),
        (None, 406),
    ],
)
def test_a_client_must_take_both_forms_of_answer(accept: str | None, status: int) -> None:
    headers = {**POST, "accept": accept} if accept is not None else {"content-type": "application/json"}
    assert status_of(check_post, SCOPE, headers, 100) == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 0),
        ("application/json; charset=utf-8", 0),
        ("Application/JSON", 0),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_a_body_must_be_json(content_type: str | None, status: int) -> None:
    headers = {**POST, "content-type": content_type} if content_type is not None else {"accept": POST["accept"]}
    assert status_of(check_post, SCOPE, headers, 100) == status


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0", 0),
        ("100", 0),
        ("101", 413),
        ("9" * 5000, 413),
        ("-5", 0),
        ("x", 0),
        ("", 0),
        ("\u0661\u0660\u0660\u0660", 0),
        (None, 0),
    ],
)
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(length: str | None, status: int) -> None:
    headers = POST if length is None else {**POST, "content-length": length}
    assert status_of(check_post, SCOPE, headers, 100) == status


def test_a_refusal_for_size_names_the_limit_and_its_setting() -> None:
    refused = too_large(100)
    assert (refused.status, str(refused)) == (413, "The body is larger than 100 bytes (MAX_BODY_BYTES).")
