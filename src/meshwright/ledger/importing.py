"""From the journal into the database: every trace once, in whatever way the writer, the reader or the machine died."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from meshwright.ledger.audit.seals import note_replaced
from meshwright.ledger.evidence import Following, implicit, tried
from meshwright.ledger.lines import OPENING, Begin, DamagedLine, Ended, Hold, Segment, parse, segments
from meshwright.ledger.observed import learned_limits
from meshwright.ledger.prompts import Prompt, keep_prompts
from meshwright.store import accounts, decisions, feedback, trials
from meshwright.store import limits as learned
from meshwright.store import segments as store
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Feedback, LearnedLimit, Progress, Unended
from meshwright.types.decision import Attempt, Trace
from meshwright.types.errors import StoreError

_FORGET_SECONDS = 3600.0
"""Longer than any importer takes between looking at a segment and storing its lines."""
_OPENING_SECONDS = 60.0


class Imported(msgspec.Struct, frozen=True):
    """What a run did: `traces` inserted, requests found `interrupted`, lines set aside as `damaged`, `lines` read."""

    traces: int = 0
    interrupted: int = 0
    damaged: int = 0
    lines: int = 0

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            self.traces + other.traces,
            self.interrupted + other.interrupted,
            self.damaged + other.damaged,
            self.lines + other.lines,
        )


class _Batch(msgspec.Struct, frozen=True):
    """Whole lines of a segment, up to `offset`, decoded."""

    offset: int
    lines: int
    begins: dict[str, Begin]
    holds: dict[str, tuple[str, Mapping[str, int]]]
    ended: list[decisions.Prepared]
    damaged: list[bytes]
    limits: list[LearnedLimit]
    seen: list[Feedback]
    tried: dict[tuple[int, str], int]
    prompts: list[Prompt]


class Importer:
    """Reads the segments of a journal's directory into a database; any number of them may run at once.

    - The rows of a batch and the offset that it ends at are one transaction, which changes nothing unless the offset is
      still where the batch began. A crash before the commit reads the batch again, one after it does not.
    - Only whole lines are read. The torn tail of a living writer waits for the next run; a dead one's is damaged.
    - A damaged line goes to `<segment>.damaged` as it is and stops nothing. (After a crash in the wrong moment it is
      there twice.)
    - A segment whose lock can be had has no writer any more. When it is read to its end it is finished and its file
      removed, `keep_seconds` later. When it was the last of its writer's life, what began and did not end becomes a
      trace with the outcome "interrupted", of unknown cost.
    - What traces count for is charged to the accounts in the transaction that stores them; an interrupted one counts
      for the worst case. What a dead writer still held of accounts is free again after that.

    `batch` is in lines, `clock` gives seconds since 1970. Work for a thread: nothing here is asynchronous.
    """

    def __init__(
        self,
        directory: Path,
        database: Database,
        *,
        keep_seconds: float = 0.0,
        batch: int = 1000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._database = database
        self._keep_seconds = keep_seconds
        self._batch = batch
        self._clock = clock
        self._following = Following()

    def run_once(self) -> Imported:
        """Read all that was in the directory when it began. Raises StoreError; what was done until then stays done."""
        total = Imported()
        try:
            found = segments(self._directory)
            with self._database.read() as transaction:
                progress = store.progress(transaction)
            for segment in found:
                before = progress.get(segment.name) or Progress(name=segment.name, life=segment.life, offset=0)
                total += self._segment(segment, before)
            self._tidy(progress, {segment.name for segment in found})
        except OSError as problem:
            raise StoreError(f"The journal in {self._directory} cannot be imported: {problem}.") from problem
        return total

    def _segment(self, segment: Segment, before: Progress) -> Imported:
        path = self._directory / segment.name
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return Imported()  # another importer finished it since we looked
        with file, _ownership(file) as dead:
            if before.done is not None:
                if dead:
                    self._remove(path, before.done)
                return Imported()
            total, offset = self._read(path, file, before, dead)
            # Another importer may be ahead: then it is the one to finish.
            if dead and offset == os.fstat(file.fileno()).st_size:
                total += self._finish(segment, path, offset)
            return total

    def _read(self, path: Path, file: BinaryIO, before: Progress, dead: bool) -> tuple[Imported, int]:
        """Import batch by batch; also says how far it came."""
        size = os.fstat(file.fileno()).st_size
        offset, total = before.offset, Imported()
        while offset < size:
            batch = self._decode(file, offset, size, dead)
            if batch.offset == offset:
                break
            with self._database.begin() as transaction:
                if not store.advance(transaction, msgspec.structs.replace(before, offset=offset), batch.offset):
                    break
                total += self._store(transaction, before.life, batch)
                if batch.damaged:
                    _set_aside(path, batch.damaged)
            offset = batch.offset
        return total, offset

    def _decode(self, file: BinaryIO, offset: int, size: int, dead: bool) -> _Batch:
        file.seek(offset)
        lines = 0
        begins: dict[str, Begin] = {}
        holds: dict[str, tuple[str, Mapping[str, int]]] = {}
        ended: list[decisions.Prepared] = []
        prompts: list[Prompt] = []
        damaged: list[bytes] = []
        limits: list[LearnedLimit] = []
        seen: list[Feedback] = []
        spent: dict[tuple[int, str], int] = {}
        while lines < self._batch and offset < size:
            line = file.readline()
            if not line or (not line.endswith(b"\n") and not dead):
                break
            offset += len(line)
            lines += 1
            try:
                value = parse(line)
                if isinstance(value, Ended):
                    trace = value.trace
                    if trace.prompt:
                        prompts.append(Prompt(trace.id, trace.principal, trace.at, trace.prompt))
                        ended.append(decisions.prepare(msgspec.structs.replace(trace, prompt="")))
                    else:
                        ended.append(decisions.prepare(trace, value.raw))
                    limits += learned_limits(value.trace)
                    seen += (*implicit(value.trace), *self._following.see(value.trace))
                    for route, nano in tried(value.trace):
                        place = int(value.trace.at // trials.DAY_SECONDS), route
                        spent[place] = spent.get(place, 0) + nano
                elif isinstance(value, Hold):
                    holds[value.id] = value.model, value.charges
                else:
                    begins[value.id] = value
            except DamagedLine:
                damaged.append(line)
        return _Batch(offset, lines, begins, holds, ended, damaged, limits, seen, spent, prompts)

    def _store(self, transaction: Transaction, life: str, batch: _Batch) -> Imported:
        there = _charge(transaction, life, batch.ended)
        inserted = decisions.insert(transaction, batch.ended, note_replaced, there)
        keep_prompts(transaction, batch.prompts)
        learned.keep(transaction, batch.limits)
        feedback.put(transaction, batch.seen)
        trials.add(transaction, batch.tried)
        ended = {one.id for one in batch.ended}
        store.note_ended(transaction, ended - batch.begins.keys())  # what begins and ends in here was never noted
        begins = [begin for id, begin in batch.begins.items() if id not in ended]
        over = decisions.known(transaction, [begin.id for begin in begins])
        store.note_begun(
            transaction, life, [(begin.id, begin.at, begin.principal) for begin in begins if begin.id not in over]
        )
        store.note_held(transaction, {id: held for id, held in batch.holds.items() if id not in ended})
        return Imported(traces=inserted, damaged=len(batch.damaged), lines=batch.lines)

    def _finish(self, segment: Segment, path: Path, offset: int) -> Imported:
        """Close a segment that was read whole and whose lock we hold."""
        now = self._clock()
        # Looked up now, under the lock: a writer makes the next segment before it unlocks this one.
        siblings = [other for other in segments(self._directory) if other.life == segment.life]
        last = all(other.n <= segment.n for other in siblings)
        interrupted = 0
        with self._database.begin() as transaction:
            progress = store.progress(transaction)
            if any(other.n < segment.n and not _done(progress, other) for other in siblings):
                return Imported()  # an earlier one is still being read: in order, or `last` could not be told
            here = Progress(name=segment.name, life=segment.life, offset=offset)
            if not store.advance(transaction, here, offset):
                return Imported()
            if last:
                interrupted = interrupt(transaction, segment.life, self._batch)
                accounts.free(transaction, segment.life)
            store.finish(transaction, segment.name, now)
        self._remove(path, now)
        return Imported(interrupted=interrupted)

    def _remove(self, path: Path, done: float) -> None:
        if self._clock() - done >= self._keep_seconds:
            # The file is what a power failure would be repaired from: the database's copy must be on the disk first.
            self._database.flush()
            path.unlink(missing_ok=True)

    def _tidy(self, progress: dict[str, Progress], found: set[str]) -> None:
        """Forget finished segments of long ago; remove what a writer left that died before its segment was locked."""
        if not self._directory.is_dir():
            return
        now = self._clock()
        old = [row.name for row in progress.values() if row.done is not None and row.done < now - _FORGET_SECONDS]
        if gone := [name for name in old if name not in found]:
            with self._database.begin() as transaction:
                store.forget(transaction, gone)
        for path in self._directory.glob(f"*{OPENING}"):
            try:
                # Young ones are not even tried: for that moment their writer could not have the lock.
                if time.time() - path.stat().st_mtime <= _OPENING_SECONDS:
                    continue
                with path.open("rb") as file, _ownership(file) as dead:
                    if dead:
                        path.unlink(missing_ok=True)
            except FileNotFoundError:
                continue  # it became a segment


def interrupt(transaction: Transaction, life: str, batch: int = 1000) -> int:
    """What began in a life and was not seen to end has ended, and counts for its worst case. How many requests."""
    found = 0
    rows = [decisions.prepare(_interrupted(request)) for request in store.open_begun(transaction, life)]
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        there = _charge(transaction, life, part)
        found += decisions.insert(transaction, part, there=there)
        store.note_ended(transaction, {one.id for one in part})
    return found


def _done(progress: dict[str, Progress], segment: Segment) -> bool:
    row = progress.get(segment.name)
    return row is not None and row.done is not None


@contextmanager
def _ownership(file: BinaryIO) -> Iterator[bool]:
    """Whether nobody else, writer or importer, has this segment; within it nobody else can."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def _set_aside(segment: Path, lines: list[bytes]) -> None:
    with segment.with_name(segment.name + ".damaged").open("ab") as file:
        for line in lines:
            file.write(line if line.endswith(b"\n") else line + b"\n")


