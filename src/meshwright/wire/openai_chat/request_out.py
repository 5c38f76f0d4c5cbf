"""A Request as the body of a Chat Completions call.

Quirks of a provider (`Target.quirks`) that are known here:

| quirk                | the provider                                                                                 |
|----------------------|----------------------------------------------------------------------------------------------|
| `max_tokens`         | wants `max_tokens`, not `max_completion_tokens` (nearly all but OpenAI and Azure)            |
| `no_stream_options`  | refuses `stream_options` and other members that it does not know, such as `user` (Mistral)    |
| `no_json_schema`     | takes no schema for the answer's form: JSON is asked for, the schema is told in words         |
| `no_developer_role`  | has no developer role: such messages go as system messages                                   |
| `no_reasoning_input` | refuses `reasoning_content` in the messages that it gets (OpenAI)                             |
| `cache_control`      | takes Anthropic's cache marks on content parts, on tools and for the whole (OpenRouter)      |
| `reasoning_object`   | takes OpenRouter's `reasoning` with a budget, a switch and a wish to hide the thoughts        |
| `top_k`              | takes `top_k` (vLLM, llama.cpp, OpenRouter, Together, Fireworks; not OpenAI)                  |
| `file_url`           | takes an address as `file_data` (OpenRouter)                                                  |

A request that came as Chat Completions and is unchanged goes out as its own bytes: the model's name is replaced, a
stream is told to report its usage, and the quirks above rename or recast a member where the body has it.
"""

from __future__ import annotations

from typing import cast

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Effort, OutputFormat, ReasoningControl, Request, Source, ToolChoice, ToolSpec
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.functions import nothing_to_choose
from meshwright.wire.json_schema import in_words, narrow
from meshwright.wire.limits import within
from meshwright.wire.openai_chat.mistral import STRICT, UNKNOWN, is_theirs, left_out, with_short_ids
from meshwright.wire.openai_chat.parts import Notes, cache_out, marked
from meshwright.wire.openai_chat.shape import NAME
from meshwright.wire.openai_chat.sift import place
from meshwright.wire.openai_chat.turns_out import Json, messages_out
from meshwright.wire.openai_models import fitted
from meshwright.wire.schema_subsets import OPENAI
from meshwright.wire.strictness import held, wished

_TRUE = Raw(b"true")
_USAGE = Raw(b'{"include_usage":true}')
_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.encode

NO_SCHEMAS = "no_json_schema"

# Google's table for its own OpenAI-compatible API, read backwards: the largest budget (tokens) of each effort.
_BUDGETS: tuple[tuple[int, Effort], ...] = ((0, "none"), (1024, "low"), (8192, "medium"), (24576, "high"))


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for this provider, and what of the request it could not carry."""
    short = with_short_ids(request) if is_theirs(target.model) else request
    source = request.source if short is request else None
    if source is not None and source.dialect == NAME:
        body = _faithful(source, request.stream, target)
        if body is not None:
            return Encoded(body)
    notes = Notes(target.quirks)
    if short is not request:
        notes.moved("messages", "This model takes ids of tool calls of nine letters and digits.")
    body_fields = _body(short, target, notes)
    return Encoded(_encode(body_fields), tuple(notes.found))


def _faithful(source: Source, stream: bool, target: Target) -> bytes | None:
    """The client's own bytes for this provider; None when a quirk needs more than a member renamed."""
    quirks = target.quirks
    changes: dict[str, Raw | None] = {"model": Raw(_encode(target.model))}
    if stream:
        if "no_stream_options" in quirks:
            changes["stream_options"] = None
        else:
            asked = source.fields.get("stream_options")
            changes["stream_options"] = _USAGE if asked is None else _with_usage(asked)
    if "max_tokens" in quirks and "max_completion_tokens" in source.fields:
        changes["max_tokens"] = source.fields["max_completion_tokens"]
        changes["max_completion_tokens"] = None
    # What follows is in few bodies, and a search of the bytes is cheaper than a look at each message.
    if b"cache_control" in source.body and "cache_control" not in quirks:
        return None
    if "no_developer_role" in quirks and b'"developer"' in source.body:
        return None
    if "no_reasoning_input" in quirks and b'"reasoning' in source.body:
        return None
    if STRICT in quirks and not source.fields.keys().isdisjoint((*UNKNOWN, "seed", "logprobs")):
        return None
    if NO_SCHEMAS in quirks and b'"json_schema"' in source.body:
        return None
    return rewritten(source, changes)


