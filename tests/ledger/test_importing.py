"""The importer takes every trace once, waits for what is not whole yet, and stops at nothing."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from meshwright.ledger.importing import Imported, Importer
from meshwright.ledger.journal import Journal
from meshwright.ledger.lines import segments
from meshwright.store import accounts, allowances, decisions, spending
from meshwright.store import segments as store
from meshwright.store.database import Database, sqlite_url
from meshwright.store.rows import Spend, Unended
from meshwright.store.windows import window
from meshwright.types.decision import Trace
from meshwright.types.errors import StoreError
from meshwright.types.principal import Allowance
from meshwright.types.usage import Usage
from tests.ledger.traces import trace
from tests.store.databases import fresh


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def everything(database: Database) -> dict[str, Trace]:
    """All traces by id."""
    with database.read() as transaction:
        return {one.id: one for one in decisions.recent(transaction, 1_000_000)}


def spent(database: Database) -> Spend:
    """All that was used, as one row."""
    with database.read() as transaction:
        (row,) = spending.spend(transaction, by="principal")
    return row


def test_a_trace_arrives_as_it_was_recorded(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.begin("d1", 1.0, "master")
    journal.record(trace("d1"))
    assert Importer(folder, database).run_once() == Imported(traces=1, lines=2)
    assert everything(database) == {"d1": trace("d1")}
    journal.close()


def begun(id: str) -> Unended:
    return Unended(id=id, at=1.0, principal="master")


def test_only_what_is_still_running_is_remembered_as_begun(folder: Path, database: Database):
    journal, importer = Journal(folder, "w1"), Importer(folder, database, batch=3)
    for number in range(10):
        journal.begin(f"d{number}", 1.0, "master")
    for number in range(8):
        journal.record(trace(f"d{number}"))
    importer.run_once()
    (life,) = {segment.life for segment in segments(folder)}
    with database.read() as transaction:
        assert store.open_begun(transaction, life) == (begun("d8"), begun("d9"))
    journal.record(trace("d8"))
    journal.begin("d10", 2.0, "master")
    journal.record(trace("d10"))
    importer.run_once()
    with database.read() as transaction:
        assert store.open_begun(transaction, life) == (begun("d9"),)
    journal.close()


def test_nothing_happens_without_a_journal(tmp_path: Path, database: Database):
    assert Importer(tmp_path / "nowhere", database).run_once() == Imported()


def test_a_second_run_finds_only_what_is_new(folder: Path, database: Database):
    journal, importer = Journal(folder, "w1"), Importer(folder, database)
    journal.record(trace("d1"))
    assert importer.run_once().lines == 1
    assert importer.run_once() == Imported()
    journal.record(trace("d2"))
    assert Importer(folder, database).run_once() == Imported(traces=1, lines=1)
    journal.close()


def test_a_living_writers_segment_stays_and_its_open_requests_are_not_interrupted(folder: Path, database: Database):
    journal, importer = Journal(folder, "w1"), Importer(folder, database)
    journal.begin("d1", 1.0, "master")
    assert importer.run_once() == Imported(lines=1)
    assert journal.path.exists()
    journal.record(trace("d1"))
    journal.close()
    assert importer.run_once() == Imported(traces=1, lines=1)
    assert everything(database)["d1"].outcome == "ok"
    assert not list(folder.iterdir())


def test_what_a_dead_writer_had_begun_is_interrupted_at_an_unknown_cost(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.begin("d1", 77.0, "alice")
    journal.close()
    assert Importer(folder, database).run_once() == Imported(interrupted=1, lines=1)
    one = everything(database)["d1"]
    assert (one.outcome, one.at, one.principal, one.cost) == ("interrupted", 77.0, "alice", None)
    assert spent(database).unpriced == 1


def test_a_request_that_outlives_its_segment_is_not_interrupted(folder: Path, database: Database):
    journal, importer = Journal(folder, "w1", rotate_bytes=2000), Importer(folder, database)
    journal.begin("long", 1.0, "master")
    journal.record(trace("d1"))
    assert importer.run_once() == Imported(traces=1, lines=2)
    assert len(segments(folder)) == 1  # the first one was read and removed
    journal.record(trace("long"))
    journal.begin("lost", 2.0, "master")
    journal.close()
    assert importer.run_once() == Imported(traces=1, interrupted=1, lines=2)
    assert {id: one.outcome for id, one in everything(database).items()} == {
        "d1": "ok",
        "long": "ok",
        "lost": "interrupted",
    }


def test_the_torn_tail_of_a_living_writer_waits(folder: Path, database: Database):
    journal, importer = Journal(folder, "w1"), Importer(folder, database)
    journal.record(trace("d1"))
    whole = journal.path.read_bytes()
    with journal.path.open("ab") as file:
        file.write(whole[:100])
    assert importer.run_once() == Imported(traces=1, lines=1)
    with journal.path.open("ab") as file:
        file.write(whole[100:])
    assert importer.run_once() == Imported(lines=1)  # the same id: not a second trace
    journal.close()


def test_the_torn_tail_of_a_dead_writer_is_set_aside(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.begin("d1", 1.0, "master")
    with journal.path.open("ab") as file:
        file.write(b'{"v":1,"k":"e","d":{"id":"d1"')
    journal.close()
    assert Importer(folder, database).run_once() == Imported(interrupted=1, damaged=1, lines=2)
    (aside,) = folder.iterdir()
    assert aside.name == journal.path.name + ".damaged"
    assert aside.read_bytes() == b'{"v":1,"k":"e","d":{"id":"d1"\n'


@pytest.mark.parametrize("rubbish", [b"\n", b"\0" * 5000 + b"\n", b"\xff\xfe{}\t12\n", b"x" * 300_000 + b"\n"])
def test_damaged_lines_stop_nothing(folder: Path, database: Database, rubbish: bytes):
    journal = Journal(folder, "w1")
    for number in range(5):
        journal.record(trace(f"d{number}"))
        with journal.path.open("ab") as file:
            file.write(rubbish)
    journal.close()
    assert Importer(folder, database, batch=2).run_once() == Imported(traces=5, damaged=5, lines=10)
    (aside,) = folder.iterdir()
    assert aside.read_bytes() == rubbish * 5
    assert Importer(folder, database).run_once() == Imported()


def test_a_line_of_a_later_format_is_set_aside_and_not_lost(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.record(trace("d1"))
    journal.close()
    changed = journal.path.read_bytes().replace(b'{"v":1,', b'{"v":2,')
    journal.path.write_bytes(changed)
    assert Importer(folder, database).run_once().damaged == 1
    assert journal.path.with_name(journal.path.name + ".damaged").read_bytes() == changed


def test_a_number_that_no_answer_can_have_is_unknown_and_kept_in_the_trace(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.record(msgspec.structs.replace(trace("d1", cost=10**30), usage=Usage(input=10**25), at=1e300))
    journal.record(trace("d2", cost=5))
    journal.close()
    assert Importer(folder, database).run_once() == Imported(traces=2, lines=2)
    assert everything(database)["d1"].cost == 10**30
    assert (spent(database).cost_nano, spent(database).unpriced) == (5, 1)


def test_a_finished_segment_is_kept_as_long_as_one_wants(folder: Path, database: Database):
    now = 1000.0
    importer = Importer(folder, database, keep_seconds=60, clock=lambda: now)
    journal = Journal(folder, "w1")
    journal.begin("d1", 1.0, "master")
    journal.close()
    assert importer.run_once().interrupted == 1
    now += 59
    assert importer.run_once() == Imported()
    assert journal.path.exists()
    now += 1
    assert importer.run_once() == Imported()
    assert not journal.path.exists()


def test_a_segment_that_comes_back_from_a_backup_changes_nothing(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    journal.record(trace("d1"))
    journal.begin("d2", 1.0, "master")
    journal.close()
    saved = journal.path.read_bytes()
    now = 1000.0
    importer = Importer(folder, database, clock=lambda: now)
    importer.run_once()
    before = everything(database)
    now += 1_000_000
    importer.run_once()  # by now it has forgotten that it ever read it
    journal.path.write_bytes(saved)
    assert importer.run_once() == Imported(lines=2)
    assert everything(database) == before


def test_a_real_end_replaces_an_interrupted_one(folder: Path, database: Database):
    with database.begin() as transaction:
        lost = Trace(id="d1", at=1.0, principal="master", dialect="", outcome="interrupted")
        assert decisions.insert(transaction, [decisions.prepare(lost)]) == 1
    journal = Journal(folder, "w1")
    journal.record(trace("d1"))
    journal.close()
    assert Importer(folder, database).run_once().traces == 1
    assert everything(database) == {"d1": trace("d1")}


def test_a_real_end_counts_in_place_of_the_worst_case(folder: Path, database: Database):
    limit = Allowance("key:k", "money", "total", 1_000)
    account = window(limit, 1.0)
    with database.begin() as transaction:
        allowances.put(transaction, [limit])
        accounts.lend(transaction, "earlier", account, 900, 900, 1.0)
    for charges, ends in (({account.id: 700}, False), ({account.id: 40}, True)):
        journal = Journal(folder, "w1")
        journal.begin("d1", 1.0, "k")
        journal.hold("d1", "one/a", charges)
        if ends:
            journal.record(msgspec.structs.replace(trace("d1"), charges=charges))
        journal.close()
        Importer(folder, database).run_once()
        with database.read() as transaction:
            (known,) = accounts.standing(transaction, [limit], 1.0)
        assert known.spent == charges[account.id]


def test_a_batch_that_fails_is_read_again_whole(folder: Path, database: Database):
    journal = Journal(folder, "w1")
    for number in range(10):
        journal.record(trace(f"d{number}"))
    with journal.path.open("ab") as file:
        file.write(b"rubbish\n")
    aside = journal.path.with_name(journal.path.name + ".damaged")
    aside.mkdir()  # setting the damaged line aside fails, after the rows of its batch went in
    importer = Importer(folder, database, batch=4)
    with pytest.raises(StoreError, match="cannot be imported"):
        importer.run_once()
    assert len(everything(database)) == 8
    aside.rmdir()
    assert importer.run_once() == Imported(traces=2, damaged=1, lines=3)
    journal.close()


def test_importers_that_race_take_every_trace_once_between_them(tmp_path: Path, folder: Path, database: Database):
    expected = 600
    writers = [Journal(folder, f"w{number}", rotate_bytes=100_000) for number in range(3)]
    for number in range(expected):
        writers[number % 3].begin(f"d{number}", 1.0, "master")
        if number % 50:
            writers[number % 3].record(trace(f"d{number}"))
    for writer in writers:
        with writer.path.open("ab") as file:
            file.write(b"rubbish\n")
        writer.close()
    barrier, totals = threading.Barrier(4), []

    def race() -> None:
        mine = Database(sqlite_url(tmp_path / "mesh.db"))
        importer = Importer(folder, mine, batch=20)
        barrier.wait()
        total = Imported()
        while segments(folder):
            total += importer.run_once()
        totals.append(total)
        mine.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(totals, Imported())
    lost = expected // 50
    assert total == Imported(expected - lost, lost, 3, expected * 2 - lost + 3)
    assert len(everything(database)) == expected


def test_what_a_writer_left_that_died_while_opening_is_removed_in_time(folder: Path, database: Database):
    folder.mkdir()
    left = folder / "00-w1-0.jsonl.opening"
    left.write_bytes(b"")
    Importer(folder, database).run_once()
    assert left.exists()  # it may be opening at this very moment
    os.utime(left, (0, 0))
    Importer(folder, database).run_once()
    assert not left.exists()


def test_a_segment_that_is_just_opening_is_its_writers_alone_to_lock(
    folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    folder.mkdir()
    (folder / "00-w1-0.jsonl.opening").write_bytes(b"")
    tried: list[int] = []
    monkeypatch.setattr(fcntl, "flock", lambda file, how: tried.append(how))
    Importer(folder, database).run_once()
    assert tried == []
