"""Where an agent's run stands, read off its messages."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.types.content import Message, ToolCall, ToolResult
from meshwright.types.decision import ToolLoop


def tool_loop(messages: Sequence[Message]) -> ToolLoop | None:
    """The state of the run since the last words of the user; None when no tool was called in it.

    Models repeat a call that did not help; the same name with the same arguments, byte for byte, is a repetition.
    """
    turns = failures = 0
    made: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "user" and any(not isinstance(part, ToolResult) for part in message.parts):
            turns, failures, made = 0, 0, []
            continue
        turns += message.role == "assistant"
        for part in message.parts:
            if isinstance(part, ToolCall):
                made.append((part.name, part.arguments))
            elif isinstance(part, ToolResult):
                failures = failures + 1 if part.is_error else 0
    if not made:
        return None
    return ToolLoop(turns=turns, calls=len(made), failures=failures, repeats=made.count(made[-1]) - 1)
