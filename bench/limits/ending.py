"""What becomes of a budget's end: how much of it is left unused, and how long requests wait for what others hold.

usage: python bench/limits/ending.py [--quick]

Each worker is a process with a journal, a purse and twelve callers; they share one budget over SQLite, as workers do,
with the control plane's import beside them. A request sets its worst case aside, takes 20 to 60 ms, and costs a third
of that on average. A caller ends when nothing comes back any more. "waited" is how long `set_aside` took; "late" are
requests from when nine tenths were spent. The reference is one worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from meshwright.ledger.bank import Bank
from meshwright.ledger.importing import Importer
from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.server.lending import keep_tidy
from meshwright.store import accounts, allowances
from meshwright.store.database import Database, sqlite_url
from meshwright.types.decision import Attempt, Trace
from meshwright.types.errors import BudgetSpent
from meshwright.types.principal import Allowance

BUDGET = 1_000_000_000
LIMIT = Allowance("key:k", "money", "total", BUDGET)
CALLERS = 12
IMPORT_SECONDS = 0.25


def worker(folder: Path, name: str, worst: int) -> None:
    """Spend until nothing comes back; leaves in a file how long each request waited."""
    dice, waited = random.Random(name), list[tuple[float, float, bool]]()
    journal, database = Journal(folder / "journal", name), Database(sqlite_url(folder / "mesh.db"))
    purse = Purse(Bank(lambda: database, journal.life))

    async def caller(place: int) -> None:
        number = 0
        while True:
            number += 1
            id, at = f"{name}.{place}.{number}", time.time()
            journal.begin(id, at, "k")
            tab = await purse.enter((LIMIT,))
            began = time.perf_counter()
            try:
                grant = await purse.set_aside(tab, 0, worst)
            except BudgetSpent as error:
                waited.append((time.time(), time.perf_counter() - began, False))
                journal.record(Trace(id=id, at=at, principal="k", dialect="", outcome=error.code, charges=tab.leave()))
                if "under way" not in str(error):
                    return
                await asyncio.sleep(0.2)
                continue
            waited.append((time.time(), time.perf_counter() - began, True))
            journal.hold(id, "a/m", tab.worst())
            await asyncio.sleep(dice.uniform(0.02, 0.06))
            paid = grant.settle(round(worst * dice.uniform(0.05, 0.6)), None)
            tried = (Attempt(model="a/m", began=0.0, outcome="ok", charged=paid),)
            charges = tab.leave()
            end = Trace(id=id, at=at, principal="k", dialect="", outcome="ok", attempts=tried, charges=charges)
            journal.record(end)

    async def main() -> None:
        chore = asyncio.create_task(keep_tidy(purse))
        await asyncio.gather(*(caller(place) for place in range(CALLERS)))
        chore.cancel()

    asyncio.run(main())
    journal.close()
    (folder / f"{name}.json").write_text(json.dumps(waited))


def measured(workers: int, worst: int) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        database = Database(sqlite_url(folder / "mesh.db"))
        database.migrate()
        with database.begin() as transaction:
            allowances.put(transaction, (LIMIT,))
        importer = Importer(folder / "journal", database)
        command = [sys.executable, __file__, "--worker", where, str(worst)]
        began = time.time()
        running = [subprocess.Popen([*command, f"w{number}"]) for number in range(workers)]
        nine = 0.0
        while any(one.poll() is None for one in running):
            importer.run_once()
            with database.read() as transaction:
                (standing,) = accounts.standing(transaction, [LIMIT], time.time())
            assert standing.spent + standing.held <= BUDGET
            if standing.spent >= 0.9 * BUDGET:
                nine = nine or time.time()
            time.sleep(IMPORT_SECONDS)
        seconds = time.time() - began
        waits = [tuple(row) for file in folder.glob("w*.json") for row in json.loads(file.read_text())]
        importer.run_once()
        with database.read() as transaction:
            (standing,) = accounts.standing(transaction, [LIMIT], time.time())
        database.close()
    assert standing.held == 0
    early = [wait for at, wait, _ in waits if at < nine]
    late = [wait for at, wait, _ in waits if at >= nine]
    refused = sum(not good for _, _, good in waits)
    left = BUDGET - standing.spent
    return (
        f"{workers:7} {worst / BUDGET:8.1%} {len(waits) - refused:8,} {refused:8,} {left / BUDGET:8.2%} "
        f"{left / worst:12.2f} {_ms(early):>16} {_ms(late):>16} {seconds:8.1f}"
    )


def _ms(waits: list[float]) -> str:
    if not waits:
        return "-"
    found = sorted(waits)
    return f"{found[len(found) // 2] * 1000:.2f} / {found[int(len(found) * 0.99)] * 1000:.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one size of requests, up to four workers")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(Path(options.worker[0]), options.worker[2], int(options.worker[1]))
        return
    print(
        f"{'workers':>7} {'worst':>8} {'served':>8} {'refused':>8} {'unused':>8} {'in worsts':>12} "
        f"{'waited p50/p99':>16} {'late p50/p99 ms':>16} {'seconds':>8}"
    )
    for worst in (BUDGET // 200,) if options.quick else (BUDGET // 1000, BUDGET // 200, BUDGET // 50):
        for workers in (1, 2, 4) if options.quick else (1, 2, 4, 8):
            print(measured(workers, worst), flush=True)


if __name__ == "__main__":
    main()
