"""Whether a schema is kept to: of a tool's arguments, and of the answer.

A provider that keeps to schemas refuses those that say more than its subset, for tools as for answers. Sources:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/strict-tool-use ("for the supported JSON Schema subset,
see JSON Schema limitations", those of answers), https://platform.openai.com/docs/guides/function-calling#strict-mode
(all members required, objects closed, the subset of structured outputs),
https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html (answers and strict tools alike) and
https://docs.cohere.com/docs/structured-outputs (`strict_tools`). Gemini and Ollama have no word for it.
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import OutputFormat, Request, ToolSpec
from meshwright.wire.json_schema import Subset, narrow
from meshwright.wire.notes import Notes
from meshwright.wire.schema_subsets import OPENAI

ALWAYS = frozenset({"anthropic_messages", "bedrock_converse", "gemini", "ollama", "cohere"})
"""Dialects whose clients need not say that the schema of an answer is to be kept to."""


def held(request: Request, subset: Subset, notes: Notes) -> Request:
    """The request with the schemas of strict tools in the words of the subset.

    An argument that may be absent is not made one that may be null, as in an answer: whoever wrote the tool would get
    what he never took. Such a tool, and one whose schema cannot be said, is not strict any more.
    """
    if not any(tool.strict and tool.schema is not None for tool in request.tools):
        return request
    tools = tuple(_held(tool, subset, notes) for tool in request.tools)
    return msgspec.structs.replace(request, tools=tools)


def _held(tool: ToolSpec, subset: Subset, notes: Notes) -> ToolSpec:
    if not tool.strict or tool.schema is None or tool.kind != "function":
        return tool
    narrowed = narrow(tool.schema, subset)
    if narrowed.schema is None or narrowed.nulling:
        notes.changed("tools", f"What {tool.name} is called with is not held to its schema: {narrowed.why}.")
        return msgspec.structs.replace(tool, strict=False)
    if narrowed.why:
        notes.changed("tools", f"The schema of {tool.name} was narrowed: {narrowed.why}.")
    return msgspec.structs.replace(tool, schema=narrowed.schema)


def wished(request: Request, notes: Notes) -> OutputFormat | None:
    """The form of the answer for OpenAI's APIs, which keep to a schema where that is said.

    Clients of the dialects in `ALWAYS` mean it: it is said for them, unless the schema would have to change for it.
    """
    output, source = request.output, request.source
    if output is None or output.schema is None or output.strict is not None:
        return output
    if source is None or source.dialect not in ALWAYS:
        return output
    narrowed = narrow(output.schema, OPENAI)
    if narrowed.schema is not None and not narrowed.nulling:
        return msgspec.structs.replace(output, strict=True)
    notes.changed("output", f"The schema is shown to the model, not kept to: {narrowed.why}.")
    return output
