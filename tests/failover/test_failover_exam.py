"""The sixteen faults of failoverbench with short times; `make bench-failover` takes the full ones."""

from __future__ import annotations

import pytest

from tests.failover.exam import Verdict, exam
from tests.failover.scenarios import QUICK, SCENARIOS, WORDS


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """All scenarios, side by side."""
    return {one.scenario.id: one for one in exam(tmp_path_factory.mktemp("exam"), QUICK)}


def test_the_answer_has_sixty_words():
    assert len(WORDS) == 60
    assert len(SCENARIOS) == 16


@pytest.mark.parametrize("id", [one.id for one in SCENARIOS])
def test_a_fault_is_survived(verdicts: dict[str, Verdict], id: str):
    assert verdicts[id].mark == "pass", verdicts[id].why
