"""Where an agent's run stands, read off its messages."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.routing.tool_results import all_passed, failed
from meshwright.types.content import Message, ToolCall, ToolResult
from meshwright.types.decision import ToolLoop


def tool_loop(messages: Sequence[Message]) -> ToolLoop | None:
    """The state of the run since the last words of the user; None when no tool was called in it.

    Models repeat a call that did not help; the same name with the same arguments, byte for byte, is a repetition.
    """
    turns = latest = 0
    made: list[tuple[str, str]] = []
    results: list[ToolResult] = []
    for message in messages:
        if message.role == "user" and any(not isinstance(part, ToolResult) for part in message.parts):
            turns = latest = 0
            made, results = [], []
            continue
        if message.role == "assistant":
            turns, latest = turns + 1, len(results)
        for part in message.parts:
            if isinstance(part, ToolCall):
                made.append((part.name, part.arguments))
            elif isinstance(part, ToolResult):
                results.append(part)
    if not made:
        return None
    fresh = results[latest:]
    ran = [passed for result in fresh if (passed := all_passed(result)) is not None]
    return ToolLoop(
        turns=turns,
        calls=len(made),
        failures=_in_a_row(results),
        repeats=made.count(made[-1]) - 1,
        errors=sum(map(failed, fresh)),
        tested=all(ran) if ran else None,
    )


def _in_a_row(results: Sequence[ToolResult]) -> int:
    """Those since the last good one; what lies before that is not looked at."""
    count = 0
    for result in reversed(results):
        if not failed(result):
            break
        count += 1
    return count
