"""The control plane's part in learning: from what was found out about answers to what every worker expects."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from meshwright.kernel.config.tables import Config
from meshwright.kernel.learning import router_files
from meshwright.ledger.audit.acts import record
from meshwright.ledger.evidence import PURSE, WORTH
from meshwright.ledger.feedback import BELIEVED, worth
from meshwright.routing.quality.gains import Gains
from meshwright.store import decisions, feedback, settings, trials
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Feedback
from meshwright.types.model import bare

if TYPE_CHECKING:
    from meshwright.routing.quality.online import Online, Outcome

NANO = 1_000_000_000
AT_ONCE = 10_000
BEHIND = 50
"""Rows that are read again: on PostgreSQL one with a lower number may be committed after one with a higher."""
MOST_KNOWN = 50_000
"""The latest answers of which all that was said is kept, to be put together with what is said later; a few times more
than are learned from."""
TROUBLE_DAYS = 30
UNHURRIED = 20
"""Answers without trouble that every model is taken to have given before."""
SHARE, LONGEST_REST = 4, 3.0
"""Of its time the learner works one part and rests as many, but never for more seconds."""
_FORGOTTEN = "learning/forgotten"
_log = logging.getLogger("meshwright.learning")


class Learning:
    """Learns from the feedback in the database. One thread; `look` is called again and again."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._online: Online | None = None
        self._known: dict[str, dict[tuple[str, str], Feedback]] = {}
        self._read = 0
        self._version = 0
        self._epoch = ""
        self._rest_until = 0.0
        self._told = False
        self._purse: dict[str, int] = {}
        self._trouble: dict[str, float] = {}

    def look(self, enabled: bool, labels: Mapping[str, float], budgets: Mapping[str, int]) -> None:
        """Take in what is new, and publish what follows from it. `budgets` are nano-dollars a day, by route."""
        if not enabled:
            router_files.keep_gains(self._folder, None)
            self._begin()
            return
        now = time.monotonic()
        if now < self._rest_until:
            return
        since = router_files.since(self._folder)
        with self._database.read() as transaction:
            epoch = f"{since} {settings.get(transaction, _FORGOTTEN)}"
            last = feedback.last(transaction)
            left = self._left(transaction, budgets)
            if last > self._read or epoch != self._epoch:
                lately = max(since, time.time() - TROUBLE_DAYS * trials.DAY_SECONDS)
                self._trouble = trouble(feedback.seen(transaction, lately), decisions.served(transaction, lately))
        if epoch != self._epoch:
            self._begin()
            self._epoch = epoch
        changed = self._take(labels, last) if last > self._read else False
        if left != self._purse:
            self._purse, changed = left, True
        if not changed and self._online is not None and not self._online.settled:
            self._online.improve()
            changed = True
        if changed or not (self._folder / router_files.GAINS).exists():
            self._publish()
            ended = time.monotonic()
            self._rest_until = ended + min(LONGEST_REST, SHARE * (ended - now))

    def _begin(self) -> None:
        self._online, self._known, self._read, self._epoch = None, {}, 0, ""
        (self._folder / router_files.GAINS).unlink(missing_ok=True)

    def _take(self, labels: Mapping[str, float], last: int) -> bool:
        """What came up to `last`, as far as trouble was looked for: what comes meanwhile is for the next time."""
        if importlib.util.find_spec("numpy") is None:
            self._read = last
            if not self._told:
                self._told = True
                _log.warning("learning from feedback needs numpy: pip install 'meshwright[offline]'")
            return False
        if self._online is None:
            # With numpy: a gateway that nobody gives feedback to does not need its 20 MiB.
            from meshwright.routing.quality.online import Online

            self._online = Online(router_files.salt(self._folder))
        periods = router_files.periods(self._folder)
        before = len(self._online.drifts)
        while True:
            with self._database.read() as transaction:
                found = feedback.after(transaction, max(0, self._read - BEHIND), AT_ONCE)
            rows = [row for row in found if row.n <= last]
            if not rows or rows[-1].n <= self._read:
                break
            self._read = rows[-1].n
            outcomes = self._outcomes(
                [row for row in rows if any(begun <= row.asked < ended for begun, ended in periods)], labels
            )
            self._online.take(outcomes)
        self._read = last  # the latest may have been set aside
        for drift in self._online.drifts[before:]:
            _log.warning(
                "%s has changed: it scored %+.2f beside what was expected, and now %+.2f; older outcomes count a tenth",
                drift.model, drift.before, drift.after,
            )  # fmt: skip
        return True

    def _outcomes(self, rows: Iterable[Feedback], labels: Mapping[str, float]) -> list[Outcome]:
        """What is known of each answer that the rows are about, all kinds and principals together."""
        # The same module as above, which is there by now.
        from meshwright.routing.quality.online import Outcome

        touched: dict[str, Feedback] = {}
        for row in rows:
            if not row.principal and row.kind in WORTH:
                continue  # what could merely be seen counts in the rate of trouble
            key = f"{row.decision} {row.model}"
            self._known.setdefault(key, {})[row.kind, row.principal] = row
            touched[key] = row
        found = []
        for key, row in touched.items():
            score, weight = worth(self._known[key].values(), labels)
            if weight and row.prior is not None and row.expected is not None:
                found.append(
                    Outcome(
                        key=key,
                        model=bare(row.model),
                        score=score,
                        weight=weight,
                        prior=row.prior,
                        expected=row.expected,
                        sketch=row.sketch,
                    )
                )
        for key in list(islice(self._known, max(0, len(self._known) - MOST_KNOWN))):
            del self._known[key]
        return found

    def _publish(self) -> None:
        self._version += 1
        online = self._online
        salt = router_files.salt(self._folder)
        gains = Gains(version=self._version, salt=salt)
        if online is not None:
            gains = online.gains(self._version, self._trouble)
        router_files.keep_gains(self._folder, msgspec.structs.replace(gains, left=self._purse))

    def _left(self, transaction: Transaction, budgets: Mapping[str, int]) -> dict[str, int]:
        """What is left today of each route's budget for trying models."""
        if not budgets:
            return {}
        spent = trials.on(transaction, int(time.time() // trials.DAY_SECONDS))
        return {route: max(0, budget - spent.get(route, 0)) for route, budget in budgets.items()}


def budgets(config: Config) -> dict[str, int]:
    """What each route may spend on trying models, in nano-dollars a day."""
    given = {name: route.options.get("budget", 0) for name, route in config.routes.items()}
    if config.learning.judge:
        given[PURSE] = float(config.learning.budget)
    return {name: round(float(dollars) * NANO) for name, dollars in given.items() if dollars}


def trouble(seen: Mapping[tuple[str, str], int], answers: Mapping[str, int]) -> dict[str, float]:
    """What each model, by its bare name, loses on average by what can be seen of its answers."""
    lost: dict[str, float] = {}
    given: dict[str, int] = {}
    for model, count in answers.items():
        given[bare(model)] = given.get(bare(model), 0) + count
    for (model, kind), count in seen.items():
        if kind in WORTH:
            severe = BELIEVED[kind] * (1 - WORTH[kind])
            lost[bare(model)] = lost.get(bare(model), 0.0) + severe * count
    return {model: round(loss / (given.get(model, 0) + UNHURRIED), 4) for model, loss in lost.items()}


def forget(database: Database, *, since: float, principal: str, model: str, actor: str) -> int:
    """Learn no more from what was found out since then; how many rows that were. A running gateway does so at once."""
    now = time.time()
    with database.begin() as transaction:
        count = feedback.set_aside(transaction, now, since=since, principal=principal, model=model)
        settings.put(transaction, _FORGOTTEN, str(now))
        detail = {"since": since, "principal": principal, "model": model, "count": count}
        record(transaction, actor, "router.forgot", "router", detail=detail)
    return count
