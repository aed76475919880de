"""How often one caller may do something: a counter for each window of time, in Django's cache."""

from __future__ import annotations

from functools import lru_cache, partial
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import time

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest

from mcp_django.auth.errands import on_errand
from mcp_django.conf import get_settings
from mcp_django.registry import Rate


def take(rate: Rate, *names: str) -> int | None:
    """Count one more, and return after how many seconds to come again if that was too many; ``None`` if it wasn't.

    For sync code. The window is fixed: of ``Rate(50, 60)``, each minute of the clock. The cache sees a hash of the
    names, so what a client sent neither chooses a key nor makes it longer; each key goes with its window.

    Args:
        names: what is counted, and whose: each combination has a counter of its own.
    """
    return _take(caches["default"], rate, names)


def _take(cache: BaseCache, rate: Rate, names: tuple[str, ...]) -> int | None:
    now = time()
    window = int(now // rate.seconds)
    counted = repr((names, rate.seconds, window)).encode("utf-8", "surrogatepass")
    digest = blake2b(counted, digest_size=24).hexdigest()
    if _count(cache, f"mcp_django.limits.{digest}", rate.seconds + 1) <= rate.limit:
        return None
    return max(1, ceil((window + 1) * rate.seconds - now))


async def atake(rate: Rate, *names: str) -> int | None:
    """Do what ``take`` does, for async code: in place where the cache is this process's memory, else on a thread."""
    if type(cache := caches["default"]) is LocMemCache:
        return _take(cache, rate, names)
    return await on_errand(partial(take, rate, *names))


def _count(cache: BaseCache, key: str, seconds: int) -> int:
    """Count one more in this window, and return how many it has been. Of two at once, one adds and both are counted."""
    for _ in range(2):
        try:
            return cache.incr(key)
        except ValueError:  # nobody has counted in this window yet, or it ran out in this moment
            pass
        if cache.add(key, 1, timeout=seconds):
            return 1
    return 1


def client_address(request: HttpRequest) -> str:
    """Return the address from which a request came, as ``address_of`` makes it, for counting."""
    return address_of(str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", ""))


def address_of(peer: str, forwarded: str) -> str:
    """Return the address that counts.

    With ``TRUSTED_PROXIES`` it is the one that the outermost of them added to ``X-Forwarded-For``. Of an IPv6 address
    the network counts, since one customer has all of it.

    Args:
        peer: who connected.
        forwarded: the header ``X-Forwarded-For``.
    """
    proxies = get_settings().OAUTH.TRUSTED_PROXIES
    if proxies:
        hops = [hop.strip() for hop in forwarded.split(",")]
        peer = hops[-proxies] if len(hops) >= proxies else peer
    return _network_of(peer[:64])


@lru_cache(maxsize=256)
def _network_of(peer: str) -> str:
    try:
        parsed = ip_address(peer)
    except ValueError:
        return peer
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)
