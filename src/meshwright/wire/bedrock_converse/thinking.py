"""How much to think, both ways: `outputConfig.effort`, and the `thinking` of Claude models.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputConfig.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html (`thinking` goes in
`additionalModelRequestFields`). What Claude models take stands in `wire.claude`, and between budgets and efforts the
table of `wire.thinking`.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Raw

from meshwright.types.request import Effort, ReasoningControl
from meshwright.wire.claude import generation
from meshwright.wire.notes import Notes
from meshwright.wire.thinking import BUDGETS, DISPLAYS, EFFORTS, LEAST, THINKING, displayed, effort_of, effort_out
from meshwright.wire.verbatim import members


class Takes(msgspec.Struct, frozen=True):
    """What a model takes. `thinking`: the member of Claude models; `budget`, `adaptive`: which kinds of it."""

    thinking: bool
    budget: bool = True
    adaptive: bool = True
    top_k: bool = False


@lru_cache(maxsize=1024)
def takes(model: str) -> Takes:
    """What the model of this id or ARN takes; nothing of its own where the id does not tell its maker."""
    name = model.lower()
    if "claude" not in name:
        return Takes(thinking=False, top_k="mistral" in name)
    able = generation(name)
    return Takes(thinking=True, budget=able.budget, adaptive=able.adaptive, top_k=able.sampling)


def effort_in(word: str) -> Effort | None:
    """The effort of this name, None for one that we do not know."""
    return EFFORTS.get(word)


def thinking_in(raw: Raw, effort: Effort | None) -> ReasoningControl | None:
    """What `thinking` asks for, None when we do not know it."""
    try:
        asked = THINKING.decode(raw)
    except msgspec.ValidationError:
        return None
    if not members(raw).keys() <= {"type", "budget_tokens", "display"} or asked.display not in DISPLAYS:
        return None
    if asked.type == "disabled" and asked.budget_tokens is None and asked.display is None:
        return ReasoningControl(effort=effort, mode="off")
    budget = asked.budget_tokens
    if (asked.type, budget is None) not in (("enabled", False), ("adaptive", True)) or (
        budget is not None and budget < 1
    ):
        return None
    return ReasoningControl(
        effort=effort,
        budget=budget,
        mode="on" if asked.type == "enabled" else "adaptive",
        summary="auto" if asked.display == "summarized" else "",
        hidden=asked.display == "omitted",
    )


def thinking_out(
    control: ReasoningControl | None, model: str, limit: int | None, forced: bool, notes: Notes
) -> tuple[dict[str, object] | None, str | None]:
    """(`thinking`, `outputConfig.effort`), each None when it is not sent.

    `limit` is the request's max_tokens. `forced`: the answer must be a tool call, which thinking by a budget excludes.
    """
    if control is None:
        return None, None
    able = takes(model)
    effort = effort_out(control, notes)
    if control.mode == "off" or control.effort == "none":
        if control.budget is not None or control.summary or control.hidden:
            notes.dropped("reasoning", "Where thinking is disabled there is nothing more to say of it.")
        if not able.thinking:
            notes.dropped("reasoning", "This model has no known way to say that it shall not think.")
            return None, effort
        if control.effort == "none":
            notes.moved("reasoning", "No effort is to say that thinking is disabled.")
        return {"type": "disabled"}, effort
    if not able.thinking:
        if control.mode or control.budget is not None or control.summary or control.hidden:
            notes.changed("reasoning", "This model is told an effort, nothing else.")
        if effort is None and control.budget is not None:
            effort = effort_of(control.budget)
        return None, effort
    thinking: dict[str, object] | None = None
    budget = control.budget
    if not able.adaptive and (budget is not None or effort is not None or control.mode):
        if budget is None:
            budget = BUDGETS[control.effort or "high"]
            notes.changed("reasoning", "This model thinks by a budget in tokens: one near to the effort was sent.")
        elif control.effort or control.mode != "on":
            notes.changed("reasoning", "This model thinks by a budget in tokens, without an effort.")
        effort = None
    elif budget is not None and not able.budget:
        effort = effort or effort_of(budget)
        budget = None
        notes.changed("reasoning", "This model thinks by effort: one near to the budget was sent.")
        thinking = {"type": "adaptive"}
    elif budget is not None and control.mode != "on":
        notes.changed("reasoning", "A budget here says that thinking is on.")
    elif budget is None and control.mode:
        if control.mode != "adaptive":
            notes.changed("reasoning", "Thinking is left to the model, by the effort.")
        thinking = {"type": "adaptive"}
    if budget is not None and forced:
        notes.dropped("reasoning", "The model cannot think by a budget when it must call a tool.")
    elif budget is not None:
        thinking = _by_budget(budget, control.budget is not None, limit, notes)
    return displayed(thinking, control, notes), effort


def _by_budget(budget: int, said: bool, limit: int | None, notes: Notes) -> dict[str, object] | None:
    if not said and limit is not None and budget >= limit:
        budget = max(LEAST, limit // 2)
        if budget >= limit:
            notes.dropped("reasoning", f"max_tokens leaves no room for the least budget of {LEAST} tokens.")
            return None
    return {"type": "enabled", "budget_tokens": budget}
