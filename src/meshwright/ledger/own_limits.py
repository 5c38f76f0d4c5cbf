"""Headers about the caller's own limits of a minute, in the words of his dialect."""

from __future__ import annotations

from collections.abc import Iterable
from time import time

from meshwright.ledger.purse import Borrowed
from meshwright.wire.rate_limits import Headers, Limit, limit_headers


def own_headers(parts: Iterable[Borrowed], dialect: str) -> Headers:
    """The tightest limit of requests and of tokens a minute: how much it is, what is left, when it begins anew."""
    tightest: dict[str, Borrowed] = {}
    for part in parts:
        if part.allowance.per == "minute" and part.allowance.measure in ("requests", "tokens"):
            known = tightest.get(part.allowance.measure)
            if known is None or part.left < known.left:
                tightest[part.allowance.measure] = part
    if not tightest:
        return ()
    limits = [
        Limit(measure, part.last.amount or part.allowance.amount, part.left, float(part.window.until or 0))
        for measure, part in tightest.items()
    ]
    return limit_headers(limits, dialect, time())