def _with_usage(options: Raw) -> Raw:
    fields = {} if bytes(options) == b"null" else _OBJECT.decode(options)
    fields["include_usage"] = _TRUE
    return Raw(_encode(fields))


def _body(request: Request, target: Target, notes: Notes) -> Json:
    quirks = target.quirks
    request = within(held(request, OPENAI, notes), target, notes)
    body: Json = {"model": target.model, "messages": messages_out(request.messages, notes)}
    if request.stream:
        body["stream"] = True
        if "no_stream_options" not in quirks:
            body["stream_options"] = {"include_usage": True}
    if request.max_tokens is not None:
        body["max_tokens" if "max_tokens" in quirks else "max_completion_tokens"] = request.max_tokens
    for name in ("temperature", "top_p", "n", "seed", "frequency_penalty", "presence_penalty", "logit_bias"):
        _put(body, name, getattr(request, name))
    for name in ("top_logprobs", "metadata", "store"):
        _put(body, name, getattr(request, name))
    for name in ("verbosity", "user", "service_tier"):
        _put(body, name, getattr(request, name) or None)
    _put(body, "prompt_cache_key", request.cache_key or None)
    if request.stop:
        body["stop"] = request.stop
    if request.logprobs:
        body["logprobs"] = True
    if request.modalities:
        body["modalities"] = request.modalities
    if request.speech is not None:
        body["audio"] = {"voice": request.speech.voice, "format": request.speech.format}
    if request.top_k is not None:
        if "top_k" in quirks:
            body["top_k"] = request.top_k
        else:
            notes.dropped("top_k", "Chat Completions has no top_k, and this provider does not add it.")
    tools = [out for tool in request.tools if (out := _tool_out(tool, notes)) is not None]
    _put(body, "tools", tools or None)
    if not tools:
        request = nothing_to_choose(request, notes)
    _put(body, "parallel_tool_calls", request.parallel_tools)
    if request.tool_choice is not None:
        body["tool_choice"] = _choice_out(request.tool_choice, request.tools, notes)
    if (output := wished(request, notes)) is not None:
        _output(body, output, notes)
    if request.reasoning is not None:
        _reasoning_out(request.reasoning, body, notes)
    if request.cache is not None:
        if "cache_control" in quirks:
            body["cache_control"] = cache_out(request.cache)
        else:
            notes.dropped("cache", "This provider takes no cache marks; it caches prefixes by itself or not at all.")
    if request.previous_response_id:
        notes.dropped("previous_response_id", "Chat Completions keeps no conversation: send all of its messages.")
    for extra in request.extra:
        _extra_out(extra, body, notes)
    fitted(body, target.model, notes)
    if STRICT in quirks:
        left_out(body, target.model, notes)
    return body


def _put(body: Json, name: str, value: object) -> None:
    if value is not None:
        body[name] = value


def _extra_out(extra: Opaque, body: Json, notes: Notes) -> None:
    """The dialect's own member again; options of a stream join ours."""
    if extra.dialect != NAME:
        notes.dropped(extra.kind, f"Only {extra.dialect} has this parameter.")
    elif extra.kind == "stream_options" and isinstance(body.get("stream_options"), dict):
        body["stream_options"] = {"include_usage": True, **_OBJECT.decode(extra.raw)}
    elif extra.kind == "stream_options" and body.get("stream"):
        notes.dropped(extra.kind, "This provider takes no stream options.")
    elif extra.kind in body:
        notes.dropped(extra.kind, "The same is said by another parameter.")
    else:
        body[extra.kind] = extra.raw


