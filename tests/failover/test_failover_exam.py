"""The sixteen faults of failoverbench with short times; `make bench-failover` takes the full ones."""

from __future__ import annotations

import pytest

from tests.failover.exam import Verdict, exam
from tests.failover.scenarios import QUICK, SCENARIOS, WORDS

SAFE = {"S08", "S09", "S14"}
OPEN = {"S01", "S03", "S15"}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """All scenarios, side by side."""
    return {one.scenario.id: one for one in exam(tmp_path_factory.mktemp("exam"), QUICK, tuned=False)}


def test_the_answer_has_sixty_words():
    assert len(WORDS) == 60
    assert len(SCENARIOS) == 16


@pytest.mark.parametrize("id", [one.id for one in SCENARIOS if one.id not in SAFE | OPEN])
def test_a_fault_is_survived(verdicts: dict[str, Verdict], id: str):
    assert verdicts[id].mark == "pass", verdicts[id].why


@pytest.mark.parametrize("id", sorted(SAFE))
def test_what_is_lost_is_told(verdicts: dict[str, Verdict], id: str):
    assert verdicts[id].mark in ("safe", "partial", "pass"), verdicts[id].why
