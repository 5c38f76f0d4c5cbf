"""Which rules hold for which name, put together from the configuration; and what they ask of models."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.rule import Rule
from meshwright.kernel.build_routes import PRESETS, meant, steps_of
from meshwright.kernel.config import Config, GuardSettings, RouteSettings, RuleSettings
from meshwright.routing.policy import Policy, When


class Guarding(msgspec.Struct, frozen=True, eq=False):
    """The rules of one policy: those that go over the request, and those that go over the answer."""

    asked: tuple[Rule, ...] = ()
    answered: tuple[Rule, ...] = ()


class Guardings(msgspec.Struct, frozen=True, eq=False):
    """The rules of every route by its policy's name, and those that hold for everything else; None where none is on."""

    every: Guarding | None = None
    routes: Mapping[str, Guarding | None] = {}
    teams: Mapping[str, tuple[Rule, ...]] = {}
    when: tuple[When, ...] = ()

    def of(self, policy: str, team: str = "", key: str = "") -> Guarding | None:
        """The rules of a policy, and those of the caller's team and key."""
        found = self.routes.get(policy, self.every)
        return found if not self.teams else _with(found, (*self.teams.get(team, ()), *self.teams.get(key, ())))


def guardings(config: Config) -> Guardings:
    """The rules of all routes. A route has the gateway's, its own, and those of the routes that are its steps."""
    routes = {**PRESETS, **config.routes}
    found = {name: _guarding(_of_route(config, name, routes)) for name in config.routes}
    every = config.guards
    teams = {
        team: tuple(_rule(name, every.rules.get(name, RuleSettings())) for name in names)
        for team, names in every.teams.items()
    }
    return Guardings(_guarding(_rules(every, every, ())), found, teams, whens(every))


def with_whens(policies: Mapping[str, Policy], config: Config) -> dict[str, Policy]:
    """The policies with what rules ask of models when they have found something."""
    every = whens(config.guards)
    made = dict(policies)
    for name, policy in policies.items():
        settings = config.routes.get(policy.name) if not policy.named else None
        own = whens(config.guards, settings.guards) if settings is not None else every
        if own:
            made[name] = msgspec.structs.replace(policy, when=own)
    return made


def whens(every: GuardSettings, own: GuardSettings | None = None) -> tuple[When, ...]:
    """What the rules that are on ask of models."""
    rules = {**every.rules, **(own.rules if own is not None else {})}
    on = {*every.on, *(own.on if own is not None else ()), *(name for names in every.teams.values() for name in names)}
    return tuple(
        When(found=name, privacy=rule.privacy, regions=rule.regions)
        for name, rule in rules.items()
        if name in on and (rule.privacy or rule.regions)
    )


def _of_route(config: Config, name: str, routes: Mapping[str, RouteSettings]) -> dict[str, Rule]:
    settings = routes[name]
    found: dict[str, Rule] = {}
    for step in (*steps_of(settings), *((settings.by,) if settings.by else ())):
        if inner := meant(step, routes):
            found |= _of_route(config, inner, routes)
    return found | _rules(config.guards, settings.guards, settings.guards.off)


def _rules(every: GuardSettings, own: GuardSettings, off: tuple[str, ...]) -> dict[str, Rule]:
    settings = {**every.rules, **own.rules}
    names = [name for name in dict.fromkeys((*every.on, *own.on)) if name not in off]
    return {name: _rule(name, settings.get(name, RuleSettings())) for name in names}


def _rule(name: str, settings: RuleSettings) -> Rule:
    uses = settings.guard or name
    guard = GUARDS[uses]
    return Rule(
        name=name,
        uses=uses,
        guard=guard,
        action=settings.action or guard.action,
        places=settings.places or guard.places,
        closed=(settings.fail or guard.fail) == "closed",
        options=Options(
            kinds=frozenset(settings.kinds) or frozenset(guard.kinds) - set(settings.without),
            phrases=settings.phrases,
            threshold=settings.threshold if settings.threshold is not None else guard.threshold,
        ),
    )


def _with(found: Guarding | None, more: tuple[Rule, ...]) -> Guarding | None:
    """More rules, but for those that are on already."""
    there = {rule.name: rule for rule in (*found.asked, *found.answered)} if found is not None else {}
    new = {rule.name: rule for rule in more if rule.name not in there}
    return _guarding({**there, **new}) if new else found


def _guarding(rules: Mapping[str, Rule]) -> Guarding | None:
    if not rules:
        return None
    return Guarding(
        tuple(rule for rule in rules.values() if set(rule.places) - {"answer"}),
        tuple(rule for rule in rules.values() if "answer" in rule.places),
    )