def _tool_out(tool: ToolSpec, notes: Notes) -> Json | Raw | None:
    if tool.hosted is not None or tool.kind == "hosted":
        if tool.hosted is not None and tool.hosted.dialect == NAME:
            return tool.hosted.raw
        notes.dropped("tools", f"The tool {tool.name} is hosted by another provider.")
        return None
    inner: Json = {"name": tool.name}
    if tool.description:
        inner["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            inner["format"] = _grammar_out(tool.grammar)
        if tool.schema is not None or tool.strict is not None:
            notes.dropped("tools", "A custom tool takes free text: no schema.")
    else:
        _put(inner, "parameters", tool.schema)
        _put(inner, "strict", tool.strict)
        if tool.grammar is not None:
            notes.dropped("tools", "A function takes JSON: no grammar.")
    out = marked({"type": tool.kind, tool.kind: inner}, tool.cache, notes, "tools")
    for extra in tool.extra:
        if extra.dialect != NAME or not place(out, extra.kind, extra.raw):
            notes.dropped("tools", f"The member {extra.kind} of a tool has its place in {extra.dialect} only.")
    return out


def _grammar_out(grammar: Raw) -> Json | Raw:
    """A grammar goes one level deeper here than in the Responses API, where its members stand in the format itself."""
    fields = _OBJECT.decode(grammar) if bytes(grammar)[:1] == b"{" else {}
    if "definition" not in fields:
        return grammar
    return {"type": "grammar", "grammar": {name: value for name, value in fields.items() if name != "type"}}


def _choice_out(choice: ToolChoice, tools: tuple[ToolSpec, ...], notes: Notes) -> object:
    kinds = {tool.name: "custom" if tool.kind == "custom" else "function" for tool in tools}
    named: list[Json] = []
    for name in choice.names:
        kind = kinds.get(name, "function")
        named.append({"type": kind, kind: {"name": name}})
    if choice.mode == "tool":
        if len(named) == 1:
            return named[0]
        notes.changed("tool_choice", "Chat Completions forces exactly one tool; any of these was required instead.")
        return _allowed("required", named)
    if choice.mode == "none":
        if named:
            notes.changed("tool_choice", "No tool at all may be used: there is nothing to name.")
        return "none"
    return _allowed(choice.mode, named)


def _allowed(mode: str, named: list[Json]) -> object:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named}} if named else mode


def _output(body: Json, output: OutputFormat, notes: Notes) -> None:
    if output.kind != "schema" or NO_SCHEMAS not in notes.quirks:
        body["response_format"] = _format_out(output, notes)
        return
    notes.changed("output", "This provider takes no schema: JSON is asked for, and the schema in words at the end.")
    body["response_format"] = {"type": "json_object"}
    body["messages"] = [*cast("list[object]", body["messages"]), {"role": "system", "content": in_words(output.schema)}]


def _format_out(output: OutputFormat, notes: Notes) -> Json:
    if output.kind != "schema":
        if (output.name, output.description, output.schema, output.strict) != ("", "", None, None):
            notes.dropped("output", "Only a format with a schema has a name, a description and strictness.")
        return {"type": "json_object" if output.kind == "json" else "text"}
    schema: Json = {"name": output.name or "answer"}  # the API wants a name, and a caller without one loses nothing
    if output.description:
        schema["description"] = output.description
    _put(schema, "schema", output.schema)
    _put(schema, "strict", output.strict)
    if output.strict and output.schema is not None:
        narrowed = narrow(output.schema, OPENAI)
        schema["schema"] = output.schema if narrowed.schema is None else narrowed.schema
        if narrowed.schema is None:
            schema["strict"] = False
            notes.changed("output", f"The schema is shown to the model, not kept to: {narrowed.why}.")
        elif narrowed.why:
            notes.changed("output", f"The schema was narrowed: {narrowed.why}.")
    return {"type": "json_schema", "json_schema": schema}


def _reasoning_out(control: ReasoningControl, body: Json, notes: Notes) -> None:
    """`reasoning_effort`, or OpenRouter's object for a provider that takes it."""
    if control.mode == "adaptive":
        notes.dropped(
            "reasoning", "Chat Completions has no word for adaptive reasoning; it is the default of most models."
        )
    if "reasoning_object" in notes.quirks:
        thinking: Json = {}
        _put(thinking, "effort", control.effort)
        _put(thinking, "max_tokens", control.budget)
        _put(thinking, "summary", control.summary or None)
        _put(thinking, "enabled", {"on": True, "off": False}.get(control.mode))
        _put(thinking, "exclude", control.hidden or None)
        if thinking:
            body["reasoning"] = thinking
        return
    effort = control.effort
    if control.summary:
        notes.dropped("reasoning", "Chat Completions cannot ask for a summary of the reasoning.")
    if control.hidden:
        notes.dropped("reasoning", "Chat Completions cannot ask for reasoning to be hidden.")
    if control.budget is not None:
        if effort is None:
            effort = next((word for most, word in _BUDGETS if control.budget <= most), "xhigh")
        notes.changed("reasoning", f"Chat Completions takes an effort, not a budget in tokens; {effort} was sent.")
    if control.mode == "off":
        notes.moved("reasoning", 'Reasoning is switched off by the effort "none".')
        effort = "none"
    elif control.mode == "on":
        if effort is None:
            notes.changed("reasoning", 'Chat Completions switches reasoning on by an effort; "medium" was sent.')
            effort = "medium"
        else:
            notes.moved("reasoning", "Reasoning is switched on by its effort.")
    _put(body, "reasoning_effort", effort)
