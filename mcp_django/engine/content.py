"""What a tool or prompt may return besides plain data. Loads no SDK, so every ``mcp.py`` may import it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a generator tool, sent to a client that asked for progress."""

    progress: float
    """How far the work is. Must grow from step to step."""

    total: float | None = None
    message: str | None = None


class Media:
    """Bytes, or the file that holds them, and their MIME type."""

    family: ClassVar[str]
    default: ClassVar[str]

    def __init__(
        self,
        path: str | Path | None = None,
        data: bytes | None = None,
        format: str | None = None,
        *,
        mime_type: str | None = None,
    ) -> None:
        if (path is None) == (data is None):
            raise ValueError(f"{type(self).__name__} takes either a path or data.")
        self.path = None if path is None else Path(path)
        self.data = data
        self.mime_type = mime_type or self._guess(format)

    def __repr__(self) -> str:
        source = f"path={str(self.path)!r}" if self.path else f"{len(self.data or b'')} bytes"
        return f"<{type(self).__name__} {self.mime_type} {source}>"

    def _guess(self, format: str | None) -> str:
        if format:
            return f"{self.family}/{format.lower()}"
        guessed = mimetypes.guess_type(self.path.name)[0] if self.path else None
        return guessed or self.default

    def read(self) -> bytes:
        """Return the bytes. Raises ``OSError`` when the file can't be read."""
        return self.path.read_bytes() if self.path else self.data or b""


class Image(Media):
    """A picture: ``Image(path="logo.png")``, or ``Image(data=png, mime_type="image/png")``, or ``format="png"``."""

    family, default = "image", "image/png"


class Audio(Media):
    """A sound: the same arguments as ``Image``."""

    family, default = "audio", "audio/wav"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt. The content: a string, an ``Image`` or ``Audio``, or a content block of the SDK."""

    content: Any
    role: Literal["user", "assistant"] = "user"


@dataclass(frozen=True, slots=True)
class UserMessage(Message):
    """A message that the person says."""


@dataclass(frozen=True, slots=True)
class AssistantMessage(Message):
    """A message that the model says."""

    role: Literal["user", "assistant"] = "assistant"
