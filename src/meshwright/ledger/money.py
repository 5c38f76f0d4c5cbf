"""What an answer cost: tokens times prices, in integer nano-dollars, rounded once; unknown is never 0."""

from __future__ import annotations

from operator import attrgetter

import msgspec

from meshwright.types.model import Price
from meshwright.types.money import dollars
from meshwright.types.usage import Usage

MILLION = 1_000_000
MOST_TOKENS = 1_000_000_000
"""No answer takes so many: the widest windows have a hundredth of it. Whoever reports more is not believed."""
DEAREST = 1_000_000_000_000_000
"""Nano-dollars, a million dollars; the same for what one answer costs."""
UNTOLD = "the provider told no usage"
_BUCKETS = Usage.__struct_fields__[: Usage.__struct_fields__.index("estimated")]
_OF_TOKENS = tuple(bucket for bucket in _BUCKETS if bucket != "requests")
_counts = attrgetter(*_OF_TOKENS)
_rates = attrgetter(*("output" if bucket == "reasoning" else bucket for bucket in _OF_TOKENS))
"""The price that holds for each of them, of a Price."""


def cost(usage: Usage, prices: tuple[Price, ...]) -> tuple[int | None, str]:
    """The cost of one answer in nano-dollars and "", or None and the reason why it is not known.

    - `usage.cost_nano`, the provider's own price tag, wins over every table.
    - The tier is the one with the greatest `above` that is not greater than `usage.total_input` ("the number of input
      tokens from which this price holds"); it prices the whole answer, as providers with context tiers do. A usage that
      adds up several answers has no tier of its own: price each answer, then add.
    - Prices are nano-dollars per million tokens. Every bucket is multiplied first, the sum is divided by a million once
      and rounded half to even, so that an answer is off by at most half a nano-dollar, whatever it consists of.
    - `Price.request` is charged `usage.requests` times, and at least once: a usage is one answer unless it says more.

    A bucket without tokens needs no price. A bucket with tokens and without a price makes the whole cost unknown, but
    for one fallback: reasoning is priced as `output`, for `Price` has no price of its own for it and providers bill it
    so. Nothing else is guessed: cache reads are not priced as input, an hour's cache write is not priced as a five
    minutes' one, audio is not priced as text. What cannot be true (`incredible`) is unknown, too. Raises nothing; never
    touches a float.
    """
    if usage.cost_nano is not None:
        wrong = incredible(usage)
        return (None, wrong) if wrong else (usage.cost_nano, "")
    if not prices:
        return None, "no price is known for this model"
    price = _tier(usage.total_input, prices)
    if price is None:
        return None, f"no price is known for a request of {usage.total_input} input tokens"
    millionths = price.request * max(usage.requests, 1) * MILLION
    counted = usage.requests
    for bucket, tokens, rate in zip(_OF_TOKENS, _counts(usage), _rates(price), strict=True):
        if tokens == 0:
            continue
        if not 0 < tokens <= MOST_TOKENS:
            return None, incredible(usage)
        if rate is None:
            return None, f"no price is known for {bucket} tokens, and there were {tokens}"
        millionths += tokens * rate
        counted = 1
    if not 0 < counted <= MOST_TOKENS and not usage.estimated:
        return None, incredible(usage)
    return _rounded(millionths), ""


def incredible(usage: Usage) -> str:
    """Why what a provider says that an answer used cannot be so, "" when it can.

    An answer that was read and written without a token is one of which nothing was told. One that gives money back, or
    that used up all that there is, must neither fill a budget nor empty it.
    """
    if usage.cost_nano is not None and not 0 <= usage.cost_nano <= DEAREST:
        return f"the provider reported a cost of {dollars(usage.cost_nano)} USD, which cannot be"
    counts: tuple[int, ...] = msgspec.structs.astuple(usage)[: len(_BUCKETS)]
    if min(counts) >= 0 and max(counts) <= MOST_TOKENS:
        return "" if any(counts) or usage.cost_nano is not None or usage.estimated else UNTOLD
    bucket, count = next(one for one in zip(_BUCKETS, counts, strict=True) if not 0 <= one[1] <= MOST_TOKENS)
    return f"the provider reported {count} {bucket}{'' if bucket == 'requests' else ' tokens'}, which cannot be"


def _tier(total_input: int, prices: tuple[Price, ...]) -> Price | None:
    chosen: Price | None = None
    for price in prices:
        if price.above <= total_input and (chosen is None or price.above >= chosen.above):
            chosen = price
    return chosen


def _rounded(millionths: int) -> int:
    """Millionths of a nano-dollar to nano-dollars, half to even."""
    whole, rest = divmod(millionths, MILLION)
    return whole + (rest * 2 > MILLION or (rest * 2 == MILLION and whole % 2 == 1))
