"""A rule: a guard with the settings that the configuration gives it, and how it goes over a text."""

from __future__ import annotations

import msgspec

from meshwright.guards.fold import fold
from meshwright.guards.guard import Guard, Options
from meshwright.guards.layers import layers
from meshwright.types.guard import Action, Finding, Place

DEEPEST = 2
"""Layers within layers that are looked into."""


class Rule(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One rule of a policy: what to look for, where, and what to do about it. `closed`: a guard that fails blocks."""

    name: str
    uses: str
    """The guard's name."""
    guard: Guard
    action: Action
    places: tuple[Place, ...]
    closed: bool = True
    options: Options = Options()


def scan(rule: Rule, text: str, before: str = "") -> list[Finding]:
    """What the rule's guard finds in the text, by places in it. `before` is read as context and not searched.

    A finding in something packed is the whole packed stretch.
    """
    seen = fold(before + text)
    found = _found(rule, seen.text, DEEPEST if rule.guard.layers else 0)
    skip = len(before)
    kept = []
    for one in found:
        start, end = seen.back(one.start, one.end)
        if end > skip:
            kept.append(Finding(one.kind, max(0, start - skip), end - skip))
    return kept


def _found(rule: Rule, text: str, deep: int) -> list[Finding]:
    found = rule.guard.look(text, rule.options)
    if not deep:
        return found
    for inner, start, end in layers(text):
        if any(one.start < end and start < one.end for one in found):
            continue
        within = _found(rule, inner, deep - 1)
        if within:
            found.append(Finding(within[0].kind, start, end))
    found.sort(key=lambda one: one.start)
    return found
