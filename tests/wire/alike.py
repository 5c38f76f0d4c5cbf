"""Whether two requests say the same, whatever words they say it in."""

from __future__ import annotations

import msgspec

from meshwright.types.content import File, Refusal, Text, ToolCall, ToolResult
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from tests.wire.strategies import changed_fields

STATED = ("model", "stream_usage", "extra", "source")


def unlike(before: Request, after: Request) -> set[str]:
    """The fields in which two requests differ, beyond two ways to say the same."""
    found = changed_fields(before, after, STATED)
    for name in found & {"n", "frequency_penalty", "presence_penalty", "store", "parallel_tools", "logprobs"}:
        usual = {"n": (None, 1), "parallel_tools": (None, True)}.get(name, (None, False, 0))
        if getattr(before, name) in usual and getattr(after, name) in usual:
            found.discard(name)
    if before.max_tokens is None:
        found.discard("max_tokens")
    if "tool_choice" in found and {before.tool_choice, after.tool_choice} <= {None, ToolChoice("auto")}:
        found.discard("tool_choice")
    if "messages" in found and said(before) == said(after):
        found.discard("messages")
    if "tools" in found and [plain_tool(tool) for tool in before.tools] == [plain_tool(tool) for tool in after.tools]:
        found.discard("tools")
    if "output" in found and plain_output(before.output) == plain_output(after.output):
        found.discard("output")
    if "reasoning" in found and {before.reasoning, after.reasoning} <= {None, ReasoningControl()}:
        found.discard("reasoning")
    if "modalities" in found and {before.modalities, after.modalities} <= {(), ("text",)}:
        found.discard("modalities")
    return found


def said(request: Request) -> list[tuple[str, tuple[object, ...]]]:
    """The turns without what says nothing; turns of one role in a row are one, arguments are values."""
    turns: list[tuple[str, tuple[object, ...]]] = []
    for message in request.messages:
        role = "system" if message.role == "developer" else message.role
        parts = tuple(plain_part(part) for part in message.parts if part not in (Text(""), Refusal("")))
        if turns and turns[-1][0] == role:
            turns[-1] = (role, turns[-1][1] + parts)
        elif parts:
            turns.append((role, parts))
    return turns


def plain_part(part: object) -> object:
    match part:
        case ToolCall(kind="function"):
            return (
                part.id,
                part.name,
                msgspec.json.encode(msgspec.json.decode(part.arguments or "{}"), order="sorted"),
            )
        case ToolResult():
            return (part.call_id, part.is_error, tuple(plain_part(one) for one in part.parts if one != Text("")))
        case File(media_type="") if part.text:
            return msgspec.structs.replace(part, media_type="text/plain")
        case File() if part.data and part.name.startswith("file."):
            return msgspec.structs.replace(part, name="")  # Responses needs a name, and gives it one
    return part


def sorted_json(text: str | msgspec.Raw) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(text), order="sorted")


def plain_tool(tool: ToolSpec) -> object:
    empty = {"type": "object", "properties": {}}
    schema = msgspec.json.decode(tool.schema) if tool.schema is not None else empty
    return (
        tool.name,
        tool.description,
        tool.kind,
        msgspec.json.encode(schema, order="sorted"),
        bool(tool.strict),
        tool.cache,
    )


def plain_output(output: OutputFormat | None) -> object:
    if output is None or output.kind == "text":
        return None
    return (output.kind, output.name or "answer", output.description, output.schema, output.strict)
