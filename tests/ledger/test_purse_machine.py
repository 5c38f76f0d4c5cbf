"""Whatever requests, workers and time do: nothing is spent that was not lent, and nothing lent that is not there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from meshwright.ledger.purse import Grant, Purse, Tab
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.errors import LimitReached
from meshwright.types.principal import Allowance

LIMITS = (
    Allowance("key:k", "money", "day", 1_000),
    Allowance("team:t", "money", "total", 2_500),
    Allowance("key:k", "tokens", "minute", 300),
    Allowance("key:k", "requests", "minute", 9),
    Allowance("gateway", "concurrent", "moment", 5),
)
AMOUNTS = {(one.owner, one.measure, one.per): one.amount for one in LIMITS}


class Accounts:
    """The accounts of the database in a few lines, and what each life holds of them."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.held: Counter[tuple[str, str]] = Counter()
        self.amounts: dict[str, int] = {}
        self.wanted: Counter[str] = Counter()

    def lent(self, account: str) -> int:
        return sum(amount for (_, other), amount in self.held.items() if other == account)

    def end(self, life: str, charges: Mapping[str, int]) -> None:
        """The journal of a life is imported to here."""
        for account, amount in charges.items():
            self.spent[account] += amount
            self.held[life, account] -= amount


class Worker:
    """A purse's lender, and the requests of its process."""

    def __init__(self, accounts: Accounts, life: str, clock: Sequence[float]) -> None:
        self.accounts, self.life = accounts, life
        self.purse = Purse(self, lambda: clock[0], patience=0.0)
        self.tabs: list[Tab] = []
        self.grants: list[Grant] = []

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        known = self.accounts
        amount = known.amounts[wanted.id] = AMOUNTS[wanted.owner, wanted.measure, wanted.per]
        spent, held = known.spent[wanted.id], known.lent(wanted.id)
        left = amount - spent - held
        if left < least or left <= 0:
            known.wanted[wanted.id] += 1
            return Lent(0, amount, spent, held)
        granted = min(left, max(least, min(amount // 20, left // 4), min(most, left // 2)))
        known.held[self.life, wanted.id] += granted
        return Lent(granted, amount, spent, held + granted)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        for account, amount in unused.items():
            self.accounts.held[self.life, account] -= amount

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        return {account: self.accounts.wanted[account] for account in ids}


class Budgets(RuleBasedStateMachine):
    """Two workers, five limits, a clock that jumps, and workers that die."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = [1_000_000_000.0]
        self.accounts = Accounts()
        self.lives = 0
        self.workers = [self._born(), self._born()]
        self.charged: Counter[str] = Counter()

    def _born(self) -> Worker:
        self.lives += 1
        return Worker(self.accounts, f"life{self.lives}", self.clock)

    def _charge(self, worker: Worker, charges: Mapping[str, int]) -> None:
        self.accounts.end(worker.life, charges)
        self.charged.update(charges)

    async def _settled(self, work):
        found = await work
        await asyncio.sleep(0)  # what is borrowed ahead comes
        await asyncio.sleep(0)
        return found

    def _run(self, work):
        return self.loop.run_until_complete(self._settled(work))

    @rule(at=st.integers(0, 1))
    def a_request_comes(self, at: int) -> None:
        worker = self.workers[at]
        try:
            worker.tabs.append(self._run(worker.purse.enter(LIMITS)))
        except LimitReached:
            pass  # refused: the invariants say that nothing is left behind

    @rule(at=st.integers(0, 1), nano=st.integers(0, 900), tokens=st.integers(0, 200))
    def a_call_is_set_aside(self, at: int, nano: int, tokens: int) -> None:
        worker = self.workers[at]
        if worker.tabs:
            try:
                worker.grants.append(self._run(worker.purse.set_aside(worker.tabs[-1], tokens, nano)))
            except LimitReached:
                pass  # the same

    @rule(at=st.integers(0, 1), share=st.one_of(st.none(), st.floats(0, 1)))
    def a_call_is_settled(self, at: int, share: float | None) -> None:
        worker = self.workers[at]
        if worker.grants:
            grant = worker.grants.pop()
            used = (None, None) if share is None else (int(grant.nano * share), int(grant.tokens * share))
            grant.settle(*used)

    @rule(at=st.integers(0, 1))
    def a_request_is_over(self, at: int) -> None:
        worker = self.workers[at]
        if worker.tabs:
            tab = worker.tabs.pop(0)
            worker.grants = [grant for grant in worker.grants if grant.tab is not tab]
            self._charge(worker, tab.leave())

    @rule(at=st.integers(0, 1))
    def a_worker_is_killed(self, at: int) -> None:
        worker = self.workers[at]
        for tab in worker.tabs:  # its journal says the worst case of what was under way
            self._charge(worker, tab.worst())
        for life, account in list(self.accounts.held):
            if life == worker.life:
                del self.accounts.held[life, account]
        self.workers[at] = self._born()

    @rule(at=st.integers(0, 1))
    def a_worker_tidies_up(self, at: int) -> None:
        self._run(self.workers[at].purse.tidy())

    @rule(seconds=st.sampled_from((1.0, 61.0, 90_000.0)))
    def time_passes(self, seconds: float) -> None:
        self.clock[0] += seconds

    @invariant()
    def no_account_goes_over(self) -> None:
        for account, amount in self.accounts.amounts.items():
            assert self.accounts.spent[account] + self.accounts.lent(account) <= amount
        assert all(amount >= 0 for amount in self.accounts.held.values())

    @invariant()
    def all_that_was_charged_is_spent(self) -> None:
        assert +self.charged == +self.accounts.spent

    @invariant()
    def no_more_runs_at_once_than_may(self) -> None:
        assert sum(len(worker.tabs) for worker in self.workers) <= LIMITS[-1].amount

    def teardown(self) -> None:
        self.loop.close()


def test_what_a_late_call_borrows_of_a_window_that_is_over_is_given_back():
    async def late() -> set[str]:
        clock, accounts = [1_000_000_000.0], Accounts()
        worker = Worker(accounts, "one", clock)
        tab = await worker.purse.enter(LIMITS, counted=False)
        clock[0] += 90_000.0
        for _ in range(2):
            await worker.purse.tidy()
        grant = await worker.purse.set_aside(tab, 10, 10)
        grant.settle(5, 5)
        accounts.end("one", tab.leave())
        await asyncio.sleep(0)  # what is borrowed ahead comes
        await worker.purse.tidy()
        return {account for (_, account), amount in accounts.held.items() if amount and account.startswith("key:")}

    assert asyncio.run(late()) == set()


Budgets.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBudgets = Budgets.TestCase
