"""Pretend providers over the real dialects, on loopback, with faults on demand."""

from __future__ import annotations

from meshwright.sim.faults import FAULTS
from meshwright.sim.seen import Seen
from meshwright.sim.sim import Sim
from meshwright.sim.spread import Spread, empirical, fixed, lognormal, uniform
from meshwright.sim.upstream import Calling, Fault, Rule, Say, Upstream

__all__ = [
    "FAULTS",
    "Calling",
    "Fault",
    "Rule",
    "Say",
    "Seen",
    "Sim",
    "Spread",
    "Upstream",
    "empirical",
    "fixed",
    "lognormal",
    "uniform",
]
