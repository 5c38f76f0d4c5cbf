"""Processes are killed for real, at any moment, and every answered request is in the ledger once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

from meshwright.ledger.importing import Imported, Importer
from meshwright.ledger.journal import Journal
from meshwright.ledger.lines import segments
from meshwright.store import decisions, spending
from meshwright.store.database import sqlite_url
from tests.ledger.traces import trace
from tests.store.databases import fresh

WRITER = """
    import os, sys
    from pathlib import Path
    from meshwright.ledger.journal import Journal
    from tests.ledger.traces import trace
    name = sys.argv[2]
    journal = Journal(Path(sys.argv[1]), name, rotate_bytes=100_000)
    number = 0
    os.read(0, 1)
    while True:
        id = f"{name}.{number}"
        journal.begin(id, 1.0, "master")
        os.write(1, b"b " + id.encode() + b"\\n")
        journal.record(trace(id))
        os.write(1, b"e " + id.encode() + b"\\n")
        number += 1
"""
IMPORTER = """
    import sys, time
    from pathlib import Path
    from meshwright.ledger.importing import Importer
    from meshwright.store.database import Database
    importer = Importer(Path(sys.argv[1]), Database(sys.argv[2]), batch=20)
    print("ready", flush=True)
    while True:
        importer.run_once()
        time.sleep(0.01)
"""
dice = random.Random(20)


def start(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python process that runs the script."""
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def kill(process: subprocess.Popen[bytes], after: float) -> list[bytes]:
    """Let it go, and SIGKILL that many seconds after its first word; gives its whole lines."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"!")
    first = process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    return [line.rstrip(b"\n") for line in (first + rest).splitlines(keepends=True) if line.endswith(b"\n")]


def test_whatever_a_killed_writer_told_is_imported_exactly_once(tmp_path: Path):
    database, folder = fresh(tmp_path), tmp_path / "journal"
    reader = start(IMPORTER, str(folder), sqlite_url(tmp_path / "mesh.db"))  # at work all the while
    told: Counter[str] = Counter()
    begun: set[str] = set()
    for group in range(6):
        writers = [start(WRITER, str(folder), f"w{group}.{number}") for number in range(4)]
        for writer in writers:
            for line in kill(writer, dice.uniform(0, 0.02)):
                kind, _, id = line.decode().partition(" ")
                begun.add(id)
                told[id] += kind == "e"
    kill(reader, 0)
    importer = Importer(folder, database)
    total = importer.run_once()
    assert not segments(folder)
    # A kill can even cut one write in two, between two pages of the kernel's: then its id was not told yet.
    assert total.damaged <= 24
    with database.read() as transaction:
        traces = {one.id: one for one in decisions.recent(transaction, 1_000_000)}
    answered = {id for id, times in told.items() if times}
    assert len(answered) > 24
    assert {id for id in answered if traces[id] != trace(id)} == set()
    # One request per writer was cut anywhere between its begin and the word of its end.
    assert begun <= set(traces)
    assert len(traces) - len(answered) <= 24
    assert {one.outcome for id, one in traces.items() if id not in begun} <= {"ok", "interrupted"}
    with database.read() as transaction:
        (row,) = spending.spend(transaction, by="strategy", since=0.5)[:1]
        assert row.attempts == 2 * sum(one.outcome == "ok" for one in traces.values())
    database.close()


def test_an_importer_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path):
    database, folder = fresh(tmp_path), tmp_path / "journal"
    expected = 3000
    journal = Journal(folder, "w1", rotate_bytes=500_000)
    for number in range(expected):
        journal.begin(f"d{number}", 1.0, "master")
        if number % 100:
            journal.record(trace(f"d{number}"))
    journal.close()
    for _ in range(8):
        kill(start(IMPORTER, str(folder), sqlite_url(tmp_path / "mesh.db")), dice.uniform(0.005, 0.06))
    last = Importer(folder, database).run_once()
    assert not list(folder.iterdir())
    assert last != Imported()  # else the importers were left to finish, and nothing was shown
    with database.read() as transaction:
        outcomes = Counter(one.outcome for one in decisions.recent(transaction, 1_000_000))
        rows = spending.spend(transaction, by="model")
    lost = expected // 100
    assert outcomes == {"ok": expected - lost, "interrupted": lost}
    assert {row.name: row.attempts for row in rows} == {"one/a": expected - lost, "two/b": expected - lost, "": 0}
    database.close()
