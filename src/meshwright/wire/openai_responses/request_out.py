"""A Request as the body of a Responses call.

A request that came in this dialect and is unchanged goes out as its own bytes with the model's name replaced.
Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Text
from meshwright.types.request import Request, Source
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.limits import within
from meshwright.wire.notes import Notes
from meshwright.wire.openai_models import fitted
from meshwright.wire.openai_responses.content_out import Json
from meshwright.wire.openai_responses.items_out import Item, Writer
from meshwright.wire.openai_responses.members import NAME, OBJECT
from meshwright.wire.openai_responses.options import choice_out, format_out, reasoning_out, tool_out
from meshwright.wire.openai_responses.request_in import INSTRUCTIONS, LOGPROBS
from meshwright.wire.schema_subsets import OPENAI
from meshwright.wire.strictness import held, wished
from meshwright.wire.verbatim import is_object, raw_of

LEAST_TOKENS = 16
"""The smallest max_output_tokens that the API takes."""

_NONE_OF_IT = {
    "top_k": "This API has no top_k.",
    "seed": "This API has no seed.",
    "frequency_penalty": "This API has no penalties.",
    "presence_penalty": "This API has no penalties.",
    "logit_bias": "This API has no logit_bias.",
    "speech": "This API answers in words.",
    "cache": "Prefixes are cached without marks.",
}


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for this provider, and what of the request it could not carry."""
    source = request.source
    if source is not None and source.dialect == NAME:
        return Encoded(_faithful(source, target))
    notes = Notes()
    body = _body(request, target, notes)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _faithful(source: Source, target: Target) -> bytes:
    return rewritten(source, {"model": raw_of(target.model)})


def _body(request: Request, target: Target, notes: Notes) -> Json:
    body: Json = {"model": target.model}
    messages = request.messages
    instructions = instructions_of(messages)
    if instructions:
        body["instructions"] = instructions
        messages = messages[1:]
    body["input"] = _items(messages, target, notes)
    strict = msgspec.structs.replace(held(request, OPENAI, notes), output=wished(request, notes))
    body.update(settings(within(strict, target, notes), notes))
    if request.stream:
        body["stream"] = True
    if request.logprobs:
        body["include"] = [LOGPROBS]
    fitted(body, target.model, notes)
    if request.previous_response_id:
        body["previous_response_id"] = request.previous_response_id
    if request.max_tokens is not None and request.max_tokens < LEAST_TOKENS:
        notes.changed("max_tokens", f"The API takes {LEAST_TOKENS} tokens and more: {LEAST_TOKENS} were allowed.")
        body["max_output_tokens"] = LEAST_TOKENS
    _absent(request, notes)
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.dropped(extra.kind, f"Only {extra.dialect} has this parameter.")
        elif not _merged(body, extra.kind, extra.raw):
            notes.dropped(extra.kind, "The same is said by another parameter.")
    return body


def instructions_of(messages: tuple[Message, ...]) -> str:
    """The words of the leading message that came as `instructions` and still is what it was."""
    if not messages or messages[0].extra != (INSTRUCTIONS,):
        return ""
    first = messages[0]
    plain = first.role == "system" and not first.name and not first.id and len(first.parts) == 1
    only = first.parts[0] if plain else None
    return only.text if isinstance(only, Text) and only == Text(only.text) else ""


def _items(messages: tuple[Message, ...], target: Target, notes: Notes) -> list[Item]:
    writer = Writer(notes, target.origin)
    for message in messages:
        if INSTRUCTIONS in message.extra:  # no longer what came as instructions: a system message among the others
            kept = tuple(one for one in message.extra if one != INSTRUCTIONS)
            notes.moved("messages", "The instructions have changed and went as a system message.")
            message = msgspec.structs.replace(message, extra=kept)
        writer.write(message)
    return writer.items


def settings(request: Request, notes: Notes) -> Json:
    """The members that say how to answer: the API repeats them in the answer."""
    body: Json = {}
    for name, value in (
        ("max_output_tokens", request.max_tokens),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("parallel_tool_calls", request.parallel_tools),
        ("metadata", request.metadata),
        ("store", request.store),
        ("user", request.user or None),
        ("prompt_cache_key", request.cache_key or None),
        ("service_tier", request.service_tier or None),
    ):
        if value is not None:
            body[name] = value
    if tools := [out for tool in request.tools if (out := tool_out(tool, notes)) is not None]:
        body["tools"] = tools
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not tools:
        notes.dropped("tool_choice", "There is no tool to choose.")
    elif request.tool_choice is not None:
        body["tool_choice"] = choice_out(request.tool_choice, request.tools, notes)
    if request.output is not None or request.verbosity:
        text: Json = {}
        if request.output is not None:
            text["format"] = format_out(request.output, notes)
        if request.verbosity:
            text["verbosity"] = request.verbosity
        body["text"] = text
    if request.reasoning is not None:
        body["reasoning"] = reasoning_out(request.reasoning, notes)
    return body


def _absent(request: Request, notes: Notes) -> None:
    """Note what this API has no place for."""
    if request.n is not None and request.n > 1:
        notes.dropped("n", "This API gives one answer.")
    if request.stop:
        notes.dropped("stop", "This API has no stop sequences.")
    if set(request.modalities) - {"text"}:
        notes.dropped("modalities", "This API answers in words.")
    for name, reason in _NONE_OF_IT.items():
        if getattr(request, name) is not None:
            notes.dropped(name, reason)


def _merged(body: Json, name: str, raw: Raw) -> bool:
    """Put a member of our own back: into what is there already if both are objects or both are lists."""
    present = body.get(name)
    if present is None:
        body[name] = raw
        return True
    if name == "include":
        assert isinstance(present, list)
        body[name] = [*msgspec.json.decode(raw, type=list[str]), *present]
        return True
    if isinstance(present, dict) and is_object(raw):
        members = OBJECT.decode(raw)
        if not members.keys() & present.keys():
            body[name] = {**present, **members}
            return True
    return False
