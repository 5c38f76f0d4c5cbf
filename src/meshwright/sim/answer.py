"""What a pretend provider answers: what its script says, or something made up from the request, always the same."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Literal

import msgspec

from meshwright.sim.fit import fitting
from meshwright.sim.upstream import Calling, Say, Upstream, ends_with_results, last_words
from meshwright.types.content import Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.request import Request, ToolSpec
from meshwright.types.response import Choice, Finish, Response, TokenProbability
from meshwright.types.usage import Usage

CREATED = 1_700_000_000
"""The time at which every made-up answer was made: a clock would make two runs differ."""

QUOTED = 200
"""Characters of the request that a made-up answer repeats."""

MOST_CHOICES = 128
"""As many as the API gives (https://platform.openai.com/docs/api-reference/chat/create, `n`)."""

_PIECES = re.compile(r"\s*\S+|\s+$")
_IDS = {"openai_chat": "chatcmpl-", "openai_responses": "resp_", "anthropic_messages": "msg_"}
_CALL_IDS = {"anthropic_messages": "toolu_", "bedrock_converse": "tooluse_"}


def answer(upstream: Upstream, request: Request, say: Say, key: str) -> Response:
    """The whole answer. `key` names this call: ids are made from it, so that the same run gives the same bytes."""
    if say.response is not None:
        return say.response
    said = made_up(upstream, request) if say.is_empty else say
    parts = _parts(upstream, request, said, key)
    finish = said.finish or _finish(said, parts)
    stop = said.stop
    if say.is_empty:
        parts, finish, stop = _limited(request, parts, finish)
    logprobs = None
    if said.logprobs or request.logprobs:
        words = "".join(part.text for part in parts if isinstance(part, Text))
        logprobs = tuple(_probability(piece, request.top_logprobs or 0) for piece in said.tokens or pieces(words))
    choices = tuple(
        Choice(message=Message("assistant", parts), index=index, finish=finish, stop=stop, logprobs=logprobs or None)
        for index in range(max(1, min(request.n or 1, MOST_CHOICES)))
    )
    return Response(
        id=_IDS.get(upstream.dialect, "sim_") + digest(key, "answer"),
        model=request.model,
        created=CREATED,
        choices=choices,
        usage=said.usage or _usage(request, parts, len(choices)),
    )


def made_up(upstream: Upstream, request: Request) -> Say:
    """What a request that no rule fits is told: tools are called when they must be or are named, schemas are met."""
    reasoning = _thought(request)
    if ends_with_results(request):
        results = [part for part in request.messages[-1].parts if isinstance(part, ToolResult)]
        told = ", ".join(_quoted(result) for result in results)
        return Say(text=f"{upstream.name} read {len(results)} tool results: {told}.", reasoning=reasoning)
    called = _called(request)
    if called:
        return Say(calls=tuple(map(_calling, called)), reasoning=reasoning)
    if request.output is not None and request.output.kind != "text":
        value = (
            fitting(request.output.schema)
            if request.output.kind == "schema"
            else {"answer": last_words(request)[:QUOTED]}
        )
        return Say(json=msgspec.json.encode(value).decode(), reasoning=reasoning)
    words = last_words(request)
    return Say(text=f"{upstream.name} heard {len(words.split())} words: {words[:QUOTED]}", reasoning=reasoning)


def pieces(text: str) -> list[str]:
    """Words with the blanks before them; joined they are the text."""
    return _PIECES.findall(text)


def digest(*words: str) -> str:
    """24 hexadecimal digits that follow from the words."""
    return hashlib.blake2b("\x00".join(words).encode(), digest_size=12).hexdigest()


def signature(upstream: str, thought: str) -> str:
    """How this provider signs a thought: base64, as the real ones' are."""
    return base64.b64encode(hashlib.blake2b(f"{upstream}\x00{thought}".encode(), digest_size=48).digest()).decode()


def _parts(upstream: Upstream, request: Request, said: Say, key: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    if said.reasoning or said.encrypted:
        signed = said.signature or (signature(upstream.name, said.reasoning) if said.reasoning else "")
        if said.reasoning:
            parts.append(Reasoning(text=said.reasoning, signature=signed))
        if said.encrypted:
            parts.append(Reasoning(encrypted=said.encrypted))
    text = said.json or said.text or "".join(said.tokens)
    if text:
        parts.append(Text(text))
    if said.refusal:
        parts.append(Refusal(said.refusal))
    custom = {tool.name for tool in request.tools if tool.kind == "custom"}
    prefix = _CALL_IDS.get(upstream.dialect, "call_")
    for number, call in enumerate(said.calls):
        id = call.id or prefix + digest(key, "call", str(number))
        kind: Literal["function", "custom"] = "custom" if call.name in custom else "function"
        parts.append(ToolCall(id=id, name=call.name, arguments=call.arguments, kind=kind))
    return tuple(parts)


def _finish(said: Say, parts: tuple[Part, ...]) -> Finish:
    if said.calls:
        return "tool_calls"
    # OpenAI ends a refusal like any answer; the other dialects have a word of their own, which theirs maps to.
    return "refusal" if parts and all(isinstance(part, Refusal) for part in parts) else "stop"


def _limited(request: Request, parts: tuple[Part, ...], finish: Finish) -> tuple[tuple[Part, ...], Finish, str]:
    """A made-up answer honours the request's stop sequences and its limit."""
    kept: list[Part] = []
    left = request.max_tokens if request.max_tokens is not None else 1 << 30
    for part in parts:
        if isinstance(part, Text):
            places = [(part.text.find(mark), mark) for mark in request.stop if mark and mark in part.text]
            text, stop = part.text, ""
            if places:
                place, stop = min(places)
                text = text[:place]
            words = pieces(text)
            if len(words) > left:
                kept.append(Text("".join(words[:left])))
                return tuple(kept), "length", ""
            kept.append(Text(text))
            if stop:
                return tuple(kept), "stop", stop
        else:
            kept.append(part)
    return tuple(kept), finish, ""


def _called(request: Request) -> list[ToolSpec]:
    """The tools to call: those that must be, else those whose names stand in the last message."""
    callable_ = [tool for tool in request.tools if tool.kind != "hosted"]
    choice = request.tool_choice
    words = last_words(request)
    named = [tool for tool in callable_ if re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", words)]
    if choice is None or choice.mode == "auto":
        found = named
    elif choice.mode == "none":
        found = []
    else:
        allowed = [tool for tool in callable_ if not choice.names or tool.name in choice.names]
        found = [tool for tool in named if tool in allowed] or allowed[:1]
    return found[:1] if request.parallel_tools is False else found


def _calling(tool: ToolSpec) -> Calling:
    if tool.kind == "custom":
        return Calling(tool.name, "text")
    return Calling(tool.name, msgspec.json.encode(fitting(tool.schema)).decode())


def _thought(request: Request) -> str:
    control = request.reasoning
    if control is None or control.mode == "off" or control.effort == "none" or control.hidden:
        return ""
    return f"The question has {len(last_words(request).split())} words."


def _quoted(result: ToolResult) -> str:
    return " ".join(part.text for part in result.parts if isinstance(part, Text))[:QUOTED]


def _probability(token: str, top: int) -> TokenProbability:
    """Made up from the token alone; `top` others beside it, each less likely."""
    surprise = (hashlib.blake2b(token.encode(), digest_size=1).digest()[0] + 1) / 256
    bytes_ = tuple(token.encode())
    others = [TokenProbability(token=token, logprob=-surprise, bytes=bytes_)]
    others += [
        TokenProbability(token=f"{token}{n}", logprob=-surprise - n, bytes=(*bytes_, 48 + n)) for n in range(1, top)
    ]
    return TokenProbability(token=token, logprob=-surprise, bytes=bytes_, top=tuple(others[:top]))


def _usage(request: Request, parts: tuple[Part, ...], choices: int) -> Usage:
    thought = sum(len(pieces(part.text)) for part in parts if isinstance(part, Reasoning))
    output = sum(len(pieces(part.text)) for part in parts if isinstance(part, Text | Refusal))
    output += sum(1 + len(part.arguments) // 4 for part in parts if isinstance(part, ToolCall))
    return Usage(input=input_tokens(request), output=max(1, output) * choices, reasoning=thought * choices)


def input_tokens(request: Request) -> int:
    """A count that grows with the request: four characters each, and three for each message and tool."""
    characters = sum(len(message.text) for message in request.messages)
    characters += sum(len(tool.schema or b"") + len(tool.description) for tool in request.tools)
    return 1 + characters // 4 + 3 * (len(request.messages) + len(request.tools))
