"""The tables as they are today; `migrations/` says how each database gets there."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

# Names that are the same in every database, so that a later migration can speak of them.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Money is BIGINT nano-dollars, NULL when unknown. Times are seconds since 1970; durations are seconds.
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

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("prefix", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    # Whose key it is, when it took the place of another; "" when it is the principal's first.
    Column("principal", Text, nullable=False, server_default=""),
    Column("team", Text, nullable=False, server_default=""),
    Column("user", Text, nullable=False, server_default=""),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("bounds", JSON, nullable=False, server_default="{}"),
)

# Teams ("team:NAME"), users ("user:NAME") and the "gateway": whose bounds and allowances hold for all keys below.
parties = Table(
    "parties",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created", Double, nullable=False),
    Column("bounds", JSON, nullable=False),
)

# `owner` is a party's id, or "key:" and a principal's.
allowances = Table(
    "allowances",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("per", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)

# One window of one allowance: what was spent in it, and what is lent to processes. Nothing is lent that would take
# spent + held over the amount. `wants` counts who found nothing, so that others give back what they do not need.
accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("measure", Text, nullable=False),
    Column("per", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("spent", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("wants", BigInteger, nullable=False),
)

# What one life of a journal's writer holds of an account, less what its journal was seen to have spent of it.
leases = Table(
    "leases",
    metadata,
    Column("account", Text, primary_key=True),
    Column("life", Text, primary_key=True, index=True),
    Column("held", BigInteger, nullable=False),
    Column("renewed", Double, nullable=False),
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

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
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

# Files of ours, and their bytes in pieces. `owner` is the principal: no query goes without it.
files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Index(None, "owner", "created", "id"),
)

file_pieces = Table(
    "file_pieces",
    metadata,
    Column("file", Text, ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("status", Text, nullable=False, index=True),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("window", Text, nullable=False),
    Column("input_file", Text, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("problems", LargeBinary, nullable=False),
    Column("begun", Double),
    Column("cancelling", Double),
    Column("finalizing", Double),
    Column("ended", Double),
    Column("output_file", Text, nullable=False),
    Column("error_file", Text, nullable=False),
    Column("runner", Text, nullable=False),
    Column("leased", Double, nullable=False),
    Index(None, "owner", "kind", "created", "id"),
)

batch_rows = Table(
    "batch_rows",
    metadata,
    Column("batch", Text, ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("custom_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", LargeBinary),
    Index(None, "batch", "state", "n"),
)

# Answers that their callers want to come back to. `owner` is the principal: no query goes without it.
answers = Table(
    "answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False, index=True),
    Column("status", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("model", Text, nullable=False),
    Column("served", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("touched", Double, nullable=False),
    Index(None, "owner", "kind", "created", "id"),
    Index(None, "status", "touched"),
)

# Metadata by which stored chats are found.
answer_labels = Table(
    "answer_labels",
    metadata,
    Column("answer", Text, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Events of an answer that is made in the background, several to a row; `first` is the number of the first.
answer_events = Table(
    "answer_events",
    metadata,
    Column("answer", Text, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False, index=True),
    Column("metadata", LargeBinary, nullable=False),
)

conversation_items = Table(
    "conversation_items",
    metadata,
    Column("conversation", Text, ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("served", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "conversation", "id"),
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

# The audit log: a chain in which each entry names the digest of the one before. Nothing here is changed or deleted.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # Whole microseconds since 1970: they are part of what is hashed.
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# One row: where the chain ends. Whoever appends holds it, so that two never append to the same end.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)

# Prompts, where policy says that they are kept; `body` is encrypted with the subject's key.
prompts = Table(
    "prompts",
    metadata,
    Column("decision", Text, primary_key=True),
    Column("principal", Text, nullable=False, index=True),
    Column("at", Double, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# A key for each person whose data is kept encrypted. Erasing the person is forgetting name and key.
subjects = Table(
    "subjects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, unique=True),
    Column("key", LargeBinary(32)),
    Column("created", Double, nullable=False),
    Column("erased", Double),
)
