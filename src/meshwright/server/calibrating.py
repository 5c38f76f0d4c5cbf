"""How far off predictions have been of late, learned from the decisions in the database by the control plane."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from meshwright.routing.calibrate import Learned, calibrate, goings, outcomes, readings
from meshwright.store import decisions
from meshwright.store.database import Database
from meshwright.types.calibration import Bound, Calibration, Reading, Share

LATEST = 4_000
"""Decisions that are looked at, the newest."""
DAYS = 30
MOVED = 0.05
"""A bound that moved by less is not worth a new snapshot for every worker."""


def learned(database: Database) -> Learned:
    """What the latest decisions teach. Raises StoreError."""
    with database.read() as transaction:
        traces = decisions.recent(transaction, LATEST, since=time.time() - DAYS * 86_400)
    found = calibrate(outcomes(reversed(traces)))
    fails, kept_back = goings(traces)
    calibration = msgspec.structs.replace(found.calibration, reading=readings(traces), fails=fails, kept_back=kept_back)
    return msgspec.structs.replace(found, calibration=calibration)


class Calibrating:
    """What is known now, and whether learning again would tell anything new."""

    def __init__(self, database: Database) -> None:
        self.known: Calibration | None = None
        self._database = database
        self._latest: float | None = None

    def learn(self) -> bool:
        """Learn from what came in; whether it is worth being published. Raises StoreError."""
        with self._database.read() as transaction:
            latest = decisions.latest_at(transaction)
        if latest == self._latest:
            return False
        self._latest = latest
        found = learned(self._database).calibration
        before = self.known
        if not found.tokens and not found.reading and before is None:
            return False
        if before is not None and not (
            _moved(before.tokens, found.tokens)
            or _moved(before.cost, found.cost)
            or _read_otherwise(before.reading, found.reading)
            or _goes_otherwise(before.fails, found.fails)
            or _goes_otherwise(before.kept_back, found.kept_back)
        ):
            return False
        self.known = found
        return True


def _read_otherwise(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> bool:
    return before.keys() != after.keys() or any(
        abs(one.factor / before[name].factor - 1) > MOVED for name, one in after.items()
    )


def _goes_otherwise(before: Mapping[str, Share], after: Mapping[str, Share]) -> bool:
    return before.keys() != after.keys() or any(
        abs(one.went / one.rows - before[name].went / before[name].rows) > MOVED for name, one in after.items()
    )


def _moved(before: Mapping[str, Bound], after: Mapping[str, Bound]) -> bool:
    if before.keys() != after.keys():
        return True
    return any(
        abs(new / old - 1) > MOVED
        for name, bound in after.items()
        for old, new in ((before[name].low, bound.low), (before[name].high, bound.high))
    )
