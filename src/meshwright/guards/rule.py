"""A rule: a guard with the settings that the configuration gives it, and how it goes over a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from meshwright.guards.fold import fold
from meshwright.guards.guard import Guard, Options
from meshwright.guards.layers import Layer, layers
from meshwright.types.guard import Action, Finding, Outcome, Place

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
    unseen: Literal["pass", "block"] = "pass"
    """What becomes of sound, pictures and streams of events that no guard can read, where they are passed on."""
    options: Options = Options()

    @property
    def outcome(self) -> Outcome:
        """What a verdict says was done: what could not be repaired is refused."""
        return "block" if self.action == "repair" else self.action


_ORDER: Mapping[Action, int] = {"block": 0, "repair": 0, "flag": 1, "mask": 2}


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules as they go over a text: those that mask come last, or the others would not see what they look for."""
    return tuple(sorted(rules, key=lambda rule: _ORDER[rule.action]))


class Seen:
    """A text as guards see it: folded, and with what is packed in it, unpacked once for all rules.

    `before` is read as context and not searched.
    """

    __slots__ = ("_folded", "_layers", "skip")

    def __init__(self, text: str, before: str = "") -> None:
        self._folded = fold(before + text)
        self._layers: list[Layer] | None = None
        self.skip = len(before)

    @property
    def text(self) -> str:
        """With `before`, folded."""
        return self._folded.text

    @property
    def layers(self) -> list[Layer]:
        """What is packed in it."""
        if self._layers is None:
            self._layers = list(layers(self.text))
        return self._layers

    def back(self, one: Finding) -> Finding | None:
        """The finding by its place in the text itself; None when all of it is before."""
        start, end = self._folded.back(one.start, one.end)
        return Finding(one.kind, max(0, start - self.skip), end - self.skip) if end > self.skip else None


def scan(rule: Rule, text: str | Seen, before: str = "") -> list[Finding]:
    """What the rule's guard finds in the text, by places in it; of something packed, all that was packed."""
    seen = text if isinstance(text, Seen) else Seen(text, before)
    found = rule.guard.look(seen.text, rule.options)
    if rule.guard.layers and seen.layers:
        found = _with_layers(rule, found, seen.layers, DEEPEST)
    return [one for each in found if (one := seen.back(each)) is not None]


def _with_layers(rule: Rule, found: list[Finding], packed: Iterable[Layer], deep: int) -> list[Finding]:
    for inner, start, end in packed:
        if any(one.start < end and start < one.end for one in found):
            continue
        within = rule.guard.look(inner, rule.options)
        if deep > 1:
            within = _with_layers(rule, within, layers(inner), deep - 1)
        if within:
            found.append(Finding(within[0].kind, start, end))
    found.sort(key=lambda one: one.start)
    return found
