"""Which rules hold for which name, put together from the configuration; and what they ask of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.rule import Rule, in_order
from meshwright.kernel.config.names import PRESETS, meant, steps_of
from meshwright.kernel.config.tables import Config, GuardSettings, RouteSettings, RuleSettings
from meshwright.kernel.valid import as_json, fitting
from meshwright.routing.policy import Policy, When
from meshwright.types.request import OutputFormat


class Guarding(msgspec.Struct, frozen=True, eq=False):
    """The rules of one policy, in the order in which they go over the request, and over the answer."""

    asked: tuple[Rule, ...] = ()
    answered: tuple[Rule, ...] = ()
    repairing: OutputFormat | None = None
    """The form that models are asked for where a rule says so, and that their answers are brought into."""


class Guardings(msgspec.Struct, frozen=True, eq=False):
    """The rules of every route by its policy's name, and those that hold for everything else; None where none is on.

    `routes` is empty where no rule is on for anything.
    """

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
    every = config.guards
    teams = {team: _made(_named(every.rules, names)) for team, names in every.teams.items()}
    of_every = _guarding(_made(_on(every, every)))
    of_routes = {name: _guarding(_made(_of_route(config, name, routes))) for name in config.routes}
    return Guardings(
        of_every,
        of_routes if of_every is not None or any(of_routes.values()) else {},
        {team: tuple(rules.values()) for team, rules in teams.items()},
        _whens(config, _on(every, every)),
    )


def with_whens(policies: Mapping[str, Policy], config: Config) -> dict[str, Policy]:
    """The policies, and those of their steps, with what rules ask of models when they have found something."""
    routes = {**PRESETS, **config.routes}
    every = _whens(config, _on(config.guards, config.guards))
    made = dict(policies)
    for name, policy in policies.items():
        is_route = not policy.named and policy.name in config.routes
        own = _whens(config, _of_route(config, policy.name, routes)) if is_route else every
        if own:
            made[name] = _asking(policy, own)
    return made


def _asking(policy: Policy, when: tuple[When, ...]) -> Policy:
    """The policy with this, and whatever it leads to: a step's candidates are looked at by the step's policy."""
    return msgspec.structs.replace(
        policy,
        when=when,
        steps=tuple(_asking(step, when) for step in policy.steps),
        by=_asking(policy.by, when) if policy.by is not None else None,
    )


def _whens(config: Config, rules: Mapping[str, RuleSettings]) -> tuple[When, ...]:
    teams = _named(config.guards.rules, [name for names in config.guards.teams.values() for name in names])
    return tuple(
        When(found=name, privacy=rule.privacy, regions=rule.regions)
        for name, rule in {**teams, **rules}.items()
        if rule.privacy or rule.regions
    )


def _of_route(config: Config, name: str, routes: Mapping[str, RouteSettings]) -> dict[str, RuleSettings]:
    settings = routes[name]
    found: dict[str, RuleSettings] = {}
    for step in (*steps_of(settings), *((settings.by,) if settings.by else ())):
        if inner := meant(step, routes):
            found |= _of_route(config, inner, routes)
    return found | _on(config.guards, settings.guards)


def _on(every: GuardSettings, own: GuardSettings) -> dict[str, RuleSettings]:
    """What the rules that are on say."""
    names = [name for name in (*every.on, *own.on) if name not in own.off]
    return _named({**every.rules, **own.rules}, names)


def _named(rules: Mapping[str, RuleSettings], names: Sequence[str]) -> dict[str, RuleSettings]:
    return {name: rules.get(name, RuleSettings()) for name in names}


def _made(rules: Mapping[str, RuleSettings]) -> dict[str, Rule]:
    return {name: _rule(name, settings) for name, settings in rules.items()}


def _rule(name: str, settings: RuleSettings) -> Rule:
    uses = settings.guard or name
    guard = GUARDS[uses]
    schema = as_json(settings.schema) if settings.schema else b""
    return Rule(
        name=name,
        uses=uses,
        guard=guard,
        action=settings.action or guard.action,
        places=settings.places or guard.places,
        unseen=settings.unseen,
        closed=(settings.fail or guard.fail) == "closed",
        options=Options(
            kinds=frozenset(settings.kinds) or frozenset(guard.kinds) - set(settings.without),
            phrases=settings.phrases,
            schema=schema,
            fits=fitting(schema) if schema else None,
            tool=settings.tool,
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
    ordered = in_order(rules.values())
    return Guarding(
        tuple(rule for rule in ordered if set(rule.places) - {"answer"}),
        tuple(rule for rule in ordered if "answer" in rule.places),
        next((_form(rule) for rule in ordered if rule.action == "repair"), None),
    )


def _form(rule: Rule) -> OutputFormat:
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in rule.name)[:64]
    return OutputFormat(kind="schema", name=name, schema=msgspec.Raw(rule.options.schema))
