"""Who is refused is told whether waiting helps."""

from __future__ import annotations

import pytest

from meshwright.ledger.spent import refusal
from meshwright.server.refusal import DEFAULT, refused
from meshwright.store.rows import Lent
from meshwright.store.windows import window
from meshwright.types.principal import Allowance, Measure

NOW = 1_000_000_030.0


@pytest.mark.parametrize(("measure", "amount"), [("tokens", 200), ("money", 200), ("requests", 0)])
def test_a_request_that_needs_more_than_the_whole_limit_is_not_told_to_wait(measure: Measure, amount: int):
    limit = Allowance("key:k", measure, "minute", amount)
    error = refusal(limit, window(limit, NOW), Lent(0, amount, 0, 0), amount, 229, NOW)
    assert error.retry_after is None
    assert "begins anew" not in error.message
    assert "`mesh limits key:k`" in (error.fix or "")
    headers = dict(refused(DEFAULT, error).headers)
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers


def test_one_that_fits_into_the_next_window_is():
    limit = Allowance("key:k", "tokens", "minute", 200)
    error = refusal(limit, window(limit, NOW), Lent(0, 200, 150, 0), 50, 100, NOW)
    assert error.retry_after == pytest.approx(50)
    assert "begins anew" in error.message
    headers = dict(refused(DEFAULT, error).headers)
    assert headers["retry-after"] == "50"
    assert "x-should-retry" not in headers
