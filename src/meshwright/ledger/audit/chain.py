"""The chain: each entry's hash covers the entry and the hash before it, so that none is changed unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from meshwright.store.rows import AuditEntry

_HEAD = b"meshwright audit 1\n"


def linked(
    seq: int, previous: bytes, *, at: int, actor: str, act: str, object: str, subject: str, payload: bytes
) -> AuditEntry:
    """The entry that goes on from `previous`."""
    entry = AuditEntry(
        seq=seq,
        at=at,
        actor=actor,
        act=act,
        object=object,
        subject=subject,
        payload=payload,
        previous=previous,
        hash=b"",
    )
    return msgspec.structs.replace(entry, hash=hashed(entry))


def hashed(entry: AuditEntry) -> bytes:
    """SHA-256 of a line that names the format and a JSON array: number, time, actor, act, object, subject, the SHA-256
    of the payload, and the hash before. The two hashes are hexadecimal.
    """
    digest = hashlib.sha256(entry.payload).hexdigest()
    said = [entry.seq, entry.at, entry.actor, entry.act, entry.object, entry.subject, digest, entry.previous.hex()]
    return hashlib.sha256(_HEAD + msgspec.json.encode(said)).digest()


def fault(entry: AuditEntry, seq: int, previous: bytes) -> str:
    """What is wrong with an entry that should be number `seq` after `previous`; "" when nothing is."""
    if entry.seq != seq:
        return (
            f"entries {seq} to {entry.seq - 1} are missing" if entry.seq > seq else f"entry {entry.seq} is out of place"
        )
    if entry.previous != previous:
        return "it does not go on from the entry before"
    if entry.hash != hashed(entry):
        return "it was changed: its hash is another one"
    return ""


def payload(detail: Mapping[str, Any]) -> bytes:
    """The details as JSON, by name."""
    return msgspec.json.encode({name: _plain(detail[name]) for name in sorted(detail)})


def plain(text: str) -> str:
    """A text that every database keeps as it is."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
