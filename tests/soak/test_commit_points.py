"""Every commit point, each time that it is reached, over both databases; and those of a whole gateway."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import rmtree

import pytest

from meshwright.sim import Upstream
from tests.points.deaths import all_is_well_after_each
from tests.points.points import Point, Side
from tests.points.whole_gateway import life, reached
from tests.server.pretend import Pretend

SIDES: tuple[Side, ...] = ("before", "half", "after")


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_death_each_time_that_a_commit_point_is_reached(kind: str, request: pytest.FixtureRequest):
    server = request.getfixturevalue("postgres") if kind == "postgresql" else ""
    assert all_is_well_after_each("all", server) > 100


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_whole_gateway_comes_to_itself_after_the_death_of_any_of_its_processes_at_any_commit_point(tmp_path: Path):
    with Pretend([Upstream(name="a", models=("m",), tokens_per_second=400)]) as pretend:
        whole, _ = life(tmp_path / "whole", pretend, None)
        names = reached(whole)
        assert whole.faults() == []
        assert {"append e", "commit accounts+leases", "commit batch_rows", "commit answers"} <= set(names)
        deaths = 0
        for name in names:
            for side in SIDES if name.startswith("append") else SIDES[::2]:
                for nth in (1, 5) if name == "append e" else (1,):
                    at = Point(name, side, nth)
                    work, died = life(tmp_path / f"{name} {side} {nth}".replace("/", "."), pretend, at)
                    wrong = work.faults()
                    sys.stdout.write(f"{at} {'died' if died else 'was not reached'} {wrong}\n")
                    assert wrong == [], at
                    deaths += died
                    rmtree(work.gateway.folder)
    assert deaths >= len(names)
