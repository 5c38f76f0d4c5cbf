"""What this process may still use of each limit: borrowed in parts, and used without asking anybody.

One request's way: `enter` counts it and gives a `Tab`; `set_aside` reserves the worst case of one call before a model
is asked and gives a `Grant`; `Grant.settle` puts in its place what was really used; `Tab.leave`, when the request is
over, says what it counts for by account. Only `enter` and `set_aside` may wait, and only when nothing is left here.

Everything runs on one event loop: between looking and taking nobody else can take.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic, time
from typing import Protocol

from meshwright.ledger.spent import refusal
from meshwright.store.rows import Lent
from meshwright.store.windows import Window, window
from meshwright.types.errors import StoreError
from meshwright.types.principal import Allowance

PATIENCE = 1.0
"""Seconds that a request waits for what other requests or processes hold and may give back."""
POLL = 0.05
CALM = 1.0
"""Seconds during which what was refused is refused again without asking."""
IDLE = 30.0
"""Seconds after which what is not used is given back."""
_log = logging.getLogger("meshwright.purse")


class Lender(Protocol):
    """Where parts of accounts come from. Every method raises StoreError."""

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        """At least `least` of the account, or nothing."""
        ...

    async def give_back(self, unused: Mapping[str, int]) -> None:
        """So much of these accounts is not needed here."""
        ...

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        """How often each account was found empty by anybody."""
        ...


class Borrowed:
    """The part of one account that this process has: what it got, used, and set aside for calls under way."""

    __slots__ = (
        "allowance", "filling", "granted", "id", "last", "quiet", "refused", "reserved", "share", "spent", "used",
        "waiting", "wants", "window",
    )  # fmt: skip

    def __init__(self, allowance: Allowance, within: Window) -> None:
        self.allowance = allowance
        self.window = within
        self.id = within.id
        self.granted = self.spent = self.reserved = 0
        self.last = Lent(0, allowance.amount, 0, 0)
        self.share = self.waiting = 0
        self.filling: asyncio.Task[Lent] | None = None
        self.refused = (0.0, 0)
        self.quiet = self.used = 0.0
        self.wants: int | None = None

    @property
    def free(self) -> int:
        """What can be taken at once."""
        return self.granted - self.spent - self.reserved

    @property
    def left(self) -> int:
        """What is left of the account as far as is known here."""
        known = self.last
        return max(0, (known.amount or 0) - known.spent - known.held + max(0, self.free))


class Tab:
    """What one request has set aside of its caller's limits, and what it counts for so far."""

    __slots__ = ("charges", "counted", "grants", "money", "tokens")

    def __init__(self) -> None:
        self.counted: list[Borrowed] = []
        self.tokens: list[Borrowed] = []
        self.money: list[Borrowed] = []
        self.grants: set[Grant] = set()
        self.charges: defaultdict[str, int] = defaultdict(int)

    @property
    def metered(self) -> bool:
        """Whether calls have to be reserved."""
        return bool(self.money or self.tokens)

    def every(self) -> Iterable[Borrowed]:
        """All that binds it."""
        return (*self.counted, *self.tokens, *self.money)

    def worst(self) -> dict[str, int]:
        """What the request counts for, by account, if it ends now and nobody ever learns what its calls used."""
        found = self.charges.copy()
        for part in self.counted:
            found[part.id] += part.allowance.measure == "requests"
        for grant in self.grants:
            for part in self.tokens:
                found[part.id] += grant.tokens
            for part in self.money:
                found[part.id] += grant.nano
        return {account: amount for account, amount in found.items() if amount}

    def leave(self) -> dict[str, int]:
        """The request is over; what it counts for, by account. A call that nobody settled counts for its worst case."""
        for grant in list(self.grants):
            grant.settle(None, None)
        for part in self.counted:
            part.reserved -= 1
            if part.allowance.measure == "requests":
                part.spent += 1
                self.charges[part.id] += 1
        self.counted = []
        return {account: amount for account, amount in self.charges.items() if amount}


class Grant:
    """The worst case of one call, set aside: nano-dollars, and tokens read and written."""

    __slots__ = ("nano", "tab", "tokens")

    def __init__(self, tab: Tab, tokens: int, nano: int) -> None:
        self.tab = tab
        self.tokens = tokens
        self.nano = nano
        tab.grants.add(self)

    def settle(self, nano: int | None, tokens: int | None) -> int | None:
        """What the call really used takes the place of the worst case, which stands where it is not known.

        Gives what it counts for in nano-dollars, None without a budget.
        """
        tab = self.tab
        tab.grants.discard(self)
        for parts, aside, used in ((tab.money, self.nano, nano), (tab.tokens, self.tokens, tokens)):
            amount = aside if used is None else used
            for part in parts:
                part.reserved -= aside
                part.spent += amount
                tab.charges[part.id] += amount
        return (self.nano if nano is None else nano) if tab.money else None

    def release(self) -> None:
        """The call was never made."""
        self.settle(0, 0)


