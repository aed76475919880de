"""What all pages have in common."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, EXAMPLES, ROOT, Block, all_blocks, anchors, blocks, pages, shown

BLOCKS = all_blocks()
SHOWN = [block for block in BLOCKS if block.source is not None]


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_a_block_that_names_a_file_is_a_part_of_it(block: Block) -> None:
    assert block.source is not None
    file, region = block.source
    assert block.body == shown(file, region)


def test_every_python_example_names_its_file() -> None:
    assert [str(block) for block in BLOCKS if block.language == "python" and block.source is None] == []


def test_every_example_is_shown_on_a_page() -> None:
    hidden = {"manage.py", "__init__.py", "apps.py", "urls.py"}
    files = {file for file in EXAMPLES.rglob("*.py") if file.name not in hidden and file.parent.name != "migrations"}
    assert files - {block.source[0] for block in SHOWN if block.source} == set()


def test_every_region_is_shown_on_a_page() -> None:
    regions = {
        (file, name)
        for file in EXAMPLES.rglob("*.py")
        for name in re.findall(r"# region: ([\w-]+)", file.read_text(encoding="utf-8"))
    }
    assert regions - {block.source for block in SHOWN} == set()


def test_every_region_has_an_end() -> None:
    for file in EXAMPLES.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert text.count("# region: ") == text.count("# endregion"), file


def test_every_json_example_is_json() -> None:
    for block in BLOCKS:
        if block.language == "json":
            json.loads(block.body)


def test_every_link_leads_somewhere() -> None:
    lost = []
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert lost == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        todo += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert set(pages()) - reached == set()


def test_the_first_two_shell_blocks_of_the_readme_hold_one_command_line_each() -> None:
    shell = [block for block in blocks(ROOT / "README.md") if block.language in ("sh", "bash", "shell")]
    install, test = (block.body.splitlines() for block in shell[:2])
    assert (len(install), len(test)) == (1, 1)
    start = "python3 -m venv .venv && .venv/bin/pip install -e "
    assert install[0] == f'{start}".[demo]" && .venv/bin/python manage.py demo'
    assert test[0] == f'{start}".[test]" && .venv/bin/python -m pytest'


def test_no_page_names_a_place_of_one_machine() -> None:
    for page in [*pages(), *EXAMPLES.rglob("*.py")]:
        assert re.search(r"(?<![\w.])/(home|root|tmp|work)/", page.read_text(encoding="utf-8")) is None, page


def test_a_region_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text("# region: a\nx = 1\n# endregion\n")
    assert shown(file, "a") == "x = 1\n"
    with pytest.raises(KeyError):
        shown(file, "b")
