"""Limits as people write them: every amount is either what it says or refused at once, with words."""

from __future__ import annotations

import pytest

from meshwright.ledger.allowing import allowed
from meshwright.types.errors import InvalidRequest


@pytest.mark.parametrize(
    ("said", "amount"),
    [("money/day=5", 5 * 10**9), ("money/day=$0.000000001", 1), ("money/day=0", 0), ("requests/minute=1e3", 1000)],
)
def test_an_amount_is_what_it_says(said: str, amount: int):
    (one,) = allowed("key:k", (said,))
    assert one.amount == amount


@pytest.mark.parametrize(
    "said",
    [
        "requests/minute=1e99999999",  # whose digits alone would take minutes to write
        "tokens/day=1e-99999999",
        "money/month=1e99999999",
        "money/month=0.0000000001",
        "money/month=1000001",
        "money/month=nan",
        "requests/minute=-1",
        "requests/minute=1.5",
        "requests/minute=Infinity",
    ],
)
def test_what_is_no_amount_is_refused_with_what_to_write(said: str):
    with pytest.raises(InvalidRequest) as error:
        allowed("key:k", (said,))
    assert error.value.fix is not None
    assert error.value.fix.startswith("Write ")
