"""The audit log outside of its database: a line of JSON for each entry and each checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from meshwright.ledger.audit.signing import Checkpoint
from meshwright.store import audit
from meshwright.store.database import Database
from meshwright.store.rows import AuditEntry
from meshwright.types.errors import ConfigError, StoreError


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry. `payload` is the text whose UTF-8 is hashed; the hashes are hexadecimal (see audit.chain.hashed)."""

    seq: int
    at: int
    actor: str
    act: str
    object: str
    subject: str
    payload: str
    previous: str
    hash: str


class _Signed(msgspec.Struct, frozen=True):
    checkpoint: Checkpoint


def lines(database: Database) -> Iterator[bytes]:
    """Every entry, then every checkpoint."""
    with database.read() as transaction:
        for entry in audit.entries(transaction):
            yield msgspec.json.encode(line(entry)) + b"\n"
        for body in audit.checkpoints(transaction):
            yield b'{"checkpoint":' + body + b"}\n"


def line(entry: AuditEntry) -> Line:
    """An entry as it is written."""
    return Line(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        act=entry.act,
        object=entry.object,
        subject=entry.subject,
        payload=entry.payload.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode(),
        previous=entry.previous.hex(),
        hash=entry.hash.hex(),
    )


def read_export(file: Path) -> tuple[list[AuditEntry], list[Checkpoint]]:
    """What was exported. Raises StoreError, ConfigError."""
    entries, checkpoints = list[AuditEntry](), list[Checkpoint]()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}.") from error
    for number, text in enumerate(data.splitlines(), 1):
        try:
            if text.startswith(b'{"checkpoint":'):
                checkpoints.append(msgspec.json.decode(text, type=_Signed).checkpoint)
            else:
                entries.append(_entry(msgspec.json.decode(text, type=Line)))
        except (msgspec.DecodeError, ValueError) as error:
            raise ConfigError.of(f"Line {number} of {file} is no entry: {error}.", fix="`mesh audit export`") from None
    return entries, checkpoints


def _entry(told: Line) -> AuditEntry:
    return AuditEntry(
        seq=told.seq,
        at=told.at,
        actor=told.actor,
        act=told.act,
        object=told.object,
        subject=told.subject,
        payload=told.payload.encode(),
        previous=bytes.fromhex(told.previous),
        hash=bytes.fromhex(told.hash),
    )
