"""What the control plane does for the audit log: notes which configuration it publishes, seals decisions, signs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from meshwright.kernel.config.tables import Config
from meshwright.ledger.audit.acts import record
from meshwright.ledger.audit.seals import seal
from meshwright.ledger.audit.signing import checkpoint
from meshwright.store import audit, settings
from meshwright.store.database import Database

DAY_SECONDS = 86_400.0
CONFIG = "audit.config"
SIGNED = "audit.signed"


def note_config(database: Database, config: Config, actor: str) -> None:
    """Say in the audit log which parts of the configuration are others than those published before. Raises StoreError.

    Before it is published: what was published without a word would be worse than a word about what was not. Of the
    parts only digests are kept, for some may have secrets in them.
    """
    now = dict(_parts(config))
    with database.begin() as transaction:
        told = settings.get(transaction, CONFIG)
        before: Mapping[str, str] = msgspec.json.decode(told, type=dict[str, str]) if told else {}
        if now == before:
            return
        settings.put(transaction, CONFIG, msgspec.json.encode(now).decode())
        detail = {
            "added": sorted(now.keys() - before.keys()),
            "changed": sorted(name for name in now.keys() & before.keys() if now[name] != before[name]),
            "removed": sorted(before.keys() - now.keys()),
            "digest": _digest(now),
        }
        record(transaction, actor, "config.published", detail=detail)


def _parts(config: Config) -> Iterator[tuple[str, str]]:
    """Each section, and each table of the sections that have names, with its digest."""
    for section in config.__struct_fields__:
        value = getattr(config, section)
        if isinstance(value, dict):
            for name, table in value.items():
                yield f"{section}.{name}", _digest(table)
        else:
            yield section, _digest(value)


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:32]


def seal_and_sign(database: Database, folder: Path) -> None:
    """Seal the decisions that came in, and once a day sign where the chain stands. Raises StoreError."""
    seal(database)
    with database.read() as transaction:
        end = audit.head(transaction)
        told = settings.get(transaction, SIGNED)
    last, seq = msgspec.json.decode(told, type=tuple[float, int]) if told else (0.0, 0)
    if end is None or end[0] == seq or time.time() - last < DAY_SECONDS:
        return
    made = checkpoint(database, folder)
    with database.begin() as transaction:
        settings.put(transaction, SIGNED, msgspec.json.encode((made.at / 1e6, made.seq)).decode())
