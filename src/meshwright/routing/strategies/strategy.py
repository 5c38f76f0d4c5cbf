"""What a strategy is: a function that puts candidates in order and says why."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from meshwright.routing.policy import Policy
from meshwright.types.decision import Candidate, Features

Rank = Callable[[list[Candidate], Features, Policy], tuple[list[Candidate], str]]


class Strategy(msgspec.Struct, frozen=True):
    """`rank` returns the candidates best first, and the reason for the first. `tasks`: it needs the task classified."""

    rank: Rank
    tasks: bool
    summary: str
