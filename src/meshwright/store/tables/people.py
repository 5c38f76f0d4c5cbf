"""Keys, those whom they belong to, and how much of what they may use."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, Integer, LargeBinary, Table, Text

from meshwright.store.tables.schema import metadata

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

# What one life of a journal's writer holds of an account, less what its journal was seen to have spent of it. What is
# `written_off` was charged although no journal said so: its own spending takes the place of it, if it ever comes.
leases = Table(
    "leases",
    metadata,
    Column("account", Text, primary_key=True),
    Column("life", Text, primary_key=True, index=True),
    Column("held", BigInteger, nullable=False),
    Column("renewed", Double, nullable=False),
    Column("written_off", BigInteger, nullable=False, server_default="0"),
)
