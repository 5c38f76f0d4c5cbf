"""Setting aside what one call may cost at most, before a model is asked; only for callers with limits.

    await enter(kernel, principal, recording)           # once: the request is counted
    await covered.set_aside(work, deployment.model, attempt)    # before each call of each attempt
    attempt.close(usage, …)                             # settles: what was used takes the place of the worst case
    kernel.settle(recording)                            # once: what is left is free, and the trace says it all

The worst case is what no honest provider goes above: as many input tokens as there are bytes, at the dearest of their
prices, and `max_tokens` of output, or what `kernel.covered` finds where the caller gave none.
"""

from __future__ import annotations

from meshwright.kernel.bounds import PRICE_FIX
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.work import Work
from meshwright.ledger.money import MILLION
from meshwright.ledger.own_limits import own_headers
from meshwright.ledger.purse import Tab
from meshwright.routing.calibrate import candidates
from meshwright.routing.features import BYTES_PER_TOKEN, features
from meshwright.routing.reading import most_media, unread
from meshwright.types.decision import Features
from meshwright.types.errors import LengthUnknown, LimitReached, OverMaxCost, PriceUnknown
from meshwright.types.model import Model
from meshwright.types.money import dollars
from meshwright.types.principal import Principal

AROUND = 200
"""Tokens that a provider may put around a conversation."""
TOOLS = 500
"""The same for tools."""


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


def most_read(work: Work, model: Model) -> tuple[Features, int]:
    """What is seen of the request as it now stands, and the most tokens that it can be for that model.

    That is what its own tokenizer counted, where one did, and else its bytes; and the most that its media may be.
    """
    decision, request = work.recording.decision, work.request
    seen = decision.features if decision is not None else None
    if seen is None or request.messages is not work.seen:
        seen = features(request, False, matters=lambda _: False)
    most = seen.characters - seen.media_tokens * BYTES_PER_TOKEN
    if not request.tools and (count := seen.counted.get(model.tokenizer)) is not None:
        # How tools are written out, providers do not tell; of what no tokenizer sees, the count has but a fourth.
        most = min(most, count + unread(request))
    most += most_media(model, seen)
    return seen, most + AROUND + 4 * len(request.messages) + (TOOLS if request.tools else 0)


def longest(kernel: Kernel, model: Model, tab: Tab | None) -> int:
    """The most tokens of an answer to a request that is not read here, and cannot be told a maximum.

    Raises LengthUnknown.
    """
    if model.max_output is None and tab is not None and tab.money and writing_costs(model):
        raise LengthUnknown(
            f"How long an answer of {model.name} may be is not known, and this key has a budget.",
            fix="State max_output of the model in [models] of mesh.toml.",
        )
    return model.max_output or kernel.snapshot.budgets.output_tokens


def writing_costs(model: Model) -> bool:
    """Whether a longer answer may cost more than a shorter one."""
    return dearest(model, 0, MILLION) != dearest(model, 0, 0)


def promised(model: Model, read: int, cap: int | None, requests: int = 1) -> None:
    """Refuse what is only read, where that many tokens may cost more than its caller allows. Raises OverMaxCost."""
    if cap is None:
        return
    worst = dearest(model, read, 0, requests)
    if worst is None:
        raise OverMaxCost(f"What {model.name} costs is not known, and max_cost is set.", fix=PRICE_FIX)
    if worst > cap:
        raise OverMaxCost(
            f"{model.name} may charge {dollars(worst)} USD for reading it, and max_cost leaves {dollars(cap)} USD.",
            fix="Raise max_cost, send less at once, or ask a cheaper model.",
        )


def affordable(nano: int, per_million: int) -> int:
    """How many tokens of output that money buys, a million at most: what a million costs says nothing beyond it.

    One nano-dollar is left for what rounding the price of a call up may add.
    """
    return min(MILLION, max(0, (nano - 1) * MILLION // per_million))


def expected(work: Work, model: Model, answers: int) -> float:
    """Tokens that one answer should have, by the router's prediction; at least one."""
    decision = work.recording.decision
    found = next((one for one in candidates(decision) if one.model == model.name), None) if decision else None
    return max(1.0, found.tokens.value / max(1, answers)) if found is not None and found.tokens is not None else 1.0


async def reserve(kernel: Kernel, attempt: OpenAttempt, model: Model, read: int, write: int, requests: int = 1) -> None:
    """The worst case of a call that reads and writes so many tokens at most; it is in the journal before the call.

    Raises LimitReached, PriceUnknown, StoreError.
    """
    recording = attempt.recording
    tab = recording.tab
    if tab is None or kernel.purse is None or not tab.metered:
        return
    nano = 0
    if tab.money:
        worst = dearest(model, read, write, requests)
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


def dearest(model: Model, read: int, write: int, requests: int = 1) -> int | None:
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
        amount = requests * price.request - -millionths // MILLION
        found = amount if found is None else max(found, amount)
    return found
