"""`thinkingConfig`, both ways.

Source: https://ai.google.dev/gemini-api/docs/thinking: Gemini 3 thinks by a level, 2.5 by a budget in tokens (0 is not
at all, -1 leaves it to the model), never by both. Between the two stands the table of
https://ai.google.dev/gemini-api/docs/openai, continued upwards; a budget that the model does not take becomes its
nearest.

    effort   minimal  low    medium  high    xhigh   max
    tokens   1,024    1,024  8,192   24,576  32,768  32,768
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Effort, ReasoningControl
from meshwright.wire.gemini.models import Takes
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import members
from meshwright.wire.notes import Notes

BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
CONFIG = "generationConfig.thinkingConfig"

_LEVELS: dict[str, Effort] = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}
_UP: tuple[Effort, ...] = ("minimal", "low", "medium", "high", "xhigh", "max")
_KNOWN = frozenset({"thinkingBudget", "thinkingLevel", "includeThoughts"})


class _Thinking(msgspec.Struct, rename="camel"):
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool | None = None


_THINKING: msgspec.json.Decoder[_Thinking] = msgspec.json.Decoder(_Thinking)


def thinking_in(raw: Raw, extra: list[Opaque]) -> ReasoningControl | None:
    """What it asks for; what has no place in it goes to `extra`. Raises msgspec.ValidationError."""
    found = members(raw, _KNOWN)
    extra += [Opaque(NAME, f"{CONFIG}.{name}", value) for name, value in found.items() if name not in _KNOWN]
    asked = _THINKING.decode(msgspec.json.encode(found))
    effort = _LEVELS.get((asked.thinking_level or "").upper())
    if asked.thinking_level is not None and effort is None:
        extra.append(Opaque(NAME, f"{CONFIG}.thinkingLevel", found["thinkingLevel"]))
    budget = asked.thinking_budget
    if budget is not None and budget < -1:
        raise msgspec.ValidationError("Expected `int` >= -1 - at `$.thinkingBudget`")
    control = ReasoningControl(
        effort=effort,
        budget=budget if budget and budget > 0 else None,
        mode="" if budget is None else "off" if budget == 0 else "adaptive" if budget == -1 else "on",
        summary="auto" if asked.include_thoughts else "",
        hidden=asked.include_thoughts is False,
    )
    return None if control == ReasoningControl() else control


def thinking_out(control: ReasoningControl | None, takes: Takes, notes: Notes) -> dict[str, Any]:
    """`thinkingConfig`, empty when it is not sent."""
    if control is None or control == ReasoningControl():
        return {}
    if not takes.budgets:
        notes.dropped("reasoning", "This model does not think before it answers.")
        return {}
    found = _amount(control, takes, notes)
    if control.hidden:
        found["includeThoughts"] = False
        if control.summary:
            notes.dropped("reasoning.summary", "Thoughts that are not shown have no digest.")
    elif control.summary:
        found["includeThoughts"] = True
        if control.summary != "auto":
            notes.changed("reasoning.summary", "There is one kind of digest here.")
    return found


def _amount(control: ReasoningControl, takes: Takes, notes: Notes) -> dict[str, Any]:
    if control.mode == "off" or control.effort == "none":
        if control.mode != "off" or control.effort is not None or control.budget is not None:
            notes.changed("reasoning", "Not to think is a budget of nothing here.")
        return _off(takes, notes)
    if control.effort is None:
        return _by_budget(control, takes, notes)
    if not takes.levels:
        notes.changed("reasoning", "This model thinks by a budget in tokens: one near to the effort was sent.")
        budget = control.budget or BUDGETS[control.effort]
        return {"thinkingBudget": min(max(budget, takes.least), takes.most)}
    if control.budget is not None or control.mode:
        notes.changed("reasoning", "How much to think is said once here: by a level.")
    level = _near(control.effort, takes)
    if level != control.effort:
        notes.changed("reasoning.effort", f"The nearest level that this model takes was sent: {level}.")
    return {"thinkingLevel": level.upper()}


def _off(takes: Takes, notes: Notes) -> dict[str, Any]:
    if takes.known and takes.levels:
        level = _near("minimal", takes)
        notes.changed("reasoning", f"This model always thinks: its least level was sent, {level}.")
        return {"thinkingLevel": level.upper()}
    if takes.least:
        notes.changed("reasoning", f"This model always thinks: its least budget was sent, {takes.least} tokens.")
    return {"thinkingBudget": takes.least}


def _by_budget(control: ReasoningControl, takes: Takes, notes: Notes) -> dict[str, Any]:
    budget = control.budget
    if budget is None:
        if not control.mode:
            return {}
        if control.mode == "on":
            notes.changed("reasoning", "How much to think is left to the model.")
        return {"thinkingBudget": -1}
    if control.mode != "on":
        notes.changed("reasoning", "A budget here says that thinking is on.")
    if takes.known and not takes.least <= budget <= takes.most:
        budget = min(max(budget, takes.least), takes.most)
        notes.changed("reasoning.budget", f"The nearest budget that this model takes was sent: {budget} tokens.")
    return {"thinkingBudget": budget}


def _near(effort: Effort, takes: Takes) -> Effort:
    """The level that the model takes for an effort: the next one below, or its least."""
    place = _UP.index(effort)
    below = [one for one in _UP[: place + 1] if one in takes.levels]
    return below[-1] if below else next(one for one in _UP if one in takes.levels)
