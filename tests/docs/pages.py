"""The documentation as text: its pages, their fenced blocks, and the regions of the examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_REGION = re.compile(r"^ *# region: (?P<name>[\w-]+)\n(?P<body>.*?)^ *# endregion\n?", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"file=(?P<file>\S+?)(?:#(?P<region>[\w-]+))?(?:\s|$)")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    info: str
    body: str

    @property
    def source(self) -> tuple[Path, str | None] | None:
        """The file, and its region, that the block shows; ``None`` when it names none."""
        mark = _MARK.search(self.info)
        return None if mark is None else (EXAMPLES / mark["file"], mark["region"])

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def pages() -> list[Path]:
    """Return every page: the README, the papers beside it, and all of ``docs``."""
    papers = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [*papers, *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, without their indentation."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        indent = len(found["indent"])
        body = "".join(line[indent:] if line.strip() else line for line in found["body"].splitlines(keepends=True))
        language, _, info = found["info"].strip().partition(" ")
        yield Block(page, text.count("\n", 0, found.start()) + 1, language, info, body)


def all_blocks() -> list[Block]:
    """Return the fenced blocks of every page."""
    return [block for page in pages() for block in blocks(page)]


def shown(file: Path, region: str | None) -> str:
    """Return what a page shows of a file: a region, or all that follows its docstring.

    Raises:
        KeyError: the file has no such region.
    """
    text = file.read_text(encoding="utf-8")
    if region is not None:
        regions = {found["name"]: found["body"] for found in _REGION.finditer(text)}
        return regions[region].strip("\n") + "\n"
    return re.sub(r"^ *# (end)?region.*\n", "", text, flags=re.MULTILINE)


def headings(page: Path) -> list[str]:
    """Return the headings of a page, without their markup."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [line.lstrip("#").strip().replace("`", "") for line in text.splitlines() if line.startswith("#")]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a code host gives the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


def entries(page: Path) -> dict[str, set[str]]:
    """Return the names that a page explains, by its headings of the first two levels.

    A name is explained by a heading of its own, or stands in code in the first cell of a table's row.
    """
    found: dict[str, set[str]] = {}
    section = ""
    for line in _FENCE.sub("", page.read_text(encoding="utf-8")).splitlines():
        if line.startswith("#"):
            if line.startswith(("# ", "## ")):
                section = line.lstrip("# ").replace("`", "")
            found.setdefault(section, set()).update(_names(line))
        elif line.startswith("| `"):
            found.setdefault(section, set()).update(_names(line.split(" | ")[0]))
    return found


def _names(text: str) -> list[str]:
    """Return the names in code in a text, each without its arguments."""
    return [re.split(r"[(\s]", code)[0] for code in re.findall(r"`([^`]+)`", text)]
