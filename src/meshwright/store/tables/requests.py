"""What was asked and answered, how journals are read, and what was said of answers."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text

from meshwright.store.tables.schema import metadata

decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("day", Integer, nullable=False),
    Column("principal", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("served", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("first_byte", Double),
    Column("cost_nano", BigInteger),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("trace", LargeBinary, nullable=False),
    Column("task", Text, nullable=False, server_default=""),
    # What the caller knows its answer by.
    Column("answer", Text, nullable=False, server_default=""),
    # The audit entry that has its digest; NULL: none has yet.
    Column("sealed", BigInteger, index=True),
    Index(None, "at", "id"),
    Index(None, "principal", "at"),
    Index(None, "served", "at"),
    Index(None, "outcome", "at"),
    Index(None, "answer"),
)

BUCKETS = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
    "requests",
)
"""The columns of `attempts` that are the buckets of a Usage, by the same names."""

attempts = Table(
    "attempts",
    metadata,
    Column("decision", Text, ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", BigInteger),
    # NULL: the provider did not say and nobody counted.
    *(Column(bucket, BigInteger) for bucket in BUCKETS),
    Column("estimated", Boolean, nullable=False),
    Column("cost_nano", BigInteger),
    Column("unpriced", Text, nullable=False),
    # What it counted for on budgets: its cost, or the worst case where that is not known. NULL: there was no budget.
    Column("charged_nano", BigInteger),
)

# How far each journal segment was read. A row outlives its file, so that a second importer cannot start it again.
segments = Table(
    "segments",
    metadata,
    Column("name", Text, primary_key=True),
    Column("life", Text, nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("done", Double),
)

# Requests that began and have not been seen to end: in flight, or cut short by their writer's death.
begun = Table(
    "begun",
    metadata,
    Column("id", Text, primary_key=True),
    Column("life", Text, nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("principal", Text, nullable=False),
    # What it counts for if it never ends: the model that was asked, and the worst case by account.
    Column("model", Text, nullable=False, server_default=""),
    Column("charges", JSON, nullable=False, server_default="{}"),
)

# Answers that are given again: `id` is the hash of all that they depend on, `owner` whose cache they are in.
recalled = Table(
    "recalled",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("until", Double, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("cost_nano", BigInteger),
    Column("body", LargeBinary, nullable=False),
)

# What was found out about answers, with what is needed to learn from it: what the router saw of the question and what
# it had predicted. `n` only ever grows, so that a reader knows where it was; a changed mind is a new row.
feedback = Table(
    "feedback",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("decision", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("asked", Double, nullable=False),
    Column("score", Double),
    Column("text", Text, nullable=False),
    Column("expected", Double),
    Column("prior", Double),
    Column("sketch", LargeBinary, nullable=False),
    Column("aside", Double),
    Index(None, "decision", "model", "kind", "principal", unique=True),
    Index(None, "asked"),
    sqlite_autoincrement=True,
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
