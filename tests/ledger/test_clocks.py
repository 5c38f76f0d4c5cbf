"""A clock that is wrong for a moment is wrong for that moment only."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshwright.ledger.bank import Bank
from meshwright.ledger.purse import Purse
from meshwright.store import accounts, allowances
from meshwright.types.errors import LimitReached
from meshwright.types.principal import Allowance
from tests.store.databases import fresh

DAY = 86_400.0
TODAY = Allowance("key:k", "money", "day", 1_000)


async def spend(purse: Purse, nano: int) -> dict[str, int]:
    tab = await purse.enter((TODAY,))
    try:
        (await purse.set_aside(tab, 0, nano)).settle(nano, None)
    finally:
        charges = tab.leave()
    return charges


async def test_a_clock_that_was_a_day_ahead_for_a_moment_gives_nobody_tomorrows_budget_today(tmp_path: Path):
    now, database = [20_000 * DAY + 100.0], fresh(tmp_path)
    with database.begin() as transaction:
        allowances.put(transaction, (TODAY,))
    purse = Purse(Bank(lambda: database, "life", lambda: now[0]), lambda: now[0], patience=0.05)
    today = await spend(purse, 600)
    now[0] += DAY
    tomorrow = await spend(purse, 1)
    assert tomorrow.keys() != today.keys()
    now[0] -= DAY
    await purse.tidy()  # what was in reserve for today was left behind
    assert (await spend(purse, 400)).keys() == today.keys()
    with pytest.raises(LimitReached):
        await spend(purse, 1)
    await purse.tidy()
    with database.read() as transaction:
        (standing,) = accounts.standing(transaction, (TODAY,), now[0] + DAY)
    assert standing.held == 1  # what was spent ahead; the rest was given back
    database.close()
