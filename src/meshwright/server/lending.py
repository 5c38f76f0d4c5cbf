"""A process's purse: parts of limits, borrowed from the accounts of the database under the name of its journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from meshwright.ledger.purse import Purse
from meshwright.server.database import Opening
from meshwright.server.trouble import Trouble
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.errors import StoreError

if TYPE_CHECKING:
    from meshwright.ledger.bank import Bank

TIDY_SECONDS = 0.25
_log = logging.getLogger("meshwright.purse")


class Lending:
    """A bank (`ledger.bank`) that is opened at the first need: a worker without limited callers never does."""

    def __init__(self, database: Opening, life: str) -> None:
        self._database = database
        self._life = life
        self._bank: Bank | None = None

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        """See `ledger.purse.Lender`."""
        return await (await self._opened()).lend(wanted, least, most)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        """See `ledger.purse.Lender`."""
        await (await self._opened()).give_back(unused)

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        """See `ledger.purse.Lender`."""
        return await (await self._opened()).wants(ids)

    async def _opened(self) -> Bank:
        if self._bank is None:
            self._bank = await asyncio.to_thread(self._open)
        return self._bank

    def _open(self) -> Bank:
        # Imported here because SQLAlchemy takes 20 MiB and 0.2 s that a worker without limited callers never needs.
        from meshwright.ledger.bank import Bank

        return Bank(self._database, self._life)


async def keep_tidy(purse: Purse) -> None:
    """Give back in time what others want. Never ends."""
    trouble = Trouble(_log, "what is borrowed cannot be given back")
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        try:
            await purse.tidy()
        except StoreError as error:
            trouble.error(error)
        else:
            trouble.over()
