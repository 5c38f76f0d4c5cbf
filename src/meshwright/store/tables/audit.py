"""The audit log, and data of persons that can be erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, Table, Text

from meshwright.store.tables.schema import metadata

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
