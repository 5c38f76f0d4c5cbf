"""What the types cannot say of routes: options that exist, steps that lead somewhere, and no circle of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import get_args

from meshwright.kernel.config.names import PRESETS, ROUTE, meant, steps_of
from meshwright.kernel.config.tables import Config, RouteSettings
from meshwright.routing.strategies import STRATEGIES
from meshwright.routing.strategies.panel import JOINS
from meshwright.routing.strategies.strategy import Strategy
from meshwright.types.model import Ability

ABILITIES = get_args(Ability)
DEEPEST = 5
"""Routes within routes; each level multiplies what one request may cost."""
MOST_STEPS = 16
WORDS: Mapping[str, Sequence[str]] = {"join": JOINS, "stream": ("hold", "pass")}
"""Options that are one of a few words."""
SWITCHES = ("sure", "start", "final")
"""Options that are true or false; all others are numbers."""
SHARES = ("slack", "thrift", "above", "alike", "threshold", "share", "explore", "least")
"""Numbers from 0 to 1, but for those that a strategy counts by."""

Path = tuple[str, ...]
Finding = tuple[Path, str, str]


def check_routes(config: Config) -> list[Finding]:
    """Every mistake in [routes]: (path, what is wrong, what to do)."""
    found = list[Finding]()
    routes = {**PRESETS, **config.routes}
    for name, settings in config.routes.items():
        path = ("routes", name)
        found += known((*path, "require"), settings.require, ABILITIES)
        found += _numbers(path, settings)
        strategy = STRATEGIES.get(settings.strategy)
        if strategy is None:
            found += known((*path, "strategy"), (settings.strategy,), tuple(STRATEGIES))
            continue
        found += _options(path, settings, strategy)
        if strategy.compose is None:
            found += _without_steps(path, settings)
        else:
            found += _steps(path, settings, strategy, routes)
        if circle := _circle(name, routes):
            fix = "Let one of them name models."
            if len(circle) > 1:
                found.append(((*path, "steps"), f"the route leads back to itself: {' → '.join(circle)}.", fix))
            else:
                found.append(((*path, "steps"), f"routes lie more than {DEEPEST} deep in each other.", fix))
    return found


def _numbers(path: Path, settings: RouteSettings) -> list[Finding]:
    found = list[Finding]()
    if settings.attempts < 1:
        found.append(((*path, "attempts"), "there must be at least one attempt.", "Write attempts = 3."))
    if not 0 <= settings.floor <= 1:
        found.append(((*path, "floor"), "a floor is a quality from 0 to 1.", "Write floor = 0.5."))
    for field, usual in (("max_cost", '"0.01"'), ("max_seconds", "30"), ("min_window", "32000")):
        value = getattr(settings, field)
        if value is not None and not value > 0:
            found.append(((*path, field), "this must be above 0.", f"Write {field} = {usual}."))
    if settings.strategy == "fixed" and not settings.pool:
        found.append(((*path, "pool"), "a fixed route needs its models.", 'Write pool = ["provider/model"].'))
    return found


def _options(path: Path, settings: RouteSettings, strategy: Strategy) -> list[Finding]:
    found = list[Finding]()
    for name, value in settings.options.items():
        here = (*path, "options", name)
        if name not in strategy.options:
            near = difflib.get_close_matches(name, strategy.options, 1, 0.5)
            told = f"It has {', '.join(strategy.options)}." if strategy.options else "It has none."
            fix = f'Did you mean "{near[0]}"?' if near else told
            found.append((here, f'the strategy "{settings.strategy}" has no option "{name}".', fix))
        elif name in WORDS:
            if value not in WORDS[name]:
                found.append((here, f"{name} is one of a few words.", f"Known: {', '.join(WORDS[name])}."))
        elif name in SWITCHES:
            if not isinstance(value, bool):
                found.append((here, f"{name} is true or false.", f"Write {name} = true."))
        elif isinstance(value, bool | str) or not 0 <= value < 1e12:
            found.append((here, f"{name} is a number, 0 or more.", f"It is {strategy.options[name]}."))
        elif name in strategy.counts:
            if value != int(value):
                found.append((here, f"{name} is a whole number.", f"It is {strategy.options[name]}."))
        elif name in SHARES and value > 1:
            found.append((here, f"{name} is a number from 0 to 1.", f"It is {strategy.options[name]}."))
    return found


def _without_steps(path: Path, settings: RouteSettings) -> list[Finding]:
    over = [name for name, one in STRATEGIES.items() if one.compose is not None]
    return [
        (
            (*path, field),
            f'the strategy "{settings.strategy}" goes over a pool of models and has no {field}.',
            f"Use pool, or a strategy over steps: {', '.join(over)}.",
        )
        for field in ("steps", "by", "weights", "examples")
        if getattr(settings, field)
    ]


def _steps(
    path: Path, settings: RouteSettings, strategy: Strategy, routes: Mapping[str, RouteSettings]
) -> list[Finding]:
    found, names = list[Finding](), steps_of(settings)
    if settings.pool:
        fix = "Write steps; a step may be a route of its own with a pool."
        found.append(((*path, "pool"), f'the strategy "{settings.strategy}" goes over steps, not a pool.', fix))
    if not strategy.least <= len(names) <= MOST_STEPS:
        what = f"it needs {strategy.least} to {MOST_STEPS} steps, and has {len(names)}."
        found.append(((*path, "steps"), what, 'Write steps = ["route/small", "provider/model"].'))
    least = settings.options.get("least", 0)
    if "least" in strategy.counts and not isinstance(least, bool | str) and len(names) < least:
        told = f"{least} answers must come, of {len(names)} steps."
        found.append(((*path, "options", "least"), told, f"Write least = {len(names)}, or add steps."))
    for step in (*names, *((settings.by,) if settings.by else ())):
        if step.startswith(ROUTE) and not meant(step, routes):
            near = difflib.get_close_matches(step, [f"{ROUTE}{name}" for name in routes], 1, 0.5)
            fix = f'Did you mean "{near[0]}"?' if near else f"Add [routes.{step.removeprefix(ROUTE)}]."
            found.append(((*path, "by" if step == settings.by else "steps"), f'there is no "{step}".', fix))
        elif step in routes and not meant(step, routes):
            fix = f'Write "{ROUTE}{step}".'
            found.append(((*path, "steps"), f'"{step}" is a route, and would be taken for a model.', fix))
    if settings.by and not strategy.by:
        fix = "Leave it out."
        found.append(((*path, "by"), f'the strategy "{settings.strategy}" needs nobody to judge or advise.', fix))
    wanted = settings.strategy == "advisor" or settings.options.get("join") in ("judge", "fuse")
    if wanted and not settings.by:
        found.append(((*path, "by"), f"somebody must {strategy.by}.", 'Write by = "provider/model".'))
    for field, used in (("weights", strategy.weights), ("examples", strategy.examples)):
        given = getattr(settings, field)
        if given and not used:
            found.append(((*path, field), f'the strategy "{settings.strategy}" has no {field}.', "Leave it out."))
        found += known((*path, field), given, names) if used else []
    for step, weight in settings.weights.items():
        if not 0 <= weight < 1e12:
            found.append(((*path, "weights", step), "a weight is a number, 0 or more.", "Write 1."))
    if settings.weights and not any(settings.weights.values()):
        found.append(((*path, "weights"), "one weight at least must be above 0.", "Write 1."))
    if strategy.examples and not any(settings.examples.values()):
        fix = 'Write examples = { "route/NAME" = ["…"] }.'
        found.append(((*path, "examples"), "no step has an example.", fix))
    return found


def _circle(name: str, routes: Mapping[str, RouteSettings], above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The routes on the way back to this one; ("",) when they lie too deep; () when all is well."""
    if name in above:
        return (*above[above.index(name) :], name)
    if len(above) >= DEEPEST:
        return ("",)
    settings = routes[name]
    for step in (*steps_of(settings), *((settings.by,) if settings.by else ())):
        inner = meant(step, routes)
        if inner and (circle := _circle(inner, routes, (*above, name))):
            return circle
    return ()


def known(path: Path, names: Sequence[str] | Mapping[str, object], there: Sequence[str]) -> list[Finding]:
    """A finding for each of the names that is not there."""
    found = list[Finding]()
    for name in names:
        if name not in there:
            near = difflib.get_close_matches(name, there, 1, 0.5)
            fix = f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(there)}."
            found.append((path, f'there is no "{name}".', fix))
    return found
