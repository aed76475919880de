"""``tools/list`` and its siblings: pages of a list, kept as the bytes that go on the wire.

Making the bytes of 1,000 tools costs tens of milliseconds; they are the same for everybody who sees the same items in
the same revision, so they are made once and dropped when a declaration changes.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_types import INVALID_PARAMS

from mcp_django.conf import get_settings
from mcp_django.engine.encoding import encode
from mcp_django.engine.shaping import stamp
from mcp_django.exceptions import ProtocolError
from mcp_django.registry import Kind

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange

MAX_VIEWS = 64
"""Most combinations of revision and visible items whose pages are kept; the oldest goes first."""


@dataclass(slots=True)
class Listing:
    """The items of one list, in their order."""

    member: str
    """What the result calls them: ``"tools"``."""

    kind: Kind
    """What they are: ``"tool"``."""

    items: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    _pages: dict[tuple[str, frozenset[str] | None], dict[int, bytes]] = field(default_factory=dict)

    def page(self, exchange: Exchange, *, visible: frozenset[str] | None = None) -> bytes:
        """Return the page that the request's cursor asks for.

        Args:
            visible: keys of the items that this caller sees. ``None``: all of them.

        Raises:
            ProtocolError: the cursor is none of ours.
        """
        size = get_settings().PAGE_SIZE
        start = self._start((exchange.params or {}).get("cursor"))
        view = (exchange.version, visible)
        pages = self._pages.setdefault(view, {})
        if (kept := pages.get(start)) is not None:
            return kept
        made = self._make(exchange, visible, start, size)
        if len(pages) <= len(self.items) // size:  # a client that makes up cursors fills no memory
            pages[start] = made
        while len(self._pages) > MAX_VIEWS:
            self._pages.pop(next(iter(self._pages)))
        return made

    def _make(self, exchange: Exchange, visible: frozenset[str] | None, start: int, size: int) -> bytes:
        shown = [
            (position, item)
            for position, (key, item) in enumerate(zip(self.keys, self.items, strict=True))
            if position >= start and (visible is None or key in visible)
        ]
        result: dict[str, Any] = {self.member: [item for _, item in shown[:size]]}
        if len(shown) > size:
            position = shown[size][0]
            result["nextCursor"] = _cursor(position, self.keys[position])
        if exchange.modern:
            result["ttlMs"] = round(get_settings().LIST_CACHE_SECONDS * 1000)
            result["cacheScope"] = "private"
        return stamp(exchange, encode(result))

    def _start(self, cursor: str | None) -> int:
        """Return the position that a cursor names: where its item is now, or where it was."""
        if cursor is None:
            return 0
        try:
            position, _, key = urlsafe_b64decode(cursor.encode("ascii")).decode().partition(":")
            start = int(position)
        except (BinasciiError, UnicodeError, ValueError):
            start, key = -1, ""
        if not key or not 0 <= start <= 1_000_000:
            raise ProtocolError(INVALID_PARAMS, "Invalid cursor: start again without one.")
        return self.keys.index(key) if key in self.keys else start


def make_listing(member: str, kind: Kind, components: Iterable[Any]) -> Listing:
    """Return the listing of some components."""
    components = tuple(components)
    return Listing(member, kind, tuple(each.listing for each in components), tuple(each.key for each in components))


def _cursor(position: int, key: str) -> str:
    return urlsafe_b64encode(f"{position}:{key}".encode()).decode("ascii")
