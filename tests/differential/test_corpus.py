"""Both servers answer the whole corpus alike, but for what the table of known differences says."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.differential.corpus import CASES, Case
from tests.differential.differences import TABLE, compare
from tests.differential.pair import ask_both
from tests.differential.report import report
from tests.differential.sides import Sides
from tests.differential.signatures import DIFFERS

pytestmark = pytest.mark.anyio

EVERYWHERE = {known.id for known in TABLE if known.everywhere}
SECRETS = ("nobody may read this", "hunter2", "hunter3")
"""What the corpus' crashes say, and the values of arguments that are refused."""

GROUPS: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    GROUPS[_case.group].append(_case)


@pytest.mark.parametrize("group", GROUPS)
async def test_both_servers_answer_alike(sides: Sides, group: str) -> None:
    complaints = [complaint for case in GROUPS[group] if (complaint := await _complaint(sides, case))]
    assert not complaints, "\n".join(["", *complaints])


async def _complaint(sides: Sides, case: Case) -> str:
    """Ask both servers, and say what is wrong with the answers; empty when nothing is."""
    pair = await ask_both(sides, case.posted)
    told = [secret for secret in SECRETS if secret in repr(pair.ours.messages)]
    shown, leveled = compare(pair)
    shown -= EVERYWHERE
    lines = [f"    ours tells {secret!r}" for secret in told]
    if differing := report(leveled):
        lines.append(differing)
    elif shown != case.differs:
        lines += [f"    no longer differs: {each}" for each in sorted(case.differs - shown)]
        lines += [f"    differs, and the case doesn't say so: {each}" for each in sorted(shown - case.differs)]
    return "\n".join([f"{case.name}", *lines]) if lines else ""


def test_every_known_difference_is_shown_by_a_case() -> None:
    named = {each for case in CASES for each in case.differs} | set(DIFFERS.values())
    assert named == {known.id for known in TABLE} - EVERYWHERE


@pytest.mark.parametrize("id", sorted(EVERYWHERE))
async def test_what_differs_everywhere_still_does(sides: Sides, id: str) -> None:
    for case in CASES:
        shown, _ = compare(await ask_both(sides, case.posted))
        if id in shown:
            return
    pytest.fail(f"Nothing shows {id!r} any more: take it out of the table.")


def test_every_known_difference_has_an_id_of_its_own_and_a_source() -> None:
    assert len({known.id for known in TABLE}) == len(TABLE)
    assert all(known.reason and known.source for known in TABLE)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({(case.group, case.name) for case in CASES}) == len(CASES)
