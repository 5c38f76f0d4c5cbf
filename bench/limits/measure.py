"""What limits cost each request in this process: counted, set aside, journalled, settled. CPU time, not the clock's.

The reference is a request of a key without limits, in the same run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.principal import Allowance, Principal

TURNS = 10_000
MUCH = 10**18
BUDGET = (Allowance("key:k", "money", "month", MUCH),)
SIX = (
    *BUDGET,
    Allowance("key:k", "requests", "minute", MUCH),
    Allowance("key:k", "tokens", "minute", MUCH),
    Allowance("key:k", "concurrent", "moment", MUCH),
    Allowance("team:t", "money", "month", MUCH),
    Allowance("gateway", "money", "day", MUCH),
)


class Rich:
    """It lends whatever is asked, so that nothing waits."""

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        """A lot."""
        return Lent(MUCH, 2 * MUCH, 0, MUCH)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        """It has enough."""

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Nothing."""
        return {}


async def microseconds(turn: Callable[[], Awaitable[None]]) -> float:
    """CPU microseconds of one turn, the best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(TURNS):
            await turn()
        rounds.append((time.process_time() - began) / TURNS * 1e6)
    return min(rounds)


async def main() -> None:
    """Print the table."""
    purse, nobody = Purse(Rich()), Principal(id="free")
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), "bench")

        async def free() -> None:
            if nobody.allowances or nobody.bounds:
                raise AssertionError

        def limited(allowances: tuple[Allowance, ...]) -> Callable[[], Awaitable[None]]:
            async def turn() -> None:
                tab = await purse.enter(allowances)
                grant = await purse.set_aside(tab, 3_000, 1_000_000)
                journal.hold("dec_19ad1c3b2f7a1b2c3d4e5f60718", "openai/gpt-4.1", tab.worst())
                grant.settle(100_000, 900)
                tab.leave()

            return turn

        none = await microseconds(free)
        for name, cost in (
            ("a key without limits", none),
            ("a budget", await microseconds(limited(BUDGET))),
            ("six limits of a key, its team and the gateway", await microseconds(limited(SIX))),
        ):
            print(f"{cost:8.2f} µs  {cost - none:+8.2f} µs  {name}")
        journal.close()


asyncio.run(main())
