"""How senders of webhooks sign what they send: HMAC-SHA256 over the bytes of the body, and often over a time."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

MAX_SIGNATURES = 10
"""Most signatures of one request that are tried; a sender adds one for each of its secrets."""

TOLERANCE_SECONDS = 300
"""How old, or how early, a signed time may be. What Stripe and Standard Webhooks recommend."""

_TIME = re.compile(r"[0-9]{1,12}")


class InvalidSignature(Exception):
    """The request isn't signed, or not by one of the secrets, or too long ago. The text says which, for the log."""


class Signature(Protocol):
    """A way of signing."""

    @property
    def header(self) -> str:
        """Where the signature is."""

    @property
    def event_header(self) -> str:
        """Where the type of the event is. Empty: ``type`` in the body."""

    @property
    def id_header(self) -> str:
        """Where the id of the event is. Empty: ``id`` in the body."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
        """Raise ``InvalidSignature`` unless one of the secrets signed this body.

        Args:
            headers: found by names in any case.
            secrets: several while one is exchanged for another.
            now: seconds since 1970.
        """


@dataclass(frozen=True, kw_only=True)
class HMACSignature:
    """A digest of the body in one header, as GitHub, Shopify and many others send it.

    Nothing in it grows old: who gets hold of a request can send it again, so look at the event's id.
    """

    header: str
    prefix: str = ""
    """What stands before the digest: ``"sha256="``."""

    encoding: Literal["hex", "base64"] = "hex"
    event_header: str = ""
    id_header: str = ""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
        """Raise ``InvalidSignature`` unless one of the secrets signed this body."""
        given = headers.get(self.header, "")
        if not given.startswith(self.prefix) or given == self.prefix:
            raise InvalidSignature(f"no {self.header}")
        encode = _hex if self.encoding == "hex" else _base64
        _check([given.removeprefix(self.prefix)], [encode(each.encode(), body) for each in secrets])


@dataclass(frozen=True, kw_only=True)
class StripeSignature:
    """A time and digests in one header: ``t=1492774577,v1=5257a8…``."""

    header: str = "Stripe-Signature"
    tolerance: float = TOLERANCE_SECONDS
    event_header: str = ""
    id_header: str = ""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
        """Raise ``InvalidSignature`` unless one of the secrets signed this body."""
        parts = [part.strip().partition("=") for part in headers.get(self.header, "").split(",")]
        time = next((value for name, _, value in parts if name == "t"), "")
        _check_time(time, now, self.tolerance)
        signed = time.encode() + b"." + body
        given = [value for name, _, value in parts if name == "v1"]
        _check(given, [_hex(each.encode(), signed) for each in secrets])


@dataclass(frozen=True, kw_only=True)
class StandardSignature:
    """Standard Webhooks (standardwebhooks.com): id, time and digests in a header each; base64 secrets."""

    header: str = "webhook-signature"
    time_header: str = "webhook-timestamp"
    tolerance: float = TOLERANCE_SECONDS
    event_header: str = ""
    id_header: str = "webhook-id"

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
        """Raise ``InvalidSignature`` unless one of the secrets signed this body."""
        time, message = headers.get(self.time_header, ""), headers.get(self.id_header, "")
        _check_time(time, now, self.tolerance)
        signed = f"{message}.{time}.".encode() + body
        given = [part.removeprefix("v1,") for part in headers.get(self.header, "").split(" ") if part.startswith("v1,")]
        _check(given, [_base64(standard_key(each), signed) for each in secrets])


GITHUB = HMACSignature(
    header="X-Hub-Signature-256", prefix="sha256=", event_header="X-GitHub-Event", id_header="X-GitHub-Delivery"
)
STRIPE = StripeSignature()
STANDARD = StandardSignature()


def standard_key(secret: str) -> bytes:
    """Return the key in a secret of Standard Webhooks. Raises ``ValueError`` when it is none."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("A secret of Standard Webhooks is base64, after 'whsec_'.") from None


def _check_time(time: str, now: float, tolerance: float) -> None:
    if not _TIME.fullmatch(time):
        raise InvalidSignature("no time")
    if abs(now - int(time)) > tolerance:
        raise InvalidSignature("too old, or too early")


def _check(given: Sequence[str], expected: Iterable[str]) -> None:
    if not given:
        raise InvalidSignature("no signature")
    tried = [each.encode() for each in given[:MAX_SIGNATURES]]
    if not any(hmac.compare_digest(one, other.encode()) for other in expected for one in tried):
        raise InvalidSignature("of none of the secrets")


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, sha256).hexdigest()


def _base64(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")
