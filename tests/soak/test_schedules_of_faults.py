"""Thousands of schedules of faults in made-up time. The seed is printed; SOAK_SEED=n repeats it."""

from __future__ import annotations

import os
import random
import sys

import pytest

from tests.failover.schedules import check, course


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_schedules_of_faults_leave_the_books_right():
    first = int(os.environ.get("SOAK_SEED") or random.SystemRandom().getrandbits(40))
    rounds = int(os.environ.get("SOAK_ROUNDS") or 3000)
    sys.stdout.write(f"\nSOAK_SEED={first} SOAK_ROUNDS={rounds}\n")
    for seed in range(first, first + rounds):
        try:
            check(course(seed))
        except BaseException as error:
            raise AssertionError(f"SOAK_SEED={seed} SOAK_ROUNDS=1 make soak") from error
