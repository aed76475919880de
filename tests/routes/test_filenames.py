"""Names for files that clients send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_django.routes import safe_filename
from mcp_django.routes.filenames import MAX_NAME_BYTES

CASES = [
    ("report.pdf", "report.pdf"),
    ("My holiday (1).png", "My_holiday_1.png"),
    ("Überblick 2026.txt", "Überblick_2026.txt"),
    ("../../x", "x"),
    ("..\\..\\x.exe", "x.exe"),
    ("/etc/passwd", "passwd"),
    ("C:\\Users\\ada\\x.txt", "x.txt"),
    ("..\uff0f..\uff0fx", "x"),  # full-width slashes, which NFKC makes real ones
    ("a\0.png", "a.png"),
    ("a\r\nX-Evil: 1.txt", "aX-Evil_1.txt"),
    ("gpj\u202e.exe", "gpj.exe"),  # which looks like exe.jpg
    (".htaccess", "htaccess"),
    ("x.txt. . .", "x.txt"),
    ("CON", "file_CON"),
    ("nul.tar.gz", "file_nul.tar.gz"),
    ("COM1.txt", "file_COM1.txt"),
    ("console.txt", "console.txt"),
    ("", "upload"),
    ("..", "upload"),
    ("../", "upload"),
    ("???", "upload"),
    ("\ud800.txt", "txt"),
]


@pytest.mark.parametrize(("name", "safe"), CASES)
def test_what_is_not_safe_is_taken_out(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


def test_a_name_that_is_too_long_keeps_its_suffix() -> None:
    assert safe_filename("x" * 500 + ".pdf") == "x" * (MAX_NAME_BYTES - 4) + ".pdf"
    assert safe_filename("x." + "y" * 500) == "x." + "y" * (MAX_NAME_BYTES - 2)
    assert len(safe_filename("ü" * 500 + ".pdf").encode()) == MAX_NAME_BYTES


@given(st.text(max_size=300))
def test_whatever_a_client_sends_is_a_name_of_one_file(name: str) -> None:
    safe = safe_filename(name)
    assert safe
    assert len(safe.encode()) <= MAX_NAME_BYTES
    assert safe.isprintable()
    assert not set(safe) & set('/\\:*?"<>|\0 ')
    assert safe == safe.strip(".")
    assert safe_filename(safe) == safe
