"""How hard a route tries before it fails, and what it does with an answer that breaks off."""

from __future__ import annotations

from typing import Literal

import msgspec

OnBreak = Literal["error", "continue", "restart"]


class Failing(msgspec.Struct, frozen=True, omit_defaults=True):
    """All times in seconds.

    `retries` are tries more at the same deployment, each after a wait of at most `patience`; what a provider asks to
    wait beyond that sends the request to the next model. `first_token` is how long a stream may bring nothing useful
    while another model stands by; `total` bounds the whole request, whatever is tried. `on_break` says what becomes of
    a stream that has begun and breaks off. `hedge`: ask a second model when the first is late for once. `coalesce`:
    identical requests of one principal that are under way at once are one.
    """

    retries: int = 1
    patience: float = 3.0
    first_token: float = 30.0
    total: float = 900.0
    on_break: OnBreak = "error"
    hedge: bool = False
    coalesce: bool = False
    balance: bool = False
    """The models of the pool are equals: they share the load, whatever their order."""


DEFAULT = Failing()
