"""One process that serves and keeps the books, dying at every commit point in turn.

`python -m tests.points.one_life` prints one JSON line for each death: the point, and what was wrong after it. Each life
is a fork of this process, in a folder of its own. What its callers were told goes through a pipe, so that it is known
after the death. Then the books are put in order, as a process does that starts again, and looked through.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import msgspec
from sqlalchemy import func, select

from meshwright.kernel.config.tables import Config
from meshwright.kernel.published import Published, publish, read_published
from meshwright.ledger.audit.seals import seal
from meshwright.ledger.audit.signing import checkpoint
from meshwright.ledger.audit.verify import verify
from meshwright.ledger.bank import Bank
from meshwright.ledger.importing import Importer
from meshwright.ledger.issuing import issue
from meshwright.ledger.journal import Journal
from meshwright.ledger.lines import segments
from meshwright.ledger.purse import Purse
from meshwright.store import allowances, answers, batches, decisions
from meshwright.store.database import Database
from meshwright.store.rows import Batch, KeptAnswer
from meshwright.store.tables import accounts, attempts, begun, leases
from meshwright.types.decision import Attempt, Trace
from meshwright.types.principal import Allowance
from tests.points.points import Point, Points, Side, install
from tests.store.databases import address, fresh, over

BUDGET = 1_000_000
LIMIT = Allowance("key:spender", "money", "total", BUDGET)
Tell = Callable[[str], None]


async def ask(journal: Journal, purse: Purse, tell: Tell, number: int) -> None:
    """One request; it is told when it is answered."""
    id = f"dec_{number}"
    journal.begin(id, time.time(), "spender")
    tab = await purse.enter((LIMIT,))
    grant = await purse.set_aside(tab, 0, 30_000)
    journal.hold(id, "a/m", tab.worst())
    paid = grant.settle(None if number % 3 == 0 else 10_000 + number, None)
    tried = (Attempt(model="a/m", began=0.0, outcome="ok", charged=paid),)
    trace = Trace(id=id, at=time.time(), principal="spender", dialect="", outcome="ok", attempts=tried)
    journal.record(msgspec.structs.replace(trace, charges=tab.leave()))
    tell(id)


def kept(database: Database, tell: Tell) -> None:
    """What callers come back to: an answer, and a batch of two rows."""
    with database.begin() as transaction:
        made = KeptAnswer(
            id="resp_1", owner="spender", kind="response", created=1.0, expires=1e12, status="queued", body=b"{}"
        )
        answers.put(transaction, made)
        batch = Batch(
            id="batch_1", owner="spender", kind="openai", endpoint="/v1/chat/completions", status="in_progress",
            created=1.0, expires=1e12, total=2,
        )  # fmt: skip
        batches.put(transaction, batch)
        batches.add_rows(transaction, "batch_1", [("a", b"{}"), ("b", b"{}")])
    tell("resp_1")
    for number in range(2):
        with database.begin() as transaction:
            assert batches.finish_row(transaction, "batch_1", number, "ok", b"{}")
        tell(f"row {number}")


async def life(folder: Path, tell: Tell) -> None:
    """All that a process does that writes something down."""
    database = Database(address(folder))
    issue(database, "spender")
    with database.begin() as transaction:
        allowances.put(transaction, (LIMIT,))
    tell("key")
    journal = Journal(folder / "journal", "w0", rotate_bytes=1_500)
    purse = Purse(Bank(lambda: database, journal.life), patience=0.2)
    importer = Importer(folder / "journal", database, batch=4)
    for number in range(4):
        await ask(journal, purse, tell, number)
    importer.run_once()
    journal.sync("full")
    kept(database, tell)
    for part in purse.parts((LIMIT,)):
        part.used = -1e9  # it has been idle for long
    await purse.tidy()
    for number in range(4, 6):
        await ask(journal, purse, tell, number)
    journal.sync()
    publish(Published(version=1, config=Config(), open=True), folder / "published.json")
    journal.close()
    importer.run_once()
    seal(database)
    checkpoint(database, folder)
    tell("checkpoint")
    database.close()


def faults(folder: Path, told: list[str]) -> list[str]:
    """Put the books in order after a death, and say what is wrong with them."""
    database = fresh(folder)
    wrong: list[str] = []
    for _ in range(2):
        Importer(folder / "journal", database, batch=4).run_once()
    if found := segments(folder / "journal") if (folder / "journal").is_dir() else ():
        wrong.append(f"{len(found)} segments are left")
    with database.read() as transaction:
        row = transaction.execute(select(accounts.c.spent, accounts.c.held)).one_or_none()
        spent, held = (row.spent, row.held) if row is not None else (0, 0)
        charged = transaction.execute(select(func.coalesce(func.sum(attempts.c.charged_nano), 0))).scalar()
        if spent != charged:
            wrong.append(f"{spent} is spent and {charged} is charged")
        if held or not 0 <= spent <= BUDGET:
            wrong.append(f"{held} is held and {spent} is spent")
        for table, what in ((leases, "leases"), (begun, "requests under way")):
            if left := transaction.execute(select(func.count()).select_from(table)).scalar():
                wrong.append(f"{left} {what} are left")
        ids = [one.id for one in decisions.recent(transaction, 100)]
        times = Counter(ids)
        answered = [one for one in told if one.startswith("dec_")]
        wrong += [f"{one} was answered and is in the ledger {times[one]} times" for one in answered if times[one] != 1]
        if "resp_1" in told and answers.get(transaction, "spender", "resp_1") is None:
            wrong.append("an answer is gone")
        rows = batches.between(transaction, "batch_1", 0, 2)
        wrong += [
            f"row {one.n} was done and is {one.state}" for one in rows if f"row {one.n}" in told and one.state != "ok"
        ]
    report = verify(database, folder)
    wrong += [str(fault) for fault in report.faults]
    if (folder / "published.json").exists():
        read_published(folder / "published.json")
    if report.entries:
        checkpoint(database, folder)
    elif told:
        wrong.append("an act is not in the audit log")
    database.close()
    return wrong


def lived(folder: Path, at: Point | None) -> tuple[list[str], list[str], bool]:
    """A life in a process of its own: (points reached, what callers were told, whether it was killed)."""
    fresh(folder).close()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        write = os.write

        def saying(kind: str) -> Tell:
            def tell(said: str) -> None:
                write(writing, f"{kind} {said}\n".encode())

            return tell

        install(Points(saying("point"), at))
        try:
            asyncio.run(life(folder, saying("told")))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told, and nothing of it goes on here
            saying("died")(repr(error).replace("\n", " "))
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        said = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    failed = [line for line in said if line.startswith("died ")]
    assert not failed, failed
    by = {kind: [line.partition(" ")[2] for line in said if line.startswith(f"{kind} ")] for kind in ("point", "told")}
    return by["point"], by["told"], os.WIFSIGNALED(status)


def main(often: str = "first", server: str = "") -> None:
    """One death at each side of each point: the first time that it is reached, with "all" every time."""
    with tempfile.TemporaryDirectory() as where, over(server):
        folder = Path(where) / "whole"
        folder.mkdir()
        reached, told, _ = lived(folder, None)
        say(point=None, reached=sorted(set(reached)), wrong=faults(folder, told))
        for name, times in Counter(reached).items():
            sides: tuple[Side, ...] = ("before", "half", "after") if name.startswith("append") else ("before", "after")
            for nth in range(1, times + 1 if often == "all" else 2):
                for side in sides:
                    folder = Path(where) / f"{name}.{side}.{nth}"
                    folder.mkdir()
                    _, told, killed = lived(folder, Point(name, side, nth))
                    say(point=[name, side, nth], killed=killed, wrong=faults(folder, told))
                    rmtree(folder)


def say(**what: object) -> None:
    """One line for whoever started this."""
    sys.stdout.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
