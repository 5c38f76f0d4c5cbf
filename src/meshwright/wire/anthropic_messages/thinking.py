"""`thinking` and the effort of `output_config`, both ways.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking, .../adaptive-thinking and .../effort.
Models before Claude 4.6 think by a budget in tokens, from 4.7 on by an effort, 4.6 by either. Between the two stands
the table of `wire.thinking`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Effort, ReasoningControl
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.claude import Generation
from meshwright.wire.notes import Notes
from meshwright.wire.thinking import BUDGETS, DISPLAYS, EFFORTS, LEAST, THINKING, displayed, effort_of, effort_out
from meshwright.wire.verbatim import present

_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def thinking_in(thinking: Raw, effort: Raw, extra: list[Opaque]) -> ReasoningControl | None:
    """What the two members ask for; what has no place in it goes to `extra`. Raises msgspec.ValidationError."""
    control = ReasoningControl()
    if present(effort):
        word = EFFORTS.get(_STRING.decode(effort))
        if word is None:
            extra.append(Opaque(NAME, "output_config.effort", effort))
        control = ReasoningControl(effort=word)
    if present(thinking):
        asked = THINKING.decode(thinking)
        unknown = _MEMBERS.decode(thinking).keys() - {"type", "budget_tokens", "display"}
        usual = asked.display in DISPLAYS and not unknown
        if asked.type not in ("enabled", "disabled", "adaptive") or not usual:
            extra.append(Opaque(NAME, "thinking", thinking))
        elif asked.type == "disabled":
            control = ReasoningControl(effort=control.effort, mode="off")
        else:
            if asked.type == "enabled" and (asked.budget_tokens is None or asked.budget_tokens < 1):
                raise msgspec.ValidationError("Expected `int` >= 1 - at `$.budget_tokens`")
            control = ReasoningControl(
                effort=control.effort,
                budget=asked.budget_tokens if asked.type == "enabled" else None,
                mode="on" if asked.type == "enabled" else "adaptive",
                summary="auto" if asked.display == "summarized" else "",
                hidden=asked.display == "omitted",
            )
    return None if control == ReasoningControl() else control


def thinking_out(
    control: ReasoningControl | None, takes: Generation, limit: int, forced: bool, notes: Notes
) -> tuple[dict[str, object] | None, str | None]:
    """(`thinking`, the effort of `output_config`), each None when it is not sent.

    `limit` is the request's max_tokens, which bounds thoughts and answer together. `forced`: the answer must be a tool
    call, which thinking by a budget excludes.
    """
    if control is None:
        return None, None
    effort = effort_out(control, notes)
    if control.mode == "off" or control.effort == "none":
        if control.effort == "none":
            notes.moved("reasoning", "No effort is to say that thinking is disabled.")
        if control.budget is not None or control.summary or control.hidden:
            notes.dropped("reasoning", "Where thinking is disabled there is nothing more to say of it.")
        return {"type": "disabled"}, effort
    thinking: dict[str, object] | None = None
    budget = control.budget
    if not takes.adaptive and (budget is not None or effort is not None or control.mode):
        if budget is None:
            budget = BUDGETS[_effort_or_high(control.effort)]
            notes.changed("reasoning", "This model thinks by a budget in tokens: one near to the effort was sent.")
        elif control.effort or control.mode != "on":
            notes.changed("reasoning", "This model thinks by a budget in tokens, without an effort.")
        effort = None
    elif budget is not None and not takes.budget:
        effort = effort or effort_of(budget)
        budget = None
        notes.changed("reasoning", "This model thinks by effort: one near to the budget was sent.")
        thinking = {"type": "adaptive"}
    elif budget is not None and control.mode != "on":
        notes.changed("reasoning", "A budget here says that thinking is on.")
    elif budget is None and (control.mode or (takes.strict and takes.asked and effort)):
        if control.mode != "adaptive":
            notes.changed("reasoning", "Thinking is left to the model, by the effort.")
        thinking = {"type": "adaptive"}
    if budget is not None:
        thinking = _by_budget(budget, control.budget is not None, limit, forced and takes.strict, notes)
    return displayed(thinking, control, notes), effort


def _by_budget(budget: int, said: bool, limit: int, forced: bool, notes: Notes) -> dict[str, object] | None:
    if forced:
        notes.dropped("reasoning", "The model cannot think by a budget when it must call a tool.")
        return None
    if not said and budget >= limit:
        budget = max(LEAST, limit // 2)
        if budget >= limit:
            notes.dropped("reasoning", f"max_tokens leaves no room for the least budget of {LEAST} tokens.")
            return None
    return {"type": "enabled", "budget_tokens": budget}


def _effort_or_high(effort: Effort | None) -> Effort:
    return "high" if effort is None or effort == "none" else effort
