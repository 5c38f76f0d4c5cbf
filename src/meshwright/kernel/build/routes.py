"""Everything that a client may write in `model`, and the policy that it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from meshwright.kernel.build.failing import failing
from meshwright.kernel.config.names import PRESETS, ROUTE, meant, steps_of
from meshwright.kernel.config.tables import Config, FailureSettings, RouteSettings
from meshwright.routing.policy import Policy
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.model import Model
from meshwright.types.money import nano


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
        names[name] = Policy(
            name=name, strategy="fixed", pool=chain, named=True, attempts=len(chain), failing=failing(config.failure)
        )
    routes = {**PRESETS, **config.routes}
    for name, settings in routes.items():
        policy = _policy(name, settings, models, routes, config.failure)
        names[f"{ROUTE}{name}"] = policy
        if name in PRESETS or name not in names:
            names[name] = policy
    return names


def matching(patterns: Sequence[str], models: Sequence[Model]) -> tuple[str, ...]:
    """Full names of the models that the patterns mean, in the patterns' order; every model when there are none."""
    if not patterns:
        return tuple(model.name for model in models)
    found = [model.name for pattern in patterns for model in models if _answers_to(model, pattern)]
    return tuple(dict.fromkeys(found))


def unmatched(patterns: Sequence[str], models: Sequence[Model]) -> tuple[str, ...]:
    """Those of the patterns that mean no model at all."""
    return tuple(pattern for pattern in patterns if not any(_answers_to(model, pattern) for model in models))


def _answers_to(model: Model, pattern: str) -> bool:
    return fnmatchcase(model.name, pattern) or pattern in (model.upstream, *model.aliases)


def _policy(
    name: str,
    settings: RouteSettings,
    models: Sequence[Model],
    routes: Mapping[str, RouteSettings],
    failure: FailureSettings,
    within: tuple[Policy, ...] = (),
) -> Policy:
    policy = Policy(
        name=name,
        strategy=settings.strategy,
        pool=(),
        regions=settings.regions,
        privacy=settings.privacy,
        require=settings.require,
        licences=settings.licences,
        max_cost=None if settings.max_cost is None else nano(settings.max_cost),
        max_seconds=settings.max_seconds,
        min_window=settings.min_window,
        floor=settings.floor,
        attempts=settings.attempts,
        repair=settings.repair,
        options=settings.options,
        within=within,
        failing=failing(failure, settings),
    )
    if STRATEGIES[settings.strategy].compose is None:
        pool, missing = matching(settings.pool, models), unmatched(settings.pool, models)
        return msgspec.structs.replace(policy, pool=pool, missing=missing)
    around = (*within, policy)
    names = steps_of(settings)
    steps = tuple(_step(step, models, routes, failure, around) for step in names)
    by = _step(settings.by, models, routes, failure, around) if settings.by else None
    pools = [one.pool for one in (*steps, *((by,) if by is not None else ()))]
    return msgspec.structs.replace(
        policy,
        pool=tuple(dict.fromkeys(model for pool in pools for model in pool)),
        steps=steps,
        by=by,
        weights=tuple(settings.weights.get(step, 0.0 if settings.weights else 1.0) for step in names),
        examples=tuple(settings.examples.get(step, ()) for step in names),
    )


def _step(
    step: str,
    models: Sequence[Model],
    routes: Mapping[str, RouteSettings],
    failure: FailureSettings,
    within: tuple[Policy, ...],
) -> Policy:
    """A step's policy: a route's own, or the models that the name or pattern means, in order."""
    if name := meant(step, routes):
        return msgspec.structs.replace(_policy(name, routes[name], models, routes, failure, within), name=step)
    return Policy(
        name=step,
        strategy="fixed",
        pool=matching((step,), models),
        missing=unmatched((step,), models),
        within=within,
        failing=failing(failure),
    )
