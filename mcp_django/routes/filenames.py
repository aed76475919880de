"""Names for files that clients send."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import SuspiciousFileOperation
from django.utils.text import get_valid_filename

MAX_NAME_BYTES = 100
"""Longest name, in UTF-8: below what file systems and ``FileField.max_length`` take, with a folder before it."""

MAX_SUFFIX_BYTES = 16

_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
"""Names of devices on Windows, whatever follows the first dot."""


def safe_filename(name: str) -> str:
    """Return a name like the one that a client gave, which names a file and nothing else on any system.

    No folder of it is left, no control or invisible character, nothing that turns the direction of writing, no dot at
    either end, no device of Windows; it is in NFKC, and at most ``MAX_NAME_BYTES`` long. What leaves nothing is
    ``"upload"``.
    """
    last = unicodedata.normalize("NFKC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(each for each in last if unicodedata.category(each)[0] != "C")
    try:
        valid = get_valid_filename(visible.strip(". ")).strip("._")
    except SuspiciousFileOperation:  # nothing is left
        valid = ""
    if valid.partition(".")[0].upper() in _RESERVED:
        valid = f"file_{valid}"
    return _shortened(valid) or "upload"


def _shortened(name: str) -> str:
    """Cut the stem, and let the suffix be, unless that is all there is."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) >= MAX_SUFFIX_BYTES:
        stem, dot, suffix = name, "", ""
    room = MAX_NAME_BYTES - len(f"{dot}{suffix}".encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip("._ ") + dot + suffix
