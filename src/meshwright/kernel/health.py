"""What circuits, limits, budget and queues go by, for one gateway."""

from __future__ import annotations

import msgspec

from meshwright.resilience.budget import LEAST, SHARE
from meshwright.resilience.standing import Settings


class Health(msgspec.Struct, frozen=True):
    """What the signals go by: the standings' settings, the budget of second attempts, and the queues."""

    standing: Settings = Settings()
    share: float = SHARE
    least: int = LEAST
    queue: int = 1024
    queue_seconds: float = 60.0
