"""Tools, both ways. The dialect has no choice among them: the model decides, among those that were sent.

Source: https://docs.ollama.com/capabilities/tool-calling.
"""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.request import Request, ToolChoice
from meshwright.wire.functions import ONLY_THOSE, function_out
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.shapes import NAME


def tools_out(request: Request, notes: Notes) -> list[dict[str, object] | Raw]:
    """The tools to send. A choice narrows them where it can; where it must force a call, the dialect cannot."""
    specs = request.tools
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "The model itself decides how many tools it calls.")
    match request.tool_choice:
        case None | ToolChoice(mode="auto", names=()):
            pass
        case ToolChoice(mode="none"):
            if specs:
                notes.changed("tool_choice", "That no tool may be called is said by sending none.")
                notes.dropped("tools", "That no tool may be called is said by sending none.")
            else:
                notes.dropped("tool_choice", "Without tools none can be called anyway.")
            return []
        case ToolChoice(mode=mode, names=names):
            if mode == "auto":
                notes.changed("tool_choice", ONLY_THOSE)
            else:
                notes.dropped("tool_choice", "The model itself decides whether it calls a tool.")
            if names:
                specs = tuple(spec for spec in specs if spec.name in names)
                if len(specs) < len(request.tools):
                    notes.changed("tools", ONLY_THOSE)
    if any(spec.strict is not None and spec.kind != "hosted" for spec in specs):
        notes.dropped("tools.strict", "Arguments are not held to their schema here.")
    return [tool for spec in specs if (tool := function_out(spec, NAME, notes)) is not None]
