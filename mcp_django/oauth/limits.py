"""How often one address may do something, counted in Django's cache."""

from __future__ import annotations

import hashlib
import time
from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest

from mcp_django.conf import get_settings, parse_rate


def client_address(request: HttpRequest) -> str:
    """Return the address from which a request came, for counting.

    With ``TRUSTED_PROXIES`` it is the one that the outermost of them added to ``X-Forwarded-For``. Of an IPv6 address
    the network counts, since one customer has all of it.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    proxies = get_settings().OAUTH.TRUSTED_PROXIES
    if proxies:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        address = hops[-proxies] if len(hops) >= proxies else address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


def retry_after(scope: str, rate: str, address: str) -> int | None:
    """Count one more, and return after how many seconds to come again if that was too many; ``None`` if it wasn't.

    Args:
        scope: what is counted.
        rate: how often, as ``parse_rate`` reads it.
        address: who does it, from ``client_address``.
    """
    most, seconds = parse_rate(rate)
    window, passed = divmod(int(time.time()), seconds)
    digest = hashlib.sha256(address.encode()).hexdigest()
    key = f"mcp_django:{scope}:{digest}:{window}"
    cache.add(key, 0, seconds + 1)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out in between
        count = 1
    return None if count <= most else seconds - passed
