"""The accounts of the database, for a purse: asked in threads, under the name of one journal's writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import time

from meshwright.store import accounts
from meshwright.store.database import Database
from meshwright.store.rows import Lent
from meshwright.store.windows import Window


class Bank:
    """Lends to one life of one writer (`Journal.life`); `opened` gives the database, in a thread."""

    def __init__(self, opened: Callable[[], Database], life: str, clock: Callable[[], float] = time) -> None:
        self._opened = opened
        self._life = life
        self._clock = clock

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        """See `store.accounts.lend`. Raises StoreError."""

        def lend() -> Lent:
            with self._opened().begin() as transaction:
                return accounts.lend(transaction, self._life, wanted, least, most, self._clock())

        return await asyncio.to_thread(lend)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        """See `store.accounts.give_back`. Raises StoreError."""

        def give_back() -> None:
            with self._opened().begin() as transaction:
                accounts.give_back(transaction, self._life, unused)

        await asyncio.to_thread(give_back)

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        """See `store.accounts.wants`. Raises StoreError."""

        def wants() -> dict[str, int]:
            with self._opened().read() as transaction:
                return accounts.wants(transaction, ids)

        return await asyncio.to_thread(wants)
