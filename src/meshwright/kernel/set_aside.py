"""Setting aside what one call may cost at most, before a model is asked; only for callers with limits.

    await enter(kernel, principal, recording)           # once: the request is counted
    await set_aside(work, deployment.model, attempt)    # before each call of each attempt
    attempt.close(usage, …)                             # settles: what was used takes the place of the worst case
    kernel.settle(recording)                            # once: what is left is free, and the trace says it all

The worst case is what no honest provider goes above: as many input tokens as there are bytes, at the dearest of their
prices, and `max_tokens` of output, or the largest answer that the model gives. `Kernel.upper` may know better.
"""

from __future__ import annotations

from collections.abc import Callable

from meshwright.kernel.bounds import PRICE_FIX
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.work import Work
from meshwright.ledger.money import MILLION
from meshwright.ledger.own_limits import own_headers
from meshwright.routing.features import features
from meshwright.types.decision import Features
from meshwright.types.errors import LimitReached, PriceUnknown
from meshwright.types.model import Model
from meshwright.types.principal import Principal

AROUND = 200
"""Tokens that a provider may put around a conversation."""
TOOLS = 500
"""The same for tools."""
Upper = Callable[[Features, Model], int | None]
"""The most tokens that a model will answer with, None when nothing is known."""


async def enter(kernel: Kernel, principal: Principal, recording: Recording, counted: bool = True) -> None:
    """Count the request on each limit of its caller. `counted` False: it is part of another one.

    Raises LimitReached, StoreError.
    """
    if not principal.allowances or kernel.purse is None:
        return
    try:
        recording.tab = await kernel.purse.enter(principal.allowances, counted)
    except LimitReached as error:
        error.limits = own_headers(kernel.purse.parts(principal.allowances), recording.dialect)
        raise


async def set_aside(work: Work, model: Model, attempt: OpenAttempt) -> None:
    """Before a model is asked: the worst case of it. Raises LimitReached, PriceUnknown, StoreError."""
    tab = work.recording.tab
    if tab is None or not tab.metered:
        return
    seen, read = most_read(work)
    await reserve(work.kernel, attempt, model, read, (work.request.n or 1) * written(work.kernel, seen, model))


def most_read(work: Work) -> tuple[Features, int]:
    """What is seen of the request as it now stands, and the most tokens that it can be."""
    decision, request = work.recording.decision, work.request
    seen = decision.features if decision is not None else None
    if seen is None or request.messages is not work.seen:
        seen = features(request, False, matters=lambda _: False)
    return seen, seen.characters + AROUND + 4 * len(request.messages) + (TOOLS if request.tools else 0)


def written(kernel: Kernel, seen: Features, model: Model) -> int:
    """The most tokens of one answer."""
    said = [one for one in (seen.max_tokens, model.max_output) if one is not None]
    if seen.max_tokens is None and (known := kernel.upper(seen, model)) is not None:
        said.append(known)
    return min(said) if said else kernel.snapshot.budgets.output_tokens


def longest(kernel: Kernel, model: Model) -> int:
    """The most tokens of an answer to a request that is not read here."""
    return model.max_output or kernel.snapshot.budgets.output_tokens


async def reserve(kernel: Kernel, attempt: OpenAttempt, model: Model, read: int, write: int) -> None:
    """The worst case of a call that reads and writes so many tokens at most; it is in the journal before the call.

    Raises LimitReached, PriceUnknown, StoreError.
    """
    recording = attempt.recording
    tab = recording.tab
    if tab is None or kernel.purse is None or not tab.metered:
        return
    nano = 0
    if tab.money:
        worst = dearest(model, read, write)
        if worst is None:
            raise PriceUnknown(f"What {model.name} costs is not known, and this key has a budget.", fix=PRICE_FIX)
        nano = worst
    try:
        grant = await kernel.purse.set_aside(tab, read + write, nano)
    except LimitReached as error:
        error.limits = own_headers(tab.every(), recording.dialect)
        raise
    attempt.grant = grant
    try:
        kernel.journal.hold(recording.id, model.name, tab.worst())
    except BaseException:
        grant.release()
        attempt.grant = None
        raise


def dearest(model: Model, read: int, write: int) -> int | None:
    """Nano-dollars of so many tokens at the dearest prices that may hold for them; None when one is not known."""
    found = None
    for price in model.prices:
        if price.above > read:
            break
        fresh = [
            one for one in (price.input, price.cache_write, price.cache_write_1h, price.audio_input) if one is not None
        ]
        made = [one for one in (price.output, price.audio_output) if one is not None]
        if price.input is None or (write and price.output is None):
            return None
        millionths = read * max(fresh) + (write * max(made) if write else 0)
        amount = price.request - -millionths // MILLION
        found = amount if found is None else max(found, amount)
    return found
