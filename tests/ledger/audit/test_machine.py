"""Whatever happens in whatever order, verifying says the truth: sound until somebody tampers, and not sound after."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meshwright.ledger.audit.acts import record
from meshwright.ledger.audit.erase import erase
from meshwright.ledger.audit.reading import ERASED, shown
from meshwright.ledger.audit.seals import note_replaced, seal
from meshwright.ledger.audit.signing import Checkpoint, checkpoint
from meshwright.ledger.audit.verify import verify
from meshwright.ledger.issuing import issue, revoke
from meshwright.store import audit, decisions
from meshwright.store.database import Database, sqlite_url
from meshwright.types.decision import Trace
from tests.ledger.audit.tampering import DECISIONS, ENTRIES, rewrite, tamper
from tests.ledger.traces import trace
from tests.store.databases import fresh

EMPTY: list[Path] = []


class AuditLog(RuleBasedStateMachine):
    """One database, some keys, decisions, erasures, crashes; and an outsider who keeps the checkpoints."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mesh-audit-"))
        self.file = self.folder / "mesh.db"
        if not EMPTY:
            made = Path(tempfile.mkdtemp(prefix="mesh-empty-"))
            fresh(made).close()
            EMPTY.append(made / "mesh.db")
        shutil.copy(EMPTY[0], self.file)
        self.database = Database(sqlite_url(self.file))
        self.entries = 0
        self.holders: list[str] = []
        self.erased: set[str] = set()
        self.sealed: list[str] = []
        self.loose: list[str] = []
        self.lost: list[str] = []
        self.anchors: dict[str, Checkpoint] = {}
        self.decisions = 0

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder)

    @rule()
    def somebody_gets_a_key(self) -> None:
        self.holders.append(issue(self.database, f"person {len(self.holders)}").record.id)
        self.entries += 1

    @precondition(lambda self: set(self.holders) - self.erased)
    @rule(data=st.data())
    def somebody_is_erased(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(set(self.holders) - self.erased)))
        revoke(self.database, who)
        erase(self.database, who, actor="master")
        self.erased.add(who)
        self.entries += 2

    @rule(after=st.booleans())
    def an_act_breaks_off(self, after: bool) -> None:
        try:
            with self.database.begin() as transaction:
                if after:
                    record(transaction, "master", "key.created", "key_never")
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass  # the crash that was meant

    @rule(interrupted=st.booleans())
    def a_decision_comes_in(self, interrupted: bool) -> None:
        self.decisions += 1
        id = f"d{self.decisions}"
        one = trace(id) if not interrupted else Trace(id=id, at=1.0, principal="p", dialect="", outcome="interrupted")
        with self.database.begin() as transaction:
            decisions.insert(transaction, [decisions.prepare(one)], note_replaced)
        self.loose.append(id)
        if interrupted:
            self.lost.append(id)

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def an_interrupted_one_ends_after_all(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.lost))
        self.lost.remove(id)
        with self.database.begin() as transaction:
            decisions.insert(transaction, [decisions.prepare(trace(id))], note_replaced)
        if id in self.sealed:
            self.sealed.remove(id)
            self.loose.append(id)
            self.entries += 1

    @rule(piece=st.integers(1, 3))
    def decisions_are_sealed(self, piece: int) -> None:
        count = len(self.loose)
        assert seal(self.database, piece=piece) == count
        self.entries += -(-count // piece)
        self.sealed += self.loose
        self.loose.clear()

    @precondition(lambda self: self.entries)
    @rule()
    def a_checkpoint_is_kept_elsewhere(self) -> None:
        self.anchors[f"anchor {len(self.anchors)}"] = checkpoint(self.database, self.folder / "audit")

    @rule()
    def the_process_dies_and_another_comes(self) -> None:
        self.database.close()
        self.database = Database(sqlite_url(self.file))

    @precondition(lambda self: self.entries)
    @rule(what=st.sampled_from(sorted(ENTRIES)), data=st.data())
    def an_entry_is_tampered_with(self, what: str, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, self.entries))
        self.tampered(lambda: tamper(self.file, ENTRIES[what].format(seq=seq)))

    @precondition(lambda self: self.sealed)
    @rule(what=st.sampled_from(sorted(DECISIONS)), data=st.data())
    def a_decision_is_tampered_with(self, what: str, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.sealed))
        if "attempt" in what and id in self.lost:
            return  # it has none
        self.tampered(lambda: tamper(self.file, DECISIONS[what].format(id=id)))

    @precondition(lambda self: self.anchors)
    @rule()
    def everything_is_written_anew(self) -> None:
        self.tampered(lambda: rewrite(self.file, "nobody"))

    def tampered(self, act) -> None:
        """It is found; then the backup is restored."""
        self.database.close()
        backup = self.folder / "backup.db"
        shutil.copy(self.file, backup)
        act()
        assert not verify(self.database, self.folder / "audit", anchors=self.anchors).sound
        self.database.close()
        for rest in self.folder.glob("mesh.db-*"):
            rest.unlink()
        shutil.copy(backup, self.file)

    @invariant()
    def verifying_tells_the_truth(self) -> None:
        if not hasattr(self, "database"):
            return
        report = verify(self.database, self.folder / "audit", anchors=self.anchors)
        assert report.faults == ()
        assert (report.entries, report.decisions, report.unsealed) == (
            self.entries,
            len(self.sealed),
            len(self.loose),
        )

    @invariant()
    def who_is_erased_is_unreadable_and_nobody_else(self) -> None:
        if not hasattr(self, "database"):
            return
        with self.database.read() as transaction:
            for one in shown(transaction, audit.entries(transaction)):
                if one.act.startswith("key."):
                    assert (one.detail["private"] == ERASED) == (one.detail["principal"] in self.erased)


AuditLog.TestCase.settings = settings(max_examples=12, stateful_step_count=25)
TestAuditLog = AuditLog.TestCase
