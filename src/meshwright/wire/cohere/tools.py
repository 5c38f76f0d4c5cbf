"""Tools and the choice among them, both ways.

Source: https://docs.cohere.com/docs/tool-use-usage-patterns and https://docs.cohere.com/docs/structured-outputs. One
switch, `strict_tools`, holds the arguments of all tools to their schemas.
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Request, ToolChoice
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.functions import among, function_out
from meshwright.wire.notes import Notes


def choice_in(word: str) -> ToolChoice:
    """`tool_choice`. Raises ValidationError."""
    match word.upper():
        case "REQUIRED":
            return ToolChoice("required")
        case "NONE":
            return ToolChoice("none")
        case "AUTO":
            return ToolChoice("auto")
    raise msgspec.ValidationError(f"Invalid value {word[:40]!r}, one of REQUIRED, NONE - at `$.tool_choice`")


def tools_out(request: Request, notes: Notes) -> dict[str, object]:
    """The members about tools. A choice of some of them is said by sending only those."""
    choice, specs = request.tool_choice, among(request, ("auto", "required", "tool"), notes)
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "The model itself decides how many tools it calls.")
    found: dict[str, object] = {}
    tools = [tool for spec in specs if (tool := function_out(spec, NAME, notes)) is not None]
    if tools:
        found["tools"] = tools
        strict = {spec.strict for spec in specs if spec.kind != "hosted"}
        if len(strict) > 1:
            notes.changed("tools.strict", "All tools are strict here or none: none is.")
        elif strict and None not in strict:
            found["strict_tools"] = strict.pop()
    match choice:
        case None | ToolChoice(mode="auto"):
            pass
        case _ if not tools:
            notes.dropped("tool_choice", "There is no tool to choose.")
        case ToolChoice(mode="none", names=names):
            if names:
                notes.dropped("tool_choice.names", "No tool may be called, whatever its name.")
            found["tool_choice"] = "NONE"
        case _:
            if choice.mode == "tool" and len(choice.names) != 1:
                notes.changed("tool_choice", "Exactly one tool can be asked for.")
            found["tool_choice"] = "REQUIRED"
    return found
