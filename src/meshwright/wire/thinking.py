"""How Claude models are told to think, and how much: what the Messages API and Converse share.

Between efforts and budgets stands this table, ours; a budget counts as the greatest effort that it reaches:

    effort   minimal  low    medium  high    xhigh   max
    tokens   1,024    2,048  8,192   16,384  32,768  65,536
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Effort, ReasoningControl
from meshwright.wire.notes import Notes

BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 65_536,
}
LEAST = 1_024
"""The smallest budget that is taken."""
EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
DISPLAYS = (None, "summarized", "omitted")


class Thinking(msgspec.Struct):
    """The member `thinking`. Its type may be left out where it only says how thoughts are bound to their prefix."""

    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


THINKING: msgspec.json.Decoder[Thinking] = msgspec.json.Decoder(Thinking)


def effort_out(control: ReasoningControl, notes: Notes) -> str | None:
    """The word for an effort, None when none is asked for."""
    if control.effort == "minimal":
        notes.changed("reasoning.effort", "The least effort here is low.")
        return "low"
    return None if control.effort == "none" else control.effort


def effort_of(budget: int) -> Effort:
    """The greatest effort that the budget reaches."""
    reached: Effort = "low"
    for effort, tokens in BUDGETS.items():
        if tokens <= budget and effort != "minimal":
            reached = effort
    return reached


def displayed(thinking: dict[str, object] | None, control: ReasoningControl, notes: Notes) -> dict[str, object] | None:
    """`thinking` with how thoughts are shown."""
    if not control.hidden and not control.summary:
        return thinking
    if thinking is None:
        notes.dropped("reasoning.summary", "How thoughts are shown can only be said where thinking is on.")
        return None
    if control.hidden:
        thinking["display"] = "omitted"
        if control.summary:
            notes.dropped("reasoning.summary", "Thoughts that are not shown have no digest.")
    else:
        thinking["display"] = "summarized"
        if control.summary != "auto":
            notes.changed("reasoning.summary", "There is one kind of digest here.")
    return thinking
