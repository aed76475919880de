from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.atlas.folding import fold


@pytest.mark.parametrize(
    ("spelling", "folded"),
    [
        ("Łódź", "lodz"),
        ("MÜNCHEN", "munchen"),
        ("Straßburg", "strassburg"),
        ("København", "kobenhavn"),
        ("Đà Nẵng", "da nang"),
        ("İstanbul", "istanbul"),
        ("Diyarbak\N{LATIN SMALL LETTER DOTLESS I}r", "diyarbakir"),
        ("Ærøskøbing", "aeroskobing"),
        ("ΑΘΉΝΑΣ", "αθηνασ"),
        ("Горно-Алтайск", "горно алтаиск"),
        ("قُلُونِيَة", "قلونية"),
    ],
)
def test_case_and_accents_go(spelling: str, folded: str) -> None:
    assert fold(spelling) == folded


@pytest.mark.parametrize(
    ("spelling", "folded"),
    [
        ("Saint-Denis  (Réunion)", "saint denis reunion"),
        ("St. John\N{RIGHT SINGLE QUOTATION MARK}s", "st johns"),
        ("Xi'an", "xian"),
        ("\N{MODIFIER LETTER TURNED COMMA}Aiea", "aiea"),
        ("Sant\u200bana", "santana"),
        (" Frankfurt / Main ", "frankfurt main"),
        ("エスカルデス=エンゴルダニ", "エスカルデス エンゴルダニ"),
    ],
)
def test_punctuation_separates_words_but_apostrophes_join_them(spelling: str, folded: str) -> None:
    assert fold(spelling) == folded


@pytest.mark.parametrize("name", ["とうがね", "トーキョー", "서울", "बर्लिन", "வேலூர்", "東京"])
def test_marks_that_belong_to_letters_stay(name: str) -> None:
    assert fold(name) == name


@pytest.mark.parametrize("name", ["", "---", "'", "\u0301", "…"])
def test_nothing_is_left_of_a_name_without_letters(name: str) -> None:
    assert fold(name) == ""


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)