class Purse:
    """All that one process has borrowed. `clock` gives seconds since 1970; `patience` is in seconds."""

    def __init__(self, lender: Lender, clock: Callable[[], float] = time, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lender = lender
        self._clock = clock
        self._parts: dict[tuple[str, str, str], Borrowed] = {}
        self._old: list[Borrowed] = []

    async def enter(self, allowances: Sequence[Allowance], counted: bool = True) -> Tab:
        """A request comes. `counted` False: as part of one that is counted. Raises LimitReached, StoreError."""
        tab = Tab()
        now = self._clock()
        counting = []
        for allowance in allowances:
            part = self._part(allowance, now)
            if allowance.measure == "money":
                tab.money.append(part)
            elif allowance.measure == "tokens":
                tab.tokens.append(part)
            elif counted:
                counting.append(part)
        await self._take([(part, 1) for part in counting])
        tab.counted = counting
        return tab

    async def set_aside(self, tab: Tab, tokens: int, nano: int) -> Grant:
        """The worst case of one call. Raises LimitReached, StoreError."""
        await self._take([*((part, nano) for part in tab.money), *((part, tokens) for part in tab.tokens)])
        return Grant(tab, tokens, nano)

    async def add(self, grant: Grant, tokens: int, nano: int) -> None:
        """The call may cost so much more. Raises LimitReached, StoreError."""
        tab = grant.tab
        await self._take([*((part, nano) for part in tab.money), *((part, tokens) for part in tab.tokens)])
        grant.tokens += tokens
        grant.nano += nano

    def parts(self, allowances: Sequence[Allowance]) -> list[Borrowed]:
        """What is known here of these limits now."""
        now = self._clock()
        return [self._part(allowance, now) for allowance in allowances]

    async def tidy(self) -> None:
        """Give back what is over, what lies idle, and what others want. Raises StoreError."""
        now, moment = self._clock(), monotonic()
        over = [part for part in self._old if not part.reserved]
        self._old = [part for part in self._old if part.reserved]
        for key, part in list(self._parts.items()):
            if part.window.until is not None and part.window.until <= now and not part.waiting:
                del self._parts[key]
                self._old.append(part)
        parts = [part for part in self._parts.values() if part.free > 0 and not part.waiting and part.filling is None]
        found = await self._lender.wants([part.id for part in parts]) if parts else {}
        unused = over
        for part in parts:
            before, part.wants = part.wants, found.get(part.id, part.wants)
            wanted = before is not None and part.wants != before
            if wanted or part.used + IDLE < moment:
                unused.append(part)
        await self._give_back(unused)

    async def _give_back(self, parts: Sequence[Borrowed]) -> None:
        unused = {part.id: part for part in parts if part.free > 0}
        amounts = {id: part.free for id, part in unused.items()}
        if not amounts:
            return
        for id, part in unused.items():
            part.granted -= amounts[id]
        try:
            await self._lender.give_back(amounts)
        except StoreError:
            for id, part in unused.items():
                part.granted += amounts[id]
            raise

    def _part(self, allowance: Allowance, now: float) -> Borrowed:
        key = _key(allowance)
        part = self._parts.get(key)
        # Its beginning, too: a clock that was ahead for a moment must not leave today's requests in tomorrow's window.
        if part is not None and part.window.start <= now and (part.window.until is None or now < part.window.until):
            return part
        if part is not None:
            self._old.append(part)
        part = self._parts[key] = Borrowed(allowance, window(allowance, now))
        return part

    async def _take(self, wanted: Sequence[tuple[Borrowed, int]]) -> None:
        """Set all of it aside at once; wait while something is short. Raises LimitReached, StoreError."""
        until = 0.0
        while (short := next(((part, need) for part, need in wanted if part.free < need), None)) is not None:
            until = until or monotonic() + self._patience
            await self._fill(*short, until)
        moment = monotonic()
        for part, need in wanted:
            part.reserved += need
            part.used = moment
            if part.free < part.share // 2 and part.filling is None and part.quiet < moment:
                part.filling = asyncio.create_task(self._borrow(part, 0))

    async def _fill(self, part: Borrowed, need: int, until: float) -> None:
        """Borrow more. Raises LimitReached when there is no more, or nobody gives back in time; StoreError."""
        refused, least = part.refused
        if monotonic() < refused and need >= least:
            raise self._refusal(part, need)
        part.waiting += need
        try:
            if part.filling is None:
                part.filling = asyncio.create_task(self._borrow(part, need))
            lent = await asyncio.shield(part.filling)
        finally:
            part.waiting -= need
        if part.free >= need or lent.granted:
            return
        if (lent.amount is not None and lent.spent + need > lent.amount) or monotonic() >= until:
            part.refused = (monotonic() + CALM, need)
            raise self._refusal(part, need)
        await asyncio.sleep(POLL)

    async def _borrow(self, part: Borrowed, need: int) -> Lent:
        """Ask for what is missing of `need`, and for more if more is waited for; 0: only what can be had easily."""
        least = max(0, need - part.free) if need else 0
        try:
            lent = await self._lender.lend(part.window, least, max(least, part.waiting - max(0, part.free)))
        except StoreError as error:
            if need:
                raise
            _log.warning("nothing can be borrowed ahead: %s", error)
            lent = Lent(0, part.last.amount, part.last.spent, part.last.held)
        finally:
            part.filling = None
        part.granted += lent.granted
        if self._parts.get(_key(part.allowance)) is not part and part not in self._old:
            self._old.append(part)  # its window is over, and a request that began in it still asked for more
        part.share = lent.granted or part.share
        part.last = lent
        if not lent.granted:
            part.quiet = monotonic() + CALM
        return lent

    def _refusal(self, part: Borrowed, need: int) -> Exception:
        return refusal(part.allowance, part.window, part.last, part.left, need, self._clock())


def _key(allowance: Allowance) -> tuple[str, str, str]:
    return allowance.owner, allowance.measure, allowance.per
