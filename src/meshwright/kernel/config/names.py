"""What names mean among routes: those that are there without a file, and the steps that others are made of."""

from __future__ import annotations

from collections.abc import Mapping

from meshwright.kernel.config.tables import RouteSettings

PRESETS = {
    "auto": RouteSettings(strategy="task"),
    "auto:cheap": RouteSettings(strategy="cheapest"),
    "auto:best": RouteSettings(strategy="balanced", options={"thrift": 0.0}),
    "auto:fast": RouteSettings(strategy="fastest"),
}
ROUTE = "route/"


def meant(step: str, routes: Mapping[str, RouteSettings]) -> str:
    """The route that a step's name means; "" when it is a model or a pattern."""
    name = step.removeprefix(ROUTE)
    return name if name in routes and (step != name or name in PRESETS) else ""


def steps_of(settings: RouteSettings) -> tuple[str, ...]:
    """The names of a route's steps: `steps`, or where there are none, those that have weights or examples."""
    return settings.steps or tuple(dict.fromkeys((*settings.weights, *settings.examples)))