def _charge(transaction: Transaction, life: str, ended: Sequence[decisions.Prepared]) -> dict[str, str]:
    """Charge what these count for, unless they are there already: each counts once. Returns which are, see `known`.

    A real end counts in place of the worst case that an interrupted one was charged.
    """
    found = {one.id: one for one in reversed(ended)}  # of two, the first, as where they are stored
    there = decisions.known(transaction, found)
    spent: Counter[str] = Counter()
    for id, one in found.items():
        if id not in there:
            spent.update(one.charges)
        elif there[id] == decisions.INTERRUPTED != one.decision["outcome"]:
            before = decisions.get(transaction, id)
            spent.update(one.charges)
            spent.subtract(before.charges if before is not None else {})
    accounts.charge(transaction, life, spent)
    return there


def _interrupted(request: Unended) -> Trace:
    attempts: tuple[Attempt, ...] = ()
    if request.model:
        # One budget's part stands for all: the same call counts on each of them.
        money = max((amount for account, amount in request.charges.items() if "/money/" in account), default=None)
        attempts = (
            Attempt(
                model=request.model,
                began=0.0,
                outcome=decisions.INTERRUPTED,
                unpriced="the gateway stopped before it ended",
                charged=money,
            ),
        )
    return Trace(
        id=request.id,
        at=request.at,
        principal=request.principal,
        dialect="",
        outcome=decisions.INTERRUPTED,
        error="The gateway stopped before this request ended.",
        attempts=attempts,
        charges=request.charges,
    )
