"""What somebody with the database in his hands could do to it, statement by statement."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from meshwright.ledger.audit.chain import hashed
from meshwright.store import audit
from meshwright.store.database import Database, sqlite_url

ENTRIES = {
    "an actor": "UPDATE audit SET actor = 'nobody' WHERE seq = {seq}",
    "an act": "UPDATE audit SET act = 'key.kept' WHERE seq = {seq}",
    "an object": "UPDATE audit SET object = 'key_other' WHERE seq = {seq}",
    "a subject": "UPDATE audit SET subject = 'sub_other' WHERE seq = {seq}",
    "a payload": "UPDATE audit SET payload = X'7B7D20' WHERE seq = {seq}",
    "a time": "UPDATE audit SET at = at + 1 WHERE seq = {seq}",
    "a hash": "UPDATE audit SET hash = zeroblob(32) WHERE seq = {seq}",
    "a hash before": "UPDATE audit SET previous = X'01' WHERE seq = {seq}",
    "a missing entry": "DELETE FROM audit WHERE seq = {seq}",
    "a number": "UPDATE audit SET seq = seq + 1000000 WHERE seq = {seq}",
    "a copy": "INSERT INTO audit SELECT seq + 1000000, at, actor, act, object, subject, payload, previous, hash "
    "FROM audit WHERE seq = {seq}",
    "an entry before the first": "INSERT INTO audit SELECT -seq, at, actor, act, object, subject, payload, previous, "
    "hash FROM audit WHERE seq = {seq}",
    "the end": "UPDATE audit_head SET seq = seq - 1",
    "no end": "DELETE FROM audit_head",
}
DECISIONS = {
    "a cost": "UPDATE decisions SET cost_nano = coalesce(cost_nano, 0) + 1 WHERE id = '{id}'",
    "a trace": "UPDATE decisions SET trace = trace || X'20' WHERE id = '{id}'",
    "a principal": "UPDATE decisions SET principal = 'somebody' WHERE id = '{id}'",
    "an attempt's cost": "UPDATE attempts SET cost_nano = 1 WHERE decision = '{id}'",
    "an attempt's tokens": "UPDATE attempts SET output = 1 WHERE decision = '{id}'",
    "missing attempts": "DELETE FROM attempts WHERE decision = '{id}'",
    "a missing decision": "DELETE FROM decisions WHERE id = '{id}'",
    "a seal of its own": "UPDATE decisions SET sealed = 999999 WHERE id = '{id}'",
    "no seal": "UPDATE decisions SET sealed = NULL WHERE id = '{id}'",
}


def tamper(file: Path, statement: str) -> int:
    """Do it behind everybody's back; how many rows it changed."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        changed = connection.execute(statement).rowcount
    connection.close()
    return changed


def rewrite(file: Path, actor: str) -> None:
    """The cleverest: another actor in the first entry, and every hash after it computed again."""
    database = Database(sqlite_url(file))
    with database.begin() as transaction:
        entries = list(audit.entries(transaction))
        transaction.exec_driver_sql("DELETE FROM audit")
        previous = audit.START
        for entry in entries:
            changed = msgspec.structs.replace(entry, previous=previous, actor=actor if entry.seq == 1 else entry.actor)
            changed = msgspec.structs.replace(changed, hash=hashed(changed))
            audit.append(transaction, changed)
            previous = changed.hash
    database.close()
