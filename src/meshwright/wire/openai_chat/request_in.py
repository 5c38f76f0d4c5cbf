"""A client's Chat Completions request as a Request.

Source: OpenAI's API reference, "Create chat completion"; OpenRouter's `reasoning` and `cache_control`; vLLM's and
OpenRouter's `top_k`. The older `functions`, `function_call` and `function` messages are read as tools.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from meshwright.types.content import Opaque, Ttl
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request, Source, ToolSpec
from meshwright.wire.openai_chat.loose import TOOL, TURN
from meshwright.wire.openai_chat.options_in import (
    OBJECT,
    cache,
    given,
    grammar,
    output,
    reasoning,
    section,
    speech,
    tool_choice,
)
from meshwright.wire.openai_chat.shape import (
    NAME,
    Body,
    CacheControl,
    CustomToolIn,
    Elsewhere,
    FunctionSpec,
    FunctionToolIn,
    Tool,
)
from meshwright.wire.openai_chat.sift import NULL, Found, Members, sift
from meshwright.wire.openai_chat.turns_in import messages_in, opaques
from meshwright.wire.reading import client_json, client_source

_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(Body)
_ARRAY: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_KNOWN = frozenset(Body.__struct_encode_fields__)
_PLAIN = _KNOWN & {"model", "messages", "stream", "max_tokens", "max_completion_tokens", "tools", "stop", "n"}
_PLAIN |= {"temperature", "top_p"}


def decode_request(body: bytes) -> Request:
    """The request. Raises InvalidRequest that names the field, TooLarge when it nests too deeply."""
    source = client_source(NAME, body)
    found = Found()
    turns_unknown: dict[int, Members] = {}
    tools_unknown: dict[int, Members] = {}
    try:
        # The stand-in's tag is no type of the API: a client that uses it must not be taken for our own mark.
        read = None if b'"opaque"' in body else _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        read = None
    if read is None:
        read = client_json(_BODY, _sifted(source, found, turns_unknown, tools_unknown))
    if not read.messages:
        raise InvalidRequest("There are no messages.", field="messages", fix="Send at least one message.")
    extra: Members = []
    if not _KNOWN.issuperset(source.fields):
        extra += [(name, raw) for name, raw in source.fields.items() if name not in _KNOWN and bytes(raw) != NULL]
    # What a plain chat request says; the rest is looked at only when it is there, for this is the hot path.
    request = Request(
        model=read.model,
        messages=messages_in(read.messages, found, turns_unknown),
        stream=bool(read.stream),
        stream_usage=read.stream_options is not UNSET and _stream_usage(read, extra),
        max_tokens=read.max_tokens if read.max_completion_tokens is None else _max_tokens(read),
        temperature=read.temperature,
        top_p=read.top_p,
        n=read.n,
        stop=() if not read.stop else (read.stop,) if isinstance(read.stop, str) else tuple(read.stop),
        tools=_tools(read, found, tools_unknown) if read.tools or read.functions else (),
        source=source,
    )
    if _PLAIN.issuperset(source.fields):
        return request
    return msgspec.structs.replace(
        request,
        top_k=read.top_k,
        seed=read.seed,
        frequency_penalty=read.frequency_penalty,
        presence_penalty=read.presence_penalty,
        logit_bias=given(read.logit_bias),
        logprobs=bool(read.logprobs),
        top_logprobs=read.top_logprobs,
        tool_choice=tool_choice(read, extra),
        parallel_tools=read.parallel_tool_calls,
        output=output(read.response_format, extra),
        reasoning=reasoning(read, extra),
        modalities=tuple(read.modalities or ()),
        speech=speech(read.audio, extra),
        verbosity=read.verbosity or "",
        user=read.user or "",
        metadata=given(read.metadata),
        cache=cache(read.cache_control, extra),
        cache_key=read.prompt_cache_key or "",
        service_tier=read.service_tier or "",
        store=read.store,
        extra=opaques(extra),
    )


def _sifted(
    source: Source, found: Found, turns_unknown: dict[int, Members], tools_unknown: dict[int, Members]
) -> bytes:
    """The body without the members that we do not know; as it was, when it is not even JSON of that kind."""
    fields = dict(source.fields)
    try:
        for name, shape, unknown in (("messages", TURN, turns_unknown), ("tools", TOOL, tools_unknown)):
            raw = fields.get(name)
            if raw is None or bytes(raw)[:1] != b"[":
                continue
            kept = []
            for number, one in enumerate(_ARRAY.decode(raw)):
                kept.append(sift(one, shape, found))
                if found.members:
                    unknown[number], found.members = found.members, []
            fields[name] = Raw(msgspec.json.encode(kept))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return source.body  # whose decoder says what is wrong and where
    return msgspec.json.encode(fields)


def _stream_usage(read: Body, extra: Members) -> bool:
    """Whether the usage was asked for; what else the options say stays with the dialect."""
    raw = given(read.stream_options)
    if raw is None:
        return False
    options = section("stream_options", raw, OBJECT)
    usage = options.pop("include_usage", None) if read.stream else None
    if options:
        extra.append(("stream_options", Raw(msgspec.json.encode(options))))
    return usage is not None and bytes(usage) == b"true"


def _max_tokens(read: Body) -> int | None:
    new, old = read.max_completion_tokens, read.max_tokens
    if new is not None and old is not None and new != old:
        raise InvalidRequest(
            f"max_tokens ({old}) and max_completion_tokens ({new}) differ.",
            field="max_completion_tokens",
            fix="Send only max_completion_tokens.",
        )
    return old if new is None else new


def _tools(read: Body, found: Found, unknown: dict[int, Members]) -> tuple[ToolSpec, ...]:
    tools = [
        _tool(tool, found, unknown.get(number, ()), f"tools[{number}]") for number, tool in enumerate(read.tools or ())
    ]
    for number, function in enumerate(read.functions or ()):
        tools.append(_function(function, None, (), f"functions[{number}]"))
    return tuple(tools)


def _tool(tool: Tool, found: Found, unknown: Members | tuple[()], field: str) -> ToolSpec:
    if isinstance(tool, FunctionToolIn):
        return _function(tool.function, _mark(tool.cache_control), opaques(list(unknown)), f"{field}.function")
    if isinstance(tool, CustomToolIn):
        return ToolSpec(
            name=tool.custom.name,
            description=tool.custom.description or "",
            kind="custom",
            grammar=grammar(tool.custom.format),
            cache=_mark(tool.cache_control),
            extra=opaques(list(unknown)),
        )
    assert isinstance(tool, Elsewhere)
    kind, raw = found.opaque[tool.number]
    return ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw))


def _function(function: FunctionSpec, cache: Ttl | None, extra: tuple[Opaque, ...], field: str) -> ToolSpec:
    schema = given(function.parameters)
    if schema is not None and bytes(schema)[:1] != b"{":
        raise InvalidRequest(
            "A tool's parameters are not an object.",
            field=f"{field}.parameters",
            fix='Send a JSON Schema such as {"type": "object", "properties": {}}.',
        )
    return ToolSpec(
        name=function.name,
        description=function.description or "",
        schema=schema,
        strict=function.strict,
        cache=cache,
        extra=extra,
    )


def _mark(mark: CacheControl | None) -> Ttl | None:
    return None if mark is None else mark.ttl or "5m"
