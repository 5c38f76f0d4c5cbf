"""What a strategy is: a function that puts candidates in order and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from meshwright.routing.policy import Policy
from meshwright.types.decision import Candidate, Features

Rank = Callable[[list[Candidate], Features, Policy], tuple[list[Candidate], str]]

CLOSE = 0.2
"""A second task that likely is worth telling."""
SURE = 0.995


class Strategy(msgspec.Struct, frozen=True):
    """`rank` returns the candidates best first, and the reason for the first. `tasks`: it needs the task classified.

    `options` are the names that a route's `options` may have, each with its meaning: all of them are numbers.
    """

    rank: Rank
    tasks: bool
    summary: str
    options: Mapping[str, str] = {}


def kind(features: Features) -> str:
    """What kind of request it seems to be, and how sure that is, in words; the runner-up too when it is close."""
    # Nobody is quite sure: what would be rounded to 100% is told as what it is.
    sure = f"{features.sure:.0%}" if features.sure < SURE else "over 99%"
    told = f"it looks like {features.task} ({sure} sure)"
    second = next(((task, share) for task, share in list(features.tasks.items())[1:2] if share >= CLOSE), None)
    return f"{told}, perhaps {second[0]} ({second[1]:.0%})" if second else told
