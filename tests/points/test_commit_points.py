"""Killed at every point at which something becomes durable, a process leaves books that come out even."""

from __future__ import annotations

import pytest

from tests.points.deaths import all_is_well_after_each


@pytest.mark.timeout(180)
def test_a_death_at_any_commit_point_loses_nothing_and_counts_nothing_twice():
    assert all_is_well_after_each("first") > 40
