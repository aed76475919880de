"""How senders of webhooks sign: the examples of those who do, and what doesn't count."""

from __future__ import annotations

import base64
import hmac

import pytest

from mcp_django.routes.signatures import GITHUB, STANDARD, STRIPE, HMACSignature, InvalidSignature, standard_key

# docs.github.com, "Validating webhook deliveries"
GITHUB_SECRET, GITHUB_BODY = "It's a Secret to Everybody", b"Hello, World!"
GITHUB_DIGEST = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# The test vector of the Standard Webhooks libraries.
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_TIME = 1614265330
STANDARD_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(STANDARD_TIME),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

STRIPE_SECRET, STRIPE_TIME, STRIPE_BODY = "whsec_test", 1492774577, b'{"id":"evt_1"}'


def stripe_header(*digests: str, time: int | str = STRIPE_TIME) -> dict[str, str]:
    return {"Stripe-Signature": ",".join([f"t={time}", *(f"v1={each}" for each in digests), "v0=old"])}


def stripe_digest() -> str:
    return hmac.new(STRIPE_SECRET.encode(), f"{STRIPE_TIME}.".encode() + STRIPE_BODY, "sha256").hexdigest()


def test_github_s_own_example_counts() -> None:
    headers = {"X-Hub-Signature-256": f"sha256={GITHUB_DIGEST}"}
    GITHUB.verify(headers, GITHUB_BODY, [GITHUB_SECRET], 0)
    GITHUB.verify(headers, GITHUB_BODY, ["new", GITHUB_SECRET], 0)  # while one is exchanged for another


@pytest.mark.parametrize(
    ("header", "body", "secret"),
    [
        ("", GITHUB_BODY, GITHUB_SECRET),
        ("sha256=", GITHUB_BODY, GITHUB_SECRET),
        (GITHUB_DIGEST, GITHUB_BODY, GITHUB_SECRET),
        (f"sha1={GITHUB_DIGEST}", GITHUB_BODY, GITHUB_SECRET),
        (f"sha256={GITHUB_DIGEST[:-1]}0", GITHUB_BODY, GITHUB_SECRET),
        (f"sha256={GITHUB_DIGEST}", GITHUB_BODY + b" ", GITHUB_SECRET),
        (f"sha256={GITHUB_DIGEST}", GITHUB_BODY, "another"),
        ("sha256=ünïcode", GITHUB_BODY, GITHUB_SECRET),
    ],
)
def test_what_github_did_not_sign_does_not_count(header: str, body: bytes, secret: str) -> None:
    with pytest.raises(InvalidSignature):
        GITHUB.verify({"X-Hub-Signature-256": header}, body, [secret], 0)


def test_standard_webhooks_own_example_counts() -> None:
    STANDARD.verify(STANDARD_HEADERS, STANDARD_BODY, [STANDARD_SECRET], STANDARD_TIME + 300)
    more = {**STANDARD_HEADERS, "webhook-signature": f"v1,AAAA v1a,BBBB {STANDARD_HEADERS['webhook-signature']}"}
    STANDARD.verify(more, STANDARD_BODY, [STANDARD_SECRET], STANDARD_TIME)


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({"webhook-id": "msg_other"}, STANDARD_TIME),
        ({"webhook-timestamp": str(STANDARD_TIME + 1)}, STANDARD_TIME),
        ({"webhook-timestamp": ""}, STANDARD_TIME),
        ({"webhook-timestamp": "-1"}, STANDARD_TIME),
        ({"webhook-signature": ""}, STANDARD_TIME),
        ({"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, STANDARD_TIME),
        ({}, STANDARD_TIME + 301),
        ({}, STANDARD_TIME - 301),
    ],
)
def test_what_is_changed_or_sent_again_later_does_not_count(change: dict[str, str], now: float) -> None:
    with pytest.raises(InvalidSignature):
        STANDARD.verify({**STANDARD_HEADERS, **change}, STANDARD_BODY, [STANDARD_SECRET], now)


def test_stripe_signs_the_time_too() -> None:
    STRIPE.verify(stripe_header("0" * 64, stripe_digest()), STRIPE_BODY, [STRIPE_SECRET], STRIPE_TIME + 10)
    refused: list[tuple[dict[str, str], float]] = [
        (stripe_header(stripe_digest(), time=STRIPE_TIME + 1), STRIPE_TIME),
        (stripe_header(stripe_digest(), time="soon"), STRIPE_TIME),
        (stripe_header(stripe_digest()), STRIPE_TIME + 301),
        (stripe_header(), STRIPE_TIME),
        ({}, STRIPE_TIME),
    ]
    for headers, now in refused:
        with pytest.raises(InvalidSignature):
            STRIPE.verify(headers, STRIPE_BODY, [STRIPE_SECRET], now)


def test_no_more_signatures_are_tried_than_a_sender_may_have() -> None:
    with pytest.raises(InvalidSignature):
        STRIPE.verify(stripe_header(*["0" * 64] * 10, stripe_digest()), STRIPE_BODY, [STRIPE_SECRET], STRIPE_TIME)


def test_others_sign_in_base64() -> None:
    shop = HMACSignature(header="X-Shopify-Hmac-Sha256", encoding="base64")
    digest = base64.b64encode(bytes.fromhex(GITHUB_DIGEST)).decode()
    shop.verify({"X-Shopify-Hmac-Sha256": digest}, GITHUB_BODY, [GITHUB_SECRET], 0)


def test_a_secret_that_is_no_base64_is_an_error_of_the_project() -> None:
    with pytest.raises(ValueError, match="base64"):
        standard_key("whsec_!")
