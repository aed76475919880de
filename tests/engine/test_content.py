"""Pictures, sounds, progress and messages, as an ``mcp.py`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_django import AssistantMessage, Audio, Image, Message, Progress, UserMessage


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (Image(data=b"x"), "image/png"),
        (Image(data=b"x", format="JPEG"), "image/jpeg"),
        (Image(data=b"x", mime_type="image/svg+xml", format="png"), "image/svg+xml"),
        (Image("logo.gif"), "image/gif"),
        (Image(path="logo.gif", format="webp"), "image/webp"),
        (Image(path="logo"), "image/png"),
        (Audio(data=b"x"), "audio/wav"),
        (Audio(data=b"x", format="ogg"), "audio/ogg"),
        (Audio("song.mp3"), "audio/mpeg"),
        (Audio("song.unheard-of"), "audio/wav"),
    ],
)
def test_the_mime_type_is_given_or_made_of_the_format_or_guessed_of_the_path(media: Any, expected: str) -> None:
    assert media.mime_type == expected


@pytest.mark.parametrize("cls", [Image, Audio])
@pytest.mark.parametrize("given", [{}, {"path": "logo.png", "data": b"x"}])
def test_media_take_either_a_path_or_data(cls: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{cls.__name__} takes either a path or data"):
        cls(**given)


def test_media_read_their_file_when_they_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    picture = Image(file)
    with pytest.raises(FileNotFoundError):
        picture.read()
    file.write_bytes(b"x")
    assert picture.read() == Image(str(file)).read() == b"x"


def test_media_give_the_data_they_hold() -> None:
    assert Image(data=b"x").read() == b"x"
    assert Image(data=b"").read() == b""


def test_media_show_what_they_are_and_not_their_bytes() -> None:
    assert repr(Image(data=b"secret")) == "<Image image/png 6 bytes>"
    assert repr(Audio(path="song.mp3")) == "<Audio audio/mpeg path='song.mp3'>"


def test_a_message_is_the_user_s_unless_it_says_otherwise() -> None:
    assert [
        each.role for each in (Message("a"), UserMessage("b"), AssistantMessage("c"), Message("d", "assistant"))
    ] == [
        "user",
        "user",
        "assistant",
        "assistant",
    ]


def test_a_step_of_progress_may_have_a_total_and_a_message() -> None:
    assert Progress(1) == Progress(1, None, None)
    assert Progress(1, 2, "half").message == "half"
