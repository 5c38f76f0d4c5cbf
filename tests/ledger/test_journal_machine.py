"""Any sequence of begins, ends, crashes, damage and imports leaves every request in the ledger once, as it ended."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meshwright.ledger.importing import Imported, Importer
from meshwright.ledger.journal import Journal
from meshwright.store import decisions
from meshwright.store import segments as store
from meshwright.store.database import Database, sqlite_url
from meshwright.types.decision import Trace


class Written(msgspec.Struct):
    """A line as the model knows it: in which file, from where to where, and what it says of which request."""

    path: Path
    start: int
    end: int
    id: str
    kind: str
    damaged: bool = False


class JournalMachine(RuleBasedStateMachine):
    """Two writers, two importers, and a list of what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "journal"
        self.database = Database(sqlite_url(self.root / "mesh.db"))
        self.database.migrate()
        self.second = Database(sqlite_url(self.root / "mesh.db"))
        self.written: list[Written] = []
        self.open: list[list[str]] = [[], []]
        self.torn = 0
        self.total = Imported()
        self.count = 0

    @initialize()
    def start(self) -> None:
        self.writers = [self.fresh(0), self.fresh(1)]

    def fresh(self, which: int) -> Journal:
        # Small enough that some segments rotate after a line or two.
        return Journal(self.folder, f"w{which}", rotate_bytes=400)

    def note(self, which: int, id: str, kind: str) -> None:
        path = self.writers[which].path
        start = path.stat().st_size
        if kind == "b":
            self.writers[which].begin(id, 1.0, "master")
        else:
            self.writers[which].record(
                Trace(id=id, at=1.0, principal="master", dialect="openai_chat", outcome="ok", status=200)
            )
        self.written.append(Written(path, start, path.stat().st_size, id, kind))

    @rule(which=st.integers(0, 1))
    def begin(self, which: int) -> None:
        self.count += 1
        self.open[which].append(f"d{self.count}")
        self.note(which, f"d{self.count}", "b")

    @precondition(lambda self: any(self.open))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        which, id = data.draw(st.sampled_from([(which, id) for which in (0, 1) for id in self.open[which]]))
        self.open[which].remove(id)
        self.note(which, id, "e")

    @rule(which=st.integers(0, 1))
    def end_twice(self, which: int) -> None:
        """A caller that tries again does not count twice."""
        life = self.writers[which].path.name.rpartition("-")[0] + "-"
        ended = [line for line in self.written if line.kind == "e" and line.path.name.startswith(life)]
        if ended:
            self.note(which, ended[-1].id, "e")

    @rule(which=st.integers(0, 1), torn=st.binary(max_size=20).filter(lambda tail: b"\n" not in tail))
    def crash(self, which: int, torn: bytes) -> None:
        """The process dies, perhaps in the middle of a line; another one takes its place."""
        with self.writers[which].path.open("ab") as file:
            file.write(torn)
        self.torn += bool(torn)
        self.writers[which].close()
        self.open[which].clear()
        self.writers[which] = self.fresh(which)

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A byte of a line that was not read yet changes on the disk."""
        with self.database.read() as transaction:
            progress = store.progress(transaction)
        unread = [
            line
            for line in self.written
            if not line.damaged
            and line.path.exists()
            and ((row := progress.get(line.path.name)) is None or row.offset <= line.start)
        ]
        if unread:
            line = data.draw(st.sampled_from(unread))
            place = data.draw(st.integers(line.start, line.end - 2))
            content = bytearray(line.path.read_bytes())
            content[place] = ord("#") if content[place] != ord("#") else ord("!")
            with line.path.open("r+b") as file:
                file.write(content)
            line.damaged = True

    @rule(second=st.booleans(), batch=st.integers(1, 5))
    def run_importer(self, second: bool, batch: int) -> None:
        self.total += Importer(self.folder, self.second if second else self.database, batch=batch).run_once()

    def readable(self, kind: str) -> set[str]:
        return {line.id for line in self.written if line.kind == kind and not line.damaged}

    @invariant()
    def nothing_is_in_the_ledger_that_did_not_happen(self) -> None:
        with self.database.read() as transaction:
            traces = decisions.recent(transaction, 100_000)
        assert {one.id for one in traces if one.outcome == "ok"} <= self.readable("e")
        alive = {id for ids in self.open for id in ids}
        assert not alive & {one.id for one in traces}
        assert len(traces) == self.total.traces + self.total.interrupted

    def teardown(self) -> None:
        for writer in self.writers:
            writer.close()
        self.total += Importer(self.folder, self.second, batch=3).run_once()
        with self.database.read() as transaction:
            outcomes = {one.id: one.outcome for one in decisions.recent(transaction, 100_000)}
        ended = self.readable("e")
        assert {id for id, outcome in outcomes.items() if outcome == "ok"} == ended
        assert {id for id, outcome in outcomes.items() if outcome == "interrupted"} == self.readable("b") - ended
        damaged = sum(line.damaged for line in self.written) + self.torn
        assert self.total == Imported(
            len(ended), len(self.readable("b") - ended), damaged, len(self.written) + self.torn
        )
        assert {path.suffix for path in self.folder.iterdir()} <= {".damaged"}
        self.database.close()
        self.second.close()
        shutil.rmtree(self.root)


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
