"""What callers come back to: files, batches, answers, conversations."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text

from meshwright.store.tables.schema import metadata

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
