"""Going over every text of a request or an answer with the rules of its policy: verdicts, and what the texts become.

Rules come in the order of `rule.in_order`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from meshwright.guards.masks import Masks, masked
from meshwright.guards.rule import Rule, Seen, scan
from meshwright.guards.texts import Change, Spot, in_json, of_request, of_response
from meshwright.guards.whole import judged, judges
from meshwright.guards.whole import of_request as wholes_of_request
from meshwright.guards.whole import of_response as wholes_of_response
from meshwright.types.errors import Blocked
from meshwright.types.guard import Finding, Outcome, Place, Verdict
from meshwright.types.request import Request
from meshwright.types.response import Response

_WHOSE: Mapping[Place, str] = {
    "system": "the instructions",
    "user": "the user's words",
    "assistant": "an earlier answer",
    "tool": "a tool's result",
    "answer": "the answer",
}
ENCODED = frozenset({"audio", "b64_json", "image_b64", "partial_image_b64"})
"""Members of JSON that hold sound or pictures."""
_log = logging.getLogger("meshwright.guards")


class Examined(msgspec.Struct, frozen=True, eq=False):
    """A request as it may go on, the verdicts on it, and the rules that found something."""

    request: Request
    verdicts: tuple[Verdict, ...]
    found: tuple[str, ...]
    blocked: Blocked | None = None


def examine(request: Request, rules: Sequence[Rule], masks: Masks) -> Examined:
    """Go over a request. Whatever is to be masked gets its stand-in from `masks`."""
    spots: list[Spot] = []
    of_request(request, _into(spots))
    going = _Going(masks)
    texts = [spot.text for spot in spots]
    going.over(rules, spots, texts)
    if all(text is spot.text for text, spot in zip(texts, spots, strict=True)):
        changed = request
    else:
        left = iter(texts)
        changed = of_request(request, lambda spot: next(left))
    verdicts, blocked = judged(forms, wholes_of_request(changed)) if (forms := judges(rules)) else ((), None)
    found = (*going.found(), *(one.rule for one in verdicts))
    return Examined(changed, (*going.verdicts(), *verdicts), found, going.blocked or blocked)


def examine_answer(
    response: Response, rules: Sequence[Rule], masks: Masks
) -> tuple[Response, tuple[Verdict, ...], Blocked | None]:
    """Go over an answer in one piece, and put the person's own words back where their stand-ins are."""
    spots: list[Spot] = []
    of_response(response, _into(spots))
    going = _Going(None)
    texts = [spot.text for spot in spots]
    going.over(rules, spots, texts)
    left = iter(texts)
    changed = of_response(response, lambda spot: masks.show(next(left)))
    verdicts, blocked = judged(forms, wholes_of_response(changed)) if (forms := judges(rules)) else ((), None)
    return changed, (*going.verdicts(), *verdicts, *put_back(masks)), going.blocked or blocked


def examine_json(
    body: bytes, rules: Sequence[Rule], masks: Masks | None, place: Place = "user"
) -> tuple[bytes, tuple[Verdict, ...], Blocked | None]:
    """Go over the strings of a JSON body that is passed on; each counts as the caller's words, or as the answer's.

    Sound and pictures in it are not looked at. What is no JSON is one text.
    """
    text = body.decode(errors="replace")
    spots: list[Spot] = []

    def keep(value: str, name: str) -> str:
        if name not in ENCODED:
            spots.append(Spot(value, place, before=name))
        return value

    in_json(text, keep)
    going = _Going(masks)
    texts = [spot.text for spot in spots]
    going.over(rules, spots, texts)
    left = iter(texts)
    changed = in_json(text, lambda value, name: value if name in ENCODED else next(left))
    return body if changed == text else changed.encode(), going.verdicts(), going.blocked


def unseen(rules: Sequence[Rule], what: str, place: Place) -> tuple[tuple[Verdict, ...], Blocked | None]:
    """What the rules say of something that no guard can read: each passes it or not, as it is set."""
    verdicts, blocked = list[Verdict](), None
    for rule in rules:
        if place not in rule.places:
            continue
        why = f'{what} cannot be read (unseen = "{rule.unseen}")'
        outcome: Outcome = "block" if rule.unseen == "block" else "allow"
        verdicts.append(Verdict(rule=rule.name, guard=rule.uses, action=outcome, place=place, why=why))
        if rule.unseen == "block" and blocked is None:
            blocked = Blocked(
                f'The guard "{rule.name}" cannot read {what}, and lets nothing pass that it has not read.',
                fix=f'Send text, or set unseen = "pass" in [guards.rules.{rule.name}].',
            )
    return tuple(verdicts), blocked


def _into(spots: list[Spot]) -> Change:
    def keep(spot: Spot) -> str:
        spots.append(spot)
        return spot.text

    return keep


def put_back(masks: Masks) -> tuple[Verdict, ...]:
    """The verdict that tells how many stand-ins were taken out of the answer again."""
    if not masks.put_back:
        return ()
    why = f"{masks.put_back} stand-ins became the caller's own words again"
    return (Verdict(rule="unmask", guard="unmask", action="unmask", place="answer", why=why),)


def refusal(rule: Rule, place: Place, counts: Mapping[str, int]) -> Blocked:
    """The error that a rule's block is."""
    told = f'The guard "{rule.name}" found {said(counts)} in {_WHOSE[place]}.'
    fix = f"Leave it out, or change what [guards.rules.{rule.name}] says of it."
    return Blocked(told, field="messages" if place != "answer" else None, fix=fix)


