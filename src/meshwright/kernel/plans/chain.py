"""A chain: one model after the other, until one answers. Each may be asked more than once; all under one budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from meshwright.kernel.arrival import Reply
from meshwright.kernel.attempt import SOON, Way, attempt
from meshwright.kernel.doors import Turn
from meshwright.kernel.failing import another_may_help
from meshwright.kernel.plans.hedge import hedged
from meshwright.kernel.plans.rescue import Rescuer
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.work import Run, Work
from meshwright.resilience.backoff import backoff
from meshwright.resilience.balance import chosen, load
from meshwright.resilience.kinds import MANNERS, kind_of
from meshwright.routing.choose import ineligible
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.decision import Note, NoteKind, Plan
from meshwright.types.errors import (
    LimitReached,
    NoCandidate,
    Overloaded,
    UpstreamError,
    UpstreamStatus,
    UpstreamTimeout,
)

EARLY = 0.002
"""Seconds. uvloop counts whole milliseconds, so its timers may ring early, and whoever rests would be resting still."""


def run_chain(work: Work, plan: Plan, policy: Policy, run: Run) -> Awaitable[Reply]:
    """The first good answer. Raises the last UpstreamError when none answers, NotCarried, NoCandidate, Overloaded."""
    return Chain(work, plan, policy).answer()


class Chain:
    """The models of one plan, in order, for one request. What kept one out is a note on the trace."""

    def __init__(self, work: Work, plan: Plan, policy: Policy) -> None:
        self._work = work
        self._policy = policy
        self._signals = work.kernel.signals
        self._failed: UpstreamError | None = None
        self._short: LimitReached | None = None
        self._passed: dict[str, str] = {}
        models = [one for one in map(work.snapshot.deployment, plan.models) if one is not None]
        assert len(models) == len(plan.models)  # the router only names models that it was given
        self._models = self._balanced(models) if policy.failing.balance and len(models) > 1 else models

    async def answer(self) -> Reply:
        """The first good one."""
        for at, model in enumerate(self._models):
            # The decision is fresh for the first call of all; after that, things may have changed.
            if self._work.recording.attempts and (reason := no_longer(self._work, model, self._policy)):
                self._pass_over(model, reason)
                continue
            free = self._free(model)
            if isinstance(free, str):
                self._pass_over(model, free)
                continue
            reply = await self._ask(free, model, self._models[at + 1 :])
            if reply is not None:
                return reply
        if self._failed is None and self._short is None and (reply := await self._as_a_last_resort()) is not None:
            return reply
        if self._failed is not None:
            raise _told(self._failed, self._work.recording) from None
        if self._short is not None:
            raise self._short
        told = "; ".join(f"{name}: {reason}" for name, reason in self._passed.items())
        raise NoCandidate(
            f"No model is left that can serve this request: {told}.", self._passed, fix="Ask again in a while."
        )

    async def _ask(
        self, deployment: Deployment, model: Deployment, others: Sequence[Deployment], *, placed: bool = False
    ) -> Reply | None:
        """Its answer; None when it is the next one's turn. Raises what no other model can help."""
        tries, waited = 0, False
        while True:
            # Whoever was asked to come back later and does is no burden that a budget must bound.
            turn = None
            if self._failed is not None and not waited and (turn := await self._turn()) is None:
                return None
            try:
                return await self._tried(deployment, others, hedge=self._failed is None, placed=placed)
            except LimitReached as error:  # another one may be cheaper
                self._short = error
                self._note("passed_over", deployment, error.message)
                return None
            except UpstreamError as error:
                self._failed = error
            finally:
                if turn is not None:
                    turn.over()
            if not another_may_help(self._failed):
                raise _told(self._failed, self._work.recording) from None
            wait = self._again(self._failed, tries)
            if wait is None:
                return None
            tries += 1
            self._note("retry", deployment, f"after {wait:.2f} s, since it failed with {self._failed.code}")
            waited = await self._waited(deployment, wait)
            free = self._free(model, but=deployment, waited=waited)
            if isinstance(free, str):
                self._pass_over(model, free)
                return None
            deployment, placed, waited = free, False, waited and free is deployment

    def _tried(
        self, deployment: Deployment, others: Sequence[Deployment], *, hedge: bool, placed: bool
    ) -> Awaitable[Reply]:
        """One attempt, or two that race. Raises UpstreamTimeout when there is no time for it."""
        work, failing = self._work, self._policy.failing
        if work.until - (now := self._signals.now()) < SOON:
            if placed:
                standing = self._signals.standing(deployment.key, deployment.limit)
                self._signals.doors.given_back(deployment.key, standing, now)
            seconds = min(work.arrival.seconds or failing.total, failing.total)
            told = f"The request's own time of {seconds:g} s is over."
            raise UpstreamTimeout(told, "total") from self._failed
        stream = work.arrival.request.stream
        standing_by = [one for one in others if not self._signals.shut(one)] if stream or failing.hedge else []
        goes_on = stream and failing.on_break != "error"
        way = Way(
            first_token=self._patience(deployment) if stream and standing_by else None,
            rescue=Rescuer(work, self._policy, deployment, others).find if goes_on else None,
            placed=placed,
        )
        if hedge and failing.hedge and standing_by:
            after = self._signals.standing(deployment.key, deployment.limit).tail(stream).hedge_after()
            if after is not None:
                beside = standing_by[0], Way(rescue=way.rescue, role="hedge")
                return hedged(work, (deployment, way), beside, after)
        return attempt(work, deployment, way)

    def _patience(self, deployment: Deployment) -> float | None:
        """How long a stream may bring nothing useful. Who may think where nobody sees it has the time of its provider:
        many models think without being asked to."""
        if deployment.first_token is not None:
            return deployment.first_token
        asked = self._work.request.reasoning
        thinks = asked is None or not (asked.mode == "off" or asked.effort == "none")
        return None if thinks and deployment.model.can("reasoning") else self._policy.failing.first_token

    def _again(self, error: UpstreamError, tries: int) -> float | None:
        """Seconds after which the same deployment may be asked once more; None when it may not."""
        failing = self._policy.failing
        kind = kind_of(error)
        if kind is None or not MANNERS[kind].again or tries >= failing.retries:
            return None
        asked = _asked(error)
        wait = backoff(tries + 1, self._signals.draw) if asked is None else asked
        return wait if wait <= failing.patience and wait + SOON < self._work.left else None

    async def _waited(self, deployment: Deployment, wait: float) -> bool:
        """Wait so long. Whether it was for a provider that had asked for it; then until the end of what others were
        told meanwhile too, if that is near."""
        assert self._failed is not None
        await asyncio.sleep(wait + EARLY)
        if not _asked(self._failed):
            return False
        more = self._signals.rest(deployment)
        if 0 < more <= self._policy.failing.patience - wait and more + SOON < self._work.left:
            await asyncio.sleep(more + EARLY)
        return True

    async def _turn(self) -> Turn | None:
        """The budget's leave for another attempt; it is waited for, but not for ever."""
        seconds = min(self._signals.health.queue_seconds, self._work.left)
        turn = await self._signals.turns.take(seconds)
        if turn is None:
            self._note("waited", None, f"{seconds:.1f} s for the budget of second attempts, in vain")
        return turn

    def _free(self, model: Deployment, but: Deployment | None = None, waited: bool = False) -> Deployment | str:
        """The one of its equal deployments to ask now; or why none may be asked. Who `waited` for one that had asked
        for it need not stand aside for another request's try."""
        if not model.replicas:
            return self._signals.shut(model, waited) or model
        equals = [model, *model.replicas]
        reasons = [self._signals.shut(one, waited and one is but) for one in equals]
        open_ones = [one for one, reason in zip(equals, reasons, strict=True) if not reason]
        others = [one for one in open_ones if one is not but] or open_ones
        return others[chosen(self._loads(others), self._signals.draw)] if others else reasons[0]

    def _loads(self, equals: Sequence[Deployment]) -> list[float]:
        """What each has to do. One that was never timed counts as quick as the quickest, so that it is tried."""
        standings = [self._signals.standing(one.key, one.limit) for one in equals]
        times = [standing.first_byte or standing.total for standing in standings]
        quickest = min((time for time in times if time is not None), default=None)
        return [
            load(quickest if time is None else time, standing.concurrency.running)
            for time, standing in zip(times, standings, strict=True)
        ]

    def _balanced(self, models: list[Deployment]) -> list[Deployment]:
        """The lighter of two first, then the others by their load."""
        loads = self._loads(models)
        first = chosen(loads, self._signals.draw)
        rest = sorted((at for at in range(len(models)) if at != first), key=loads.__getitem__)
        return [models[at] for at in (first, *rest)]

    async def _as_a_last_resort(self) -> Reply | None:
        """Nobody could be asked: wait where there is no room, or ask who rests, if the caller named it."""
        equals = [one for model in self._models if model.model.name in self._passed for one in (model, *model.replicas)]
        signals, work = self._signals, self._work
        for one in equals:
            standing = signals.standing(one.key, one.limit)
            if not standing.concurrency.full or standing.breaker.shut(signals.now()):
                continue
            now = signals.now()
            until = now + min(signals.health.queue_seconds, work.left)
            tokens = float(self._tokens())
            if await signals.doors.enter(one.key, standing, work.arrival.principal, tokens, now, until):
                self._note("waited", one, f"{signals.now() - now:.2f} s for a place")
                return await self._ask(one, one, (), placed=True)
            raise Overloaded(
                f"{one.key} had no place for this request in {signals.health.queue_seconds:g} s.",
                fix="Ask again in a while.",
            )
        if self._policy.named and equals:
            soonest = min(equals, key=lambda one: signals.standing(one.key, one.limit).breaker.until(signals.now()))
            self._note("last_resort", soonest, "it rests, but nobody else can be asked")
            return await self._ask(soonest, soonest, ())
        return None

    def _tokens(self) -> int:
        """What the request asks for, for fairness between those who wait."""
        decision = self._work.recording.decision
        seen = decision.features if decision is not None else None
        return (seen.input_tokens + (seen.max_tokens or 0)) if seen is not None else 1

    def _pass_over(self, model: Deployment, reason: str) -> None:
        self._passed[model.model.name] = reason
        self._note("passed_over", model, reason)

    def _note(self, kind: NoteKind, about: Deployment | None, told: str) -> None:
        self._work.note(Note(kind=kind, about=about.key if about is not None else self._policy.name, told=told))


def no_longer(work: Work, deployment: Deployment, policy: Policy) -> str:
    """Why a fallback may not be asked after all; the filters once more, with the signals of now."""
    decision = work.recording.decision
    if decision is None or decision.features is None:
        return ""
    signal = work.kernel.signals.read().get(deployment.model.name, UNSEEN)
    return ineligible(deployment.model, decision.features, policy, signal)


def _asked(error: UpstreamError) -> float | None:
    """Seconds for which the provider asked to be left alone."""
    return error.retry_after if isinstance(error, UpstreamStatus) else None


def _told(error: UpstreamError, recording: Recording) -> UpstreamError:
    """The last error, telling of the other failures when there were any."""
    others = [f"{attempt.model}: {attempt.outcome}" for attempt in recording.attempts if attempt.outcome != "ok"]
    if len(others) > 1:
        error.message = f"{error.message} (All of {', '.join(others)}.)"
    return error
