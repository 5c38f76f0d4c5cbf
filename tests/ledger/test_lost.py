"""A lease of a machine that is lost: ended by a person, charged as the worst, and corrected when its journal comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from meshwright.ledger.audit.verify import verify
from meshwright.ledger.bank import Bank
from meshwright.ledger.importing import Importer
from meshwright.ledger.journal import Journal
from meshwright.ledger.lost import Spent, free_life, lives
from meshwright.ledger.purse import Purse, Tab
from meshwright.store import allowances, decisions
from meshwright.store.database import Database
from meshwright.store.tables import accounts, leases
from meshwright.types.decision import Attempt, Trace
from meshwright.types.errors import InvalidRequest, LimitReached, NotFound
from meshwright.types.principal import Allowance
from tests.store.databases import fresh

MONEY = Allowance("key:k", "money", "total", 1_000)
AT_ONCE = Allowance("key:k", "concurrent", "moment", 4)


class Machine:
    """A machine with its own journal, on a database that all share."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.journal = Journal(folder, "w1")
        self.purse = Purse(Bank(lambda: database, self.journal.life), patience=0.05)
        self.importer = Importer(folder, database)
        self.number = 0

    async def begin(self, nano: int) -> tuple[str, Tab]:
        """A request is under way that may cost so much."""
        self.number += 1
        id = f"{self.journal.life}.{self.number}"
        self.journal.begin(id, time.time(), "k")
        tab = await self.purse.enter((MONEY, AT_ONCE))
        await self.purse.set_aside(tab, 0, nano)
        self.journal.hold(id, "a/m", tab.worst())
        return id, tab

    def end(self, id: str, tab: Tab, nano: int) -> None:
        """It ended, and cost that."""
        (grant,) = tab.grants
        paid = grant.settle(nano, None)
        tried = (Attempt(model="a/m", began=0.0, outcome="ok", charged=paid),)
        charges = tab.leave()
        trace = Trace(id=id, at=time.time(), principal="k", dialect="", outcome="ok", attempts=tried, charges=charges)
        self.journal.record(trace)

    def comes_back(self) -> None:
        """Its disk was found: its journal is imported."""
        self.journal.close()
        self.importer.run_once()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = fresh(tmp_path)
    with opened.begin() as transaction:
        allowances.put(transaction, (MONEY, AT_ONCE))
    return opened


def money(database: Database, measure: str = "money") -> tuple[int, int]:
    """(spent, held)."""
    with database.read() as transaction:
        query = select(accounts.c.spent, accounts.c.held).where(accounts.c.measure == measure)
        row = transaction.execute(query).one()
    return row.spent, row.held


def free(database: Database, machine: Machine, here: Path, spent: Spent = "all") -> int:
    return free_life(database, machine.journal.life, here, spent, actor="shell:test").interrupted


async def lost(database: Database, tmp_path: Path) -> tuple[Machine, str, Tab]:
    """A machine that has told of one request of 100, borrowed 300 for another that is known, and told no more."""
    machine = Machine(tmp_path / "far", database)
    id, tab = await machine.begin(100)
    machine.end(id, tab, 100)
    id, tab = await machine.begin(300)
    machine.importer.run_once()
    return machine, id, tab


async def test_all_that_it_held_is_charged_and_places_are_free(database: Database, tmp_path: Path):
    machine, _, _ = await lost(database, tmp_path)
    (told,) = lives(database, tmp_path / "near")
    assert (told.life, told.writer, told.here) == (machine.journal.life, "w1", False)
    assert abs(told.began - time.time()) < 60
    spent, held = money(database)
    assert held >= 300
    assert free(database, machine, tmp_path / "near") == 1
    assert money(database) == (spent + held, 0)
    assert money(database, "concurrent") == (0, 0)
    with database.read() as transaction:
        assert [one.outcome for one in decisions.recent(transaction, 9)] == ["interrupted", "ok"]
    assert verify(database, tmp_path).sound
    # What is left can be had by others, and not a nano-dollar more.
    other = Machine(tmp_path / "other", database)
    with pytest.raises(LimitReached):
        await other.begin(1_000 - spent - held + 1)


async def test_its_journal_takes_the_place_of_that_when_it_comes(database: Database, tmp_path: Path):
    machine, id, tab = await lost(database, tmp_path)
    free(database, machine, tmp_path / "near")
    machine.end(id, tab, 20)
    machine.comes_back()
    assert money(database) == (120, 0)
    with database.read() as transaction:
        assert transaction.execute(select(leases)).all() == []
    assert verify(database, tmp_path).sound


async def test_one_that_was_not_lost_after_all_spends_what_was_charged_for_it_and_no_more(
    database: Database, tmp_path: Path
):
    machine, id, tab = await lost(database, tmp_path)
    free(database, machine, tmp_path / "near")
    machine.end(id, tab, 300)
    other = Machine(tmp_path / "other", database)
    for one in (machine, other):
        while True:
            try:
                begun = await one.begin(50)
            except LimitReached:
                break
            one.end(*begun, 50)
    await machine.purse.tidy()
    for one in (machine, other):
        one.comes_back()
    spent, held = money(database)
    assert (held, spent) == (0, 1_000)


async def test_who_knows_better_has_only_what_was_under_way_charged(database: Database, tmp_path: Path):
    machine, id, tab = await lost(database, tmp_path)
    assert free(database, machine, tmp_path / "near", "known") == 1
    assert money(database) == (400, 0)
    machine.end(id, tab, 20)
    machine.comes_back()
    assert money(database) == (120, 0)


async def test_a_life_whose_journal_is_here_is_not_lost_and_one_that_holds_nothing_is_not_known(
    database: Database, tmp_path: Path
):
    machine, _, _ = await lost(database, tmp_path)
    assert [one.here for one in lives(database, tmp_path / "far")] == [True]
    with pytest.raises(InvalidRequest, match="is on this machine"):
        free(database, machine, tmp_path / "far")
    machine.comes_back()
    with pytest.raises(NotFound, match="Nothing is lent"):
        free(database, machine, tmp_path / "near")