def failure(rule: Rule) -> Blocked:
    """The error of a guard that failed and blocks when it does."""
    return Blocked(
        f'The guard "{rule.name}" failed, and nothing passes without it (fail = "closed").',
        fix=f'See the log for why; fail = "open" in [guards.rules.{rule.name}] lets requests pass meanwhile.',
    )


def said(counts: Mapping[str, int]) -> str:
    """Kinds and how many of each, in words."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "something"


def failed_open(rule: Rule, place: Place) -> Verdict:
    """The verdict of a guard that failed and lets pass when it does."""
    why = 'the guard failed and lets pass (fail = "open")'
    return Verdict(rule=rule.name, guard=rule.uses, action="allow", place=place, why=why)


def look(rule: Rule, text: str | Seen, before: str = "") -> list[Finding] | None:
    """What the rule finds; None when its guard failed, which is in the log."""
    try:
        return scan(rule, text, before)
    except Exception:  # noqa: BLE001  # whatever a guard fails with, its rule says whether that blocks
        _log.exception("the guard %s failed", rule.uses)
        return None


class _Going:
    """One pass of all rules over all texts."""

    def __init__(self, masks: Masks | None) -> None:
        self._masks = masks
        self._counts: dict[tuple[Rule, Place, int | None], dict[str, int]] = {}
        self._open: list[Verdict] = []
        self.blocked: Blocked | None = None
        self._avoided = False
        self._seen: dict[int, Seen] = {}

    def over(self, rules: Sequence[Rule], spots: Sequence[Spot], texts: list[str]) -> None:
        """Apply the rules one after the other. `texts` are the spots' texts; they are changed in place."""
        for rule in rules:
            self._over(rule, spots, texts)

    def _over(self, rule: Rule, spots: Sequence[Spot], texts: list[str]) -> None:
        first = 0
        for at, spot in enumerate(spots):
            if spot.place not in rule.places:
                continue
            seen = self._seen.get(at)
            if seen is None:
                seen = self._seen[at] = Seen(texts[at], f"{spot.before}: " if spot.before else "")
            found = look(rule, seen)
            if found is None:
                return self._failed(rule, spot.place)
            if found:
                self._note(rule, spot, found)
                self._mask(rule, texts, at, found, spots)
        while first < len(spots):
            last = first + 1
            while last < len(spots) and spots[first].run and spots[last].run == spots[first].run:
                last += 1
            if last - first > 1 and spots[first].place in rule.places:
                self._across(rule, spots, texts, first, last)
            first = last
        return None

    def _across(self, rule: Rule, spots: Sequence[Spot], texts: list[str], first: int, last: int) -> None:
        """What begins in one part of a speech and ends in another."""
        ends, at = [], 0
        for text in texts[first:last]:
            at += len(text)
            ends.append(at)
        for one in reversed(look(rule, "".join(texts[first:last])) or []):
            parts = [
                (at, max(one.start, begin), min(one.end, end))
                for at, begin, end in zip(range(first, last), (0, *ends), ends, strict=False)
                if begin < one.end and one.start < end
            ]
            if len(parts) < 2:
                continue
            self._note(rule, spots[parts[0][0]], [one])
            if rule.action != "mask":
                continue
            self._avoid(spots)
            for at, begin, end in reversed(parts):
                offset = (0, *ends)[at - first]
                stand_in = ""
                if at == parts[0][0]:
                    whole = "".join(
                        texts[p][b - (0, *ends)[p - first] : e - (0, *ends)[p - first]] for p, b, e in parts
                    )
                    stand_in = self._masks.word(one.kind, whole) if self._masks is not None else f"[{one.kind}]"
                texts[at] = texts[at][: begin - offset] + stand_in + texts[at][end - offset :]
                self._seen.pop(at, None)

    def _mask(self, rule: Rule, texts: list[str], at: int, found: Sequence[Finding], spots: Sequence[Spot]) -> None:
        if rule.action != "mask":
            return
        self._seen.pop(at, None)
        if self._masks is None:
            texts[at] = masked(texts[at], found)
            return
        self._avoid(spots)
        texts[at] = self._masks.hide(texts[at], found)

    def _avoid(self, spots: Sequence[Spot]) -> None:
        """Whatever looks like a stand-in anywhere is none of ours."""
        if self._masks is not None and not self._avoided:
            self._avoided = True
            for spot in spots:
                self._masks.avoid(spot.text)

    def _note(self, rule: Rule, spot: Spot, found: Sequence[Finding]) -> None:
        counts = self._counts.setdefault((rule, spot.place, spot.message), {})
        for one in found:
            counts[one.kind] = counts.get(one.kind, 0) + 1
        if rule.action == "block" and self.blocked is None:
            self.blocked = refusal(rule, spot.place, counts)

    def _failed(self, rule: Rule, place: Place) -> None:
        if rule.closed:
            self.blocked = self.blocked or failure(rule)
            why = 'the guard failed and nothing passes without it (fail = "closed")'
            self._open.append(Verdict(rule=rule.name, guard=rule.uses, action="block", place=place, why=why))
        else:
            self._open.append(failed_open(rule, place))

    def found(self) -> tuple[str, ...]:
        """The names of the rules that found something."""
        return tuple(dict.fromkeys(rule.name for rule, _, _ in self._counts))

    def verdicts(self) -> tuple[Verdict, ...]:
        """One for each rule, place and message where something was found, and of guards that failed."""
        told = [
            Verdict(
                rule=rule.name,
                guard=rule.uses,
                action=rule.outcome,
                place=place,
                message=message,
                found=counts,
                why=f"{said(counts)} in {_WHOSE[place]}",
            )
            for (rule, place, message), counts in self._counts.items()
        ]
        return (*told, *self._open)
