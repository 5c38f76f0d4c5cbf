"""The tables as they are today; `migrations/` says how each database gets there."""

from __future__ import annotations

from meshwright.store.tables.audit import audit, audit_checkpoints, audit_head, prompts, subjects
from meshwright.store.tables.kept import (
    answer_events,
    answer_labels,
    answers,
    batch_rows,
    batches,
    conversation_items,
    conversations,
    file_pieces,
    files,
)
from meshwright.store.tables.people import accounts, allowances, keys, leases, parties
from meshwright.store.tables.requests import BUCKETS, attempts, begun, decisions, feedback, recalled, segments, settings
from meshwright.store.tables.schema import metadata

__all__ = (
    "BUCKETS",
    "accounts",
    "allowances",
    "answer_events",
    "answer_labels",
    "answers",
    "attempts",
    "audit",
    "audit_checkpoints",
    "audit_head",
    "batch_rows",
    "batches",
    "begun",
    "conversation_items",
    "conversations",
    "decisions",
    "feedback",
    "file_pieces",
    "files",
    "keys",
    "leases",
    "metadata",
    "parties",
    "prompts",
    "recalled",
    "segments",
    "settings",
    "subjects",
)
