"""Everything that a client may write in `model`, and the policy that it means."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from meshwright.kernel.config import Config, RouteSettings
from meshwright.routing.policy import Policy
from meshwright.types.model import Model
from meshwright.types.money import nano

PRESETS = {
    "auto": RouteSettings(strategy="task"),
    "auto:cheap": RouteSettings(strategy="cheapest"),
    "auto:fast": RouteSettings(strategy="fastest"),
}


def policies(config: Config, models: Sequence[Model]) -> dict[str, Policy]:
    """Full names, aliases and bare names mean those models; "route/NAME" and the presets mean their strategy.

    A bare name that several providers serve is a chain of them in the configuration's order.
    """
    names: dict[str, Policy] = {}
    called: dict[str, list[str]] = {}
    for model in models:
        for name in dict.fromkeys((model.name, model.upstream, *model.aliases)):
            called.setdefault(name, []).append(model.name)
    for name, pool in called.items():
        chain = (name,) if name in pool else tuple(pool)
        names[name] = Policy(name=name, strategy="fixed", pool=chain, named=True, attempts=len(chain))
    for name, settings in {**PRESETS, **config.routes}.items():
        policy = _policy(name, settings, models)
        names[f"route/{name}"] = policy
        if name in PRESETS or name not in names:
            names[name] = policy
    return names


def matching(patterns: Sequence[str], models: Sequence[Model]) -> tuple[str, ...]:
    """Full names of the models that the patterns mean, in the patterns' order; every model when there are none."""
    if not patterns:
        return tuple(model.name for model in models)
    found = [
        model.name
        for pattern in patterns
        for model in models
        if fnmatchcase(model.name, pattern) or pattern in (model.upstream, *model.aliases)
    ]
    return tuple(dict.fromkeys(found))


def _policy(name: str, settings: RouteSettings, models: Sequence[Model]) -> Policy:
    return Policy(
        name=name,
        strategy=settings.strategy,
        pool=matching(settings.pool, models),
        regions=settings.regions,
        privacy=settings.privacy,
        require=settings.require,
        max_cost=None if settings.max_cost is None else nano(settings.max_cost),
        floor=settings.floor,
        attempts=settings.attempts,
        options=settings.options,
    )
