"""Schedules of faults in made-up time: a few at every run of the tests, thousands in `make soak`."""

from __future__ import annotations

import pytest

from tests.failover.schedules import check, course


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_the_books_are_right_and_nobody_is_lied_to(seed: int):
    done = course(seed)
    check(done)
    assert done.weather.calls


def test_the_same_seed_takes_the_same_course():
    first, second = course(7), course(7)
    assert first.weather.calls == second.weather.calls
    assert [came.body for came in first.came] == [came.body for came in second.came]
