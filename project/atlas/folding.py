"""The spelling under which names are stored and looked up."""

from __future__ import annotations

import unicodedata

_SPELT_OUT = {
    "æ": "ae",
    "ð": "d",
    "ø": "o",
    "þ": "th",
    "đ": "d",
    "ħ": "h",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    "ł": "l",
    "œ": "oe",
    "ŧ": "t",
}
"""Letters that Unicode doesn't decompose although people type the plain ones."""

_SILENT = frozenset(
    "'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}"
    "\N{PRIME}\N{HEBREW PUNCTUATION GERESH}\N{HEBREW PUNCTUATION GERSHAYIM}"
)
"""Apostrophes join what they stand between: Xi'an is xian. Other punctuation separates."""

_LOWEST_ACCENT_CLASS = 10
"""Combining classes below this one belong to letters: vowel signs and viramas of Indic scripts, voicing of kana."""


class _Table(dict[int, str]):
    """What becomes of a character, worked out when it is first met. For ``str.translate``."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


def _fold_character(character: str) -> str:
    if character in _SPELT_OUT:
        return _SPELT_OUT[character]
    if character in _SILENT or unicodedata.category(character) == "Cf":
        return ""
    if "\u02b0" <= character <= "\u02ff":  # spacing modifier letters: okina, ayn, stress marks
        return ""
    if unicodedata.category(character) in {"Mn", "Mc"}:
        return "" if unicodedata.combining(character) >= _LOWEST_ACCENT_CLASS else character
    return character if character.isalnum() else " "


_TABLE = _Table()


def fold(name: str) -> str:
    """Fold a name so that its spellings meet: ``"Łódź"`` and ``"LODZ"`` are ``"lodz"``.

    Case, accents and punctuation go, compatibility forms become plain letters, words are separated by one space.
    Empty when nothing but punctuation was there. Folding twice changes nothing.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return unicodedata.normalize("NFC", " ".join(decomposed.translate(_TABLE).split()))
