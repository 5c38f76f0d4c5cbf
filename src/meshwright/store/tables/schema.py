"""What all tables belong to.

Money is BIGINT nano-dollars, NULL when unknown. Times are seconds since 1970; durations are seconds.
"""

from __future__ import annotations

from sqlalchemy import MetaData

# Names that are the same in every database, so that a later migration can speak of them.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
