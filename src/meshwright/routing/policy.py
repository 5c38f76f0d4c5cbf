"""What the router is told besides the request: the route's policy, and how each model is doing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.types.decision import Signal
from meshwright.types.failing import DEFAULT, Failing

__all__ = ("UNSEEN", "Policy", "Signal", "When")


class When(msgspec.Struct, frozen=True):
    """What a model must be when a guard's rule found something: as `privacy` and `regions` of a route."""

    found: str
    privacy: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A route: a strategy over a pool, with hard constraints. `max_cost` is in nano-dollars per request.

    `pool` holds full model names, in the order of preference that the configuration gives. `regions`, `privacy` and
    `require` (abilities) are hard: what is not known does not pass, except for the abilities of a model that the caller
    named himself (`named`). `max_seconds` bounds the time seen of late, `licences` and `min_window` what a card says.
    `attempts` bounds the chain of fallbacks.

    A route over other routes has `steps` (and `by`: who judges, fuses or advises) in place of candidates of its own;
    its `pool` is then all that they may contact. `weights` and `examples` go with the steps, one each. `within` are the
    routes around a step: their bounds hold for it as well. `failing` is how hard it is tried.

    Each is only like itself, so that what follows from one is worked out once and remembered by it.
    """

    name: str
    strategy: str
    pool: tuple[str, ...]
    regions: tuple[str, ...] = ()
    privacy: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    max_cost: int | None = None
    floor: float = 0.0
    attempts: int = 3
    named: bool = False
    repair: bool = False
    options: Mapping[str, str | int | float | bool] = {}
    max_seconds: float | None = None
    min_window: int | None = None
    licences: tuple[str, ...] = ()
    steps: tuple[Policy, ...] = ()
    by: Policy | None = None
    weights: tuple[float, ...] = ()
    examples: tuple[tuple[str, ...], ...] = ()
    within: tuple[Policy, ...] = ()
    when: tuple[When, ...] = ()
    models: tuple[str, ...] = ()
    """Names that a model's has to match (`openai/*`), if there are any."""
    providers: tuple[str, ...] = ()
    priced: bool = False
    """A model whose price is not known does not pass."""
    missing: tuple[str, ...] = ()
    """Names and patterns of its configuration that no served model answers to."""
    failing: Failing = DEFAULT

    @property
    def below(self) -> tuple[Policy, ...]:
        """Its steps, and whoever it has for `by`."""
        return self.steps if self.by is None else (*self.steps, self.by)

    def every(self) -> tuple[Policy, ...]:
        """It and all below it."""
        if not self.steps and self.by is None:
            return (self,)
        return (self, *(inner for one in self.below for inner in one.every()))


UNSEEN = Signal()
