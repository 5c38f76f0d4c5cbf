"""Files that batches are made of: their names, and their bytes in pieces, so that nobody has to hold a whole one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Row, and_, delete, or_, select

from meshwright.store.database import Transaction
from meshwright.store.rows import StoredFile
from meshwright.store.tables import batches, file_pieces, files

PIECE = 256 * 1024
"""Bytes of a row."""


def put(transaction: Transaction, file: StoredFile, pieces: Iterable[bytes]) -> StoredFile:
    """Keep a file; `size` of the record becomes what the pieces add up to."""
    transaction.execute(files.insert().values(msgspec.structs.asdict(file)))
    size = 0
    for n, piece in enumerate(_even(pieces)):
        transaction.execute(file_pieces.insert().values(file=file.id, n=n, data=piece))
        size += len(piece)
    transaction.execute(files.update().where(files.c.id == file.id).values(size=size))
    return msgspec.structs.replace(file, size=size)


def get(transaction: Transaction, id: str, owner: str) -> StoredFile | None:
    """The record of that owner's file, or None."""
    row = transaction.execute(select(files).where(files.c.id == id, files.c.owner == owner)).one_or_none()
    return None if row is None else _file(row)


def piece(transaction: Transaction, id: str, n: int) -> bytes:
    """The n-th piece, b"" after the last."""
    found = transaction.execute(select(file_pieces.c.data).where(file_pieces.c.file == id, file_pieces.c.n == n))
    return bytes(found.scalar() or b"")


def lines(transaction: Transaction, id: str, longest: int) -> Iterator[bytes]:
    """The file's lines that hold something, without their ends. Raises ValueError for one over `longest` bytes."""
    rest, n = b"", 0
    while data := piece(transaction, id, n):
        *whole, rest = (rest + data).split(b"\n")
        n += 1
        if len(rest) > longest:
            raise ValueError(f"a line is longer than {longest} bytes")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def page(
    transaction: Transaction, owner: str, limit: int, after: str = "", purpose: str = "", newest_first: bool = True
) -> list[StoredFile]:
    """Up to `limit` files of that owner after the one with the id `after`."""
    query = select(files).where(files.c.owner == owner)
    if purpose:
        query = query.where(files.c.purpose == purpose)
    at, id = files.c.created, files.c.id
    if after and (mark := get(transaction, after, owner)) is not None:
        past = at < mark.created if newest_first else at > mark.created
        tied = id < mark.id if newest_first else id > mark.id
        query = query.where(or_(past, and_(at == mark.created, tied)))
    order = (at.desc(), id.desc()) if newest_first else (at, id)
    return [_file(row) for row in transaction.execute(query.order_by(*order).limit(limit))]


def remove(transaction: Transaction, id: str, owner: str) -> bool:
    """Forget a file of that owner; False when there was none."""
    return transaction.execute(delete(files).where(files.c.id == id, files.c.owner == owner)).rowcount == 1


def expire(transaction: Transaction, now: float) -> int:
    """Forget files whose time is over, except the input of a batch that is not; how many that were."""
    needed = select(batches.c.input_file).where(batches.c.status == "validating")
    return transaction.execute(delete(files).where(files.c.expires < now, files.c.id.not_in(needed))).rowcount


def _even(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for data in pieces:
        held += data
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)


def _file(row: Row[Any]) -> StoredFile:
    return StoredFile(**{name: getattr(row, name) for name in StoredFile.__struct_fields__})
