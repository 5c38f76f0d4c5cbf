"""Processes race for one budget, some are killed, and never is a nano-dollar spent that was not there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from meshwright.ledger.importing import Importer
from meshwright.ledger.lines import segments
from meshwright.store import allowances
from meshwright.store.database import Database
from meshwright.store.tables import accounts, attempts, begun, decisions, leases
from meshwright.types.principal import Allowance
from tests.store.databases import address, fresh, over

BUDGET = 150_000_000
TEAM = Allowance("team:racers", "money", "total", BUDGET)
KEY = Allowance("key:k", "money", "total", BUDGET * 2)
RACER = """
    import asyncio, random, sys, time
    from pathlib import Path
    from meshwright.ledger.bank import Bank
    from meshwright.ledger.journal import Journal
    from meshwright.ledger.purse import Purse
    from meshwright.store.database import Database
    from meshwright.types.decision import Attempt, Trace
    from meshwright.types.errors import BudgetSpent
    from meshwright.types.principal import Allowance
    folder, address, name = sys.argv[1:]
    dice = random.Random(name)
    journal = Journal(Path(folder), name, rotate_bytes=20_000)
    database = Database(address)
    purse = Purse(Bank(lambda: database, journal.life), patience=0.3)
    limits = tuple(Allowance(owner, "money", "total", 0) for owner in ("team:racers", "key:k"))
    async def client(place):
        n = 0
        while True:
            n += 1
            id, at = f"{name}.{place}.{n}", time.time()
            journal.begin(id, at, "k")
            tab = await purse.enter(limits)
            try:
                grant = await purse.set_aside(tab, 0, dice.randint(1, 900_000))
            except BudgetSpent as error:
                journal.record(Trace(id=id, at=at, principal="k", dialect="", outcome=error.code, charges=tab.leave()))
                if "under way" not in str(error):
                    return
                await asyncio.sleep(0.1)
                continue
            journal.hold(id, "a/m", tab.worst())
            await asyncio.sleep(dice.random() / 20)
            paid = grant.settle(dice.choice((None, 0, grant.nano, dice.randint(0, grant.nano))), None)
            tried = (Attempt(model="a/m", began=0.0, outcome="ok", charged=paid),)
            journal.record(Trace(id=id, at=at, principal="k", dialect="", outcome="ok", attempts=tried,
                                 charges=tab.leave()))
    async def tidy():
        while True:
            await asyncio.sleep(0.05)
            await purse.tidy()
    async def main():
        chore = asyncio.create_task(tidy())
        print("begun", flush=True)
        await asyncio.gather(*(client(place) for place in range(6)))
        chore.cancel()
    asyncio.run(main())
    journal.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, str]]:
    """A migrated database, and its address."""
    with over(request.getfixturevalue("postgres") if request.param == "postgresql" else ""):
        opened, where = fresh(tmp_path), address(tmp_path)
    yield opened, where
    opened.close()


def end(racer: subprocess.Popen[bytes]) -> None:
    """Whatever the test has come to, nothing of it goes on running."""
    if racer.poll() is None:
        racer.kill()
    racer.communicate()


def end_all(racers: list[subprocess.Popen[bytes]]) -> None:
    for racer in racers:
        end(racer)


def total(database: Database, owner: str) -> tuple[int, int]:
    """(spent, held) of an owner's budget."""
    with database.read() as transaction:
        query = select(accounts.c.spent, accounts.c.held).where(accounts.c.owner == owner)
        row = transaction.execute(query).one_or_none()
    return (row.spent, row.held) if row is not None else (0, 0)


def test_processes_that_race_and_are_killed_never_go_over_the_budget_and_all_is_accounted_for(
    database: tuple[Database, str], tmp_path: Path, request: pytest.FixtureRequest
):
    store, where = database
    with store.begin() as transaction:
        allowances.put(transaction, (TEAM, KEY))
    folder, dice = tmp_path / "journal", random.Random(5)
    importer = Importer(folder, store, batch=50)

    def start(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", textwrap.dedent(RACER), str(folder), where, name]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    def look() -> None:
        importer.run_once()
        for owner, most in ((TEAM.owner, TEAM.amount), (KEY.owner, KEY.amount)):
            spent, held = total(store, owner)
            assert 0 <= spent <= spent + held <= most

    racers = [start(f"r{number}") for number in range(3)]
    request.addfinalizer(lambda: end_all(racers))
    killed = 0
    until = time.monotonic() + 50
    while any(racer.poll() is None for racer in racers) and time.monotonic() < until:
        look()
        time.sleep(0.02)
        spent, _ = total(store, TEAM.owner)
        if killed < 2 and spent > (killed + 1) * BUDGET // 12:
            victim = dice.choice([racer for racer in racers if racer.poll() is None])
            racers.remove(victim)
            victim.send_signal(signal.SIGKILL)
            end(victim)
            killed += 1
            racers.append(start(f"late{killed}"))
    for racer in racers:
        assert racer.wait(30) == 0
    assert killed == 2
    look()
    importer.run_once()
    assert segments(folder) == []
    spent, held = total(store, TEAM.owner)
    assert held == 0
    assert BUDGET - 900_000 <= spent <= BUDGET
    assert total(store, KEY.owner) == (spent, 0)
    with store.read() as transaction:
        assert transaction.execute(select(func.sum(attempts.c.charged_nano))).scalar() == spent
        assert transaction.execute(select(func.count()).select_from(leases)).scalar() == 0
        assert transaction.execute(select(func.count()).select_from(begun)).scalar() == 0
        lost = select(func.count()).select_from(decisions).where(decisions.c.outcome == "interrupted")
        assert (transaction.execute(lost).scalar() or 0) > 0  # what was under way when they died
