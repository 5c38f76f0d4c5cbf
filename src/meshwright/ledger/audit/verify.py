"""Checking the audit log: the chain, its checkpoints, and the decisions whose digests are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from meshwright.ledger.audit.chain import fault
from meshwright.ledger.audit.seals import REPLACED, SEALED, Replaced, Seal, digest, leaf
from meshwright.ledger.audit.signing import Checkpoint, Signer, doubt, signers
from meshwright.store import audit, seals
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import AuditEntry

MOST = 100
"""Faults that are told; the first is what matters."""


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as it was written: the entry it was found at, and what is wrong."""

    seq: int
    told: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked and what is wrong. `unsealed` decisions wait for their seal: of them nothing can be said.

    `hash` is that of the last entry, hexadecimal. `decisions` is None when they were not looked at.
    """

    entries: int
    hash: str
    checkpoints: int
    seals: int
    decisions: int | None
    unsealed: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class Walk:
    """One walk along the chain: what was found on the way."""

    def __init__(self) -> None:
        self.seq, self.hash = 0, audit.START
        self.faults: list[Fault] = []
        self.at: dict[int, str] = {}
        """Hashes of the entries that checkpoints speak of."""
        self.seals: dict[int, Seal] = {}
        self.replaced: dict[int, list[tuple[str, bytes]]] = {}

    def along(self, entries: Iterable[AuditEntry], marked: frozenset[int]) -> None:
        """Check each entry; remember what the checkpoints (of the entries `marked`) and the decisions need."""
        for entry in entries:
            if told := fault(entry, self.seq + 1, self.hash):
                self.fault(entry.seq, told)
            # On from what is there, so that one change is told once.
            self.seq, self.hash = entry.seq, entry.hash
            if entry.seq in marked:
                self.at[entry.seq] = entry.hash.hex()
            try:
                if entry.act == SEALED:
                    self.seals[entry.seq] = msgspec.json.decode(entry.payload, type=Seal)
                elif entry.act == REPLACED:
                    old = msgspec.json.decode(entry.payload, type=Replaced)
                    self.replaced.setdefault(old.seal, []).append((entry.object, bytes.fromhex(old.leaf)))
            except (msgspec.DecodeError, ValueError):
                self.fault(entry.seq, "its payload cannot be read")

    def fault(self, seq: int, told: str) -> None:
        """Something is wrong."""
        if len(self.faults) < MOST:
            self.faults.append(Fault(seq, told))

    def checkpoint(self, made: Checkpoint, where: str, known: tuple[Signer, ...], trusted: frozenset[str]) -> None:
        """Hold a checkpoint against the chain."""
        if told := doubt(made, known, trusted):
            self.fault(made.seq, f"{where}: {told}")
        elif made.seq > self.seq:
            self.fault(made.seq, f"{where} saw {made.seq} entries, and there are {self.seq}: the end was cut off")
        elif self.at.get(made.seq) != made.hash:
            self.fault(made.seq, f"{where} saw another entry {made.seq}: the chain was rewritten")


def verify(
    database: Database,
    folder: Path,
    *,
    anchors: Mapping[str, Checkpoint] | None = None,
    trusted: frozenset[str] = frozenset(),
    with_decisions: bool = True,
) -> Report:
    """Check everything, in one picture of the database. `folder` has the keys of this machine.

    `anchors` are checkpoints from outside by where they are; `trusted` are public keys besides this machine's.
    """
    walk, known = Walk(), signers(folder)
    with database.read() as transaction:
        kept = list(_kept(transaction, walk))
        everything = [*kept, *(anchors or {}).items()]
        walk.along(audit.entries(transaction), frozenset(one.seq for _, one in everything))
        end = audit.head(transaction)
        if end is None or end != (walk.seq, walk.hash):
            told = "is missing" if end is None else f"names entry {end[0]} as the last"
            walk.fault(walk.seq, f"the last entry is {walk.seq}, but the end of the chain {told}")
        for where, made in everything:
            walk.checkpoint(made, where, known, trusted)
        counted, unsealed = seals.counts(transaction)
        if with_decisions:
            _decisions(transaction, walk, counted)
    return Report(
        entries=walk.seq,
        hash=walk.hash.hex(),
        checkpoints=len(everything),
        seals=len(walk.seals),
        decisions=sum(counted.values()) if with_decisions else None,
        unsealed=unsealed,
        faults=tuple(walk.faults),
    )


def verify_entries(entries: Iterable[AuditEntry], checkpoints: Sequence[Checkpoint], folder: Path) -> Report:
    """Check entries that were taken out of a database, with the checkpoints that came along."""
    walk, known = Walk(), signers(folder)
    walk.along(entries, frozenset(one.seq for one in checkpoints))
    for number, made in enumerate(checkpoints, 1):
        walk.checkpoint(made, f"checkpoint {number}", known, frozenset())
    return Report(
        entries=walk.seq,
        hash=walk.hash.hex(),
        checkpoints=len(checkpoints),
        seals=len(walk.seals),
        decisions=None,
        unsealed=0,
        faults=tuple(walk.faults),
    )


def _kept(transaction: Transaction, walk: Walk) -> Iterable[tuple[str, Checkpoint]]:
    """The checkpoints in the database; one that cannot be read is a fault."""
    for number, body in enumerate(audit.checkpoints(transaction), 1):
        try:
            yield f"checkpoint {number}", msgspec.json.decode(body, type=Checkpoint)
        except msgspec.DecodeError:
            walk.fault(0, f"checkpoint {number} cannot be read")


def _decisions(transaction: Transaction, walk: Walk, counted: Mapping[int, int]) -> None:
    for number in sorted(set(counted) - set(walk.seals)):
        walk.fault(number, f"{counted[number]} decisions say that entry {number} seals them, and it does not")
    for number, told in walk.seals.items():
        if told.form != seals.FORM:
            walk.fault(number, f"its decisions are sealed in form {told.form}, which this version does not know")
            continue
        try:
            leaves = [(one[0], leaf(one)) for one in seals.of(transaction, number)]
        except (TypeError, ValueError):  # SQLite takes any value in any column
            walk.fault(number, f"a value of its decisions ({told.first} to {told.last}) is of another type")
            continue
        leaves += walk.replaced.get(number, [])
        if len(leaves) != told.count:
            walk.fault(number, f"of {told.count} decisions ({told.first} to {told.last}) {len(leaves)} are there")
        elif digest(leaves) != told.digest:
            walk.fault(number, f"one of {told.count} decisions ({told.first} to {told.last}) was changed")
