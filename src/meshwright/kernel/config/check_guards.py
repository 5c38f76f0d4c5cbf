"""What the types cannot say of guards: rules that exist, kinds that a guard knows, phrases where they are needed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from meshwright.guards import GUARDS
from meshwright.guards.topics import LONGEST
from meshwright.kernel.config.check_routes import Finding, Path, known
from meshwright.kernel.config.tables import Config, GuardSettings, RuleSettings
from meshwright.kernel.valid import Unchecked, as_json, fitting

JUDGED = ("answer", "assistant")
"""Where wholes are: an answer, and the calls in a conversation so far."""
MOST_PHRASES = 2_000


def check_guards(config: Config) -> list[Finding]:
    """Every mistake in [guards] and in the guards of routes: (path, what is wrong, what to do)."""
    found = _settings(("guards",), config.guards, config.guards)
    if config.guards.off:
        found.append((("guards", "off"), "off is for routes.", "Take them out of on."))
    for team, names in config.guards.teams.items():
        found += _on(("guards", "teams", team), names, config.guards.rules)
    for name, route in config.routes.items():
        path = ("routes", name, "guards")
        if route.guards.teams:
            found.append(((*path, "teams"), "teams are for [guards].", "Write it there."))
        found += _settings(path, route.guards, config.guards)
        found += known((*path, "off"), route.guards.off, config.guards.on)
    return found


def _settings(path: Path, settings: GuardSettings, every: GuardSettings) -> list[Finding]:
    found = _on((*path, "on"), settings.on, {**every.rules, **settings.rules})
    for name, rule in settings.rules.items():
        found += _rule((*path, "rules", name), name, rule)
    return found


def _on(path: Path, names: tuple[str, ...], rules: Mapping[str, RuleSettings]) -> list[Finding]:
    found = list[Finding]()
    for name in names:
        if name not in rules and name not in GUARDS:
            near = difflib.get_close_matches(name, (*GUARDS, *rules), 1, 0.5)
            there = f"Guards: {', '.join(GUARDS)}. A rule of your own is a table [guards.rules.{name}]."
            fix = f'Did you mean "{near[0]}"?' if near else there
            found.append((path, f'there is no guard or rule "{name}".', fix))
        elif name not in rules and GUARDS[name].phrases:
            fix = f'Write [guards.rules.{name}] with phrases = ["…"].'
            found.append((path, f'"{name}" looks for phrases, and has none.', fix))
        elif name not in rules and GUARDS[name].judge is not None:
            fix = f"Write [guards.rules.{name}] with a schema."
            found.append((path, f'"{name}" compares with a schema, and has none.', fix))
        elif (uses := rules[name].guard or name if name in rules else name) in GUARDS:
            missing = GUARDS[uses].missing
            if missing is not None and (told := missing()):
                found.append((path, f'the guard "{uses}" cannot be used: {told}.', f"Or leave out {name!r}."))
    return found


def _rule(path: Path, name: str, rule: RuleSettings) -> list[Finding]:
    uses = rule.guard or name
    guard = GUARDS.get(uses)
    if guard is None:
        where = (*path, "guard") if rule.guard else path
        near = difflib.get_close_matches(uses, GUARDS, 1, 0.5)
        fix = f'Did you mean "{near[0]}"?' if near else f'Write guard = "topics", or another of {", ".join(GUARDS)}.'
        return [(where, f'there is no guard "{uses}".', fix)]
    found = list[Finding]()
    found += known((*path, "kinds"), rule.kinds, tuple(guard.kinds))
    found += known((*path, "without"), rule.without, tuple(guard.kinds))
    if guard.phrases and not rule.phrases:
        found.append(((*path, "phrases"), "it has no phrases to look for.", 'Write phrases = ["…"].'))
    if rule.phrases and not guard.phrases:
        found.append(((*path, "phrases"), f'the guard "{uses}" looks for no phrases.', 'Use guard = "topics".'))
    if len(rule.phrases) > MOST_PHRASES:
        found.append(((*path, "phrases"), f"there are more than {MOST_PHRASES:,} phrases.", "Shorten the list."))
    for phrase in rule.phrases:
        if not any(letter.isalnum() for letter in phrase) or len(phrase) > LONGEST:
            what = f"a phrase has a letter and at most {LONGEST} of them."
            found.append(((*path, "phrases"), what, f"Change {phrase[:40]!r}."))
    found += _schema(path, uses, rule)
    if rule.threshold is not None and (guard.threshold is None or not 0 < rule.threshold < 1):
        what = "a threshold is a number between 0 and 1." if guard.threshold else f"{uses} has no threshold."
        found.append(((*path, "threshold"), what, "Write threshold = 0.9." if guard.threshold else "Leave it out."))
    return found


def _schema(path: Path, uses: str, rule: RuleSettings) -> list[Finding]:
    """What is wrong with a rule's schema, and with what goes only with one."""
    if GUARDS[uses].judge is None:
        found = [name for name in ("schema", "tool") if getattr(rule, name)]
        found += ["action"] if rule.action == "repair" else []
        return [((*path, name), f'the guard "{uses}" has no use for it.', 'Use guard = "schema".') for name in found]
    problems = list[Finding]()
    if rule.action == "mask":
        problems.append(((*path, "action"), "a form cannot be masked.", 'Write "block", "repair" or "flag".'))
    if rule.action == "repair" and rule.tool:
        problems.append(((*path, "action"), "arguments of tools are not repaired.", 'Write "block" or "flag".'))
    if wrong := [place for place in rule.places if place not in JUDGED or (place == "assistant" and not rule.tool)]:
        fix = 'Write places = ["answer"]; with a tool also "assistant", for its calls in the conversation so far.'
        problems.append(((*path, "places"), f'a schema is not for "{wrong[0]}".', fix))
    if not rule.schema:
        problems.append(((*path, "schema"), "it has no schema to compare with.", 'Write schema = { type = "object" }.'))
        return problems
    try:
        fitting(as_json(rule.schema))
    except Unchecked as error:
        problems.append(((*path, "schema"), f"it cannot be used: {error}.", "Write a JSON schema."))
    return problems
