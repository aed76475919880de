"""Parts of files: the header ``Range`` (RFC 9110 §14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The file has no such part."""


def requested_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte of a part, and the one after its last; ``None``: the whole file.

    A server may answer with the whole file when it likes (§14.2). We do for several ranges at once, which made for
    attacks (CVE-2011-3192), for units other than bytes, and for what is no range.

    Args:
        header: ``"bytes=0-99"``, ``"bytes=100-"`` or ``"bytes=-100"``, the last hundred.
        size: of the file, in bytes.

    Raises:
        Unsatisfiable: it lies behind the end.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return _suffix(int(found[2]), size)
    first = int(found[1])
    last = int(found[2]) if found[2] else size
    if last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, min(last + 1, size)


def _suffix(length: int, size: int) -> tuple[int, int]:
    if not length or not size:
        raise Unsatisfiable
    return max(0, size - length), size
