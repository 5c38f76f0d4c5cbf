"""An answer that used more than was set aside for it: all of it counts, and nobody else may spend it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from meshwright.ledger.lost import free_life
from meshwright.store import allowances
from meshwright.store.database import Database
from meshwright.store.tables import accounts, leases
from meshwright.types.errors import LimitReached
from meshwright.types.principal import Allowance
from tests.ledger.test_lost import AT_ONCE, MONEY, Machine
from tests.store.databases import fresh, over


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A thousand nano-dollars for all."""
    with over(request.getfixturevalue("postgres") if request.param == "postgresql" else ""):
        opened = fresh(tmp_path)
    with opened.begin() as transaction:
        allowances.put(transaction, (MONEY, AT_ONCE))
    yield opened
    opened.close()


def books(database: Database) -> tuple[int, int]:
    """(spent, held) of the budget; what is held is what its leases hold."""
    with database.read() as transaction:
        row = transaction.execute(select(accounts).where(accounts.c.owner == MONEY.owner, accounts.c.per == "total"))
        account = row.one()
        lent = transaction.execute(select(leases.c.held).where(leases.c.account == account.id)).scalars()
        assert account.held == sum(max(0, one) for one in lent)
        return account.spent, account.held


async def spend(machine: Machine, aside: int, used: int) -> None:
    id, tab = await machine.begin(aside)
    machine.end(id, tab, used)
    machine.importer.run_once()


async def spend_all(machine: Machine, piece: int) -> int:
    """How much a machine can spend in such pieces until it is refused."""
    found = 0
    while True:
        try:
            await spend(machine, piece, piece)
        except LimitReached:
            return found
        found += piece


async def test_what_one_machine_spent_beyond_its_share_no_other_can_spend_again(tmp_path: Path, database: Database):
    one, other = Machine(tmp_path / "one", database), Machine(tmp_path / "other", database)
    await spend(one, 100, 5_000)
    assert books(database) == (5_000, 0)
    for machine in (other, one):
        with pytest.raises(LimitReached, match="left"):
            await machine.begin(1)
    one.comes_back()
    assert books(database) == (5_000, 0)
    with pytest.raises(LimitReached):
        await other.begin(1)
    with database.begin() as transaction:
        allowances.put(transaction, (Allowance(MONEY.owner, "money", "total", 5_300),))
    assert await spend_all(Machine(tmp_path / "third", database), 10) == 300


async def test_a_little_too_much_is_taken_from_what_is_left_once_and_not_twice(tmp_path: Path, database: Database):
    one, other = Machine(tmp_path / "one", database), Machine(tmp_path / "other", database)
    await spend(one, 100, 400)
    await spend(other, 100, 100)
    assert 400 + 100 + await spend_all(one, 10) + await spend_all(other, 10) == 1_000
    assert books(database) == (1_000, 0)


async def test_a_lease_below_zero_that_is_written_off_gives_nothing_back(tmp_path: Path, database: Database):
    one = Machine(tmp_path / "one", database)
    await spend(one, 100, 5_000)
    assert free_life(database, one.journal.life, tmp_path / "elsewhere", "all", actor="me").charged == {}
    assert books(database) == (5_000, 0)
