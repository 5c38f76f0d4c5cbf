"""One prompt instead of a conversation: POST /api/generate, both ways.

Source: https://docs.ollama.com/api/generate. A prompt is a message of the user, `system` one of the system, `images`
belong to the prompt. What only this call knows (`suffix`, `template`, `raw`, `context`, sizes of pictures to make) is
kept as of the dialect `ollama_generate`: this call gets it back, every other dialect names it as dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Text
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request, Source
from meshwright.types.response import Response
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.request_in import Reading
from meshwright.wire.ollama.request_out import put_back, settings_out
from meshwright.wire.ollama.response import answer_out
from meshwright.wire.ollama.shapes import NAME, Count
from meshwright.wire.ollama.stream_out import Encoder
from meshwright.wire.ollama.turns_in import image_in
from meshwright.wire.ollama.turns_out import Writer
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import NOTHING, present

GENERATE = "ollama_generate"
"""The dialect of members that only /api/generate knows, and of the bytes of its requests."""

_ONLY_HERE = frozenset({"suffix", "template", "raw", "context", "width", "height", "steps"})


class _Body(msgspec.Struct):
    model: str
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    stream: bool | None = None
    format: Raw = NOTHING
    think: Raw = NOTHING
    options: Raw = NOTHING
    logprobs: bool | None = None
    top_logprobs: Count | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_KNOWN = frozenset(_Body.__struct_fields__)


def decode_generate_request(body: bytes) -> Request:
    """The request of POST /api/generate. Raises InvalidRequest that names the field, TooLarge."""
    source = client_source(GENERATE, body)
    wire = client_json(_BODY, body)
    images = tuple(map(image_in, wire.images or ()))
    if not wire.prompt and not images:
        raise InvalidRequest(
            "There is no prompt.", field="prompt", fix="Send a prompt; models are loaded by asking them."
        )
    extra = [
        Opaque(GENERATE if name in _ONLY_HERE else NAME, name, raw)
        for name, raw in source.fields.items()
        if name not in _KNOWN and present(raw)
    ]
    try:
        members = Reading(extra).settings(wire.options, wire.format, wire.think)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    prompt: tuple[Part, ...] = ((Text(wire.prompt),) if wire.prompt else ()) + images
    system = (Message("system", (Text(wire.system),)),) if wire.system else ()
    stream = wire.stream is not False
    return Request(
        model=wire.model,
        messages=(*system, Message("user", prompt)),
        stream=stream,
        stream_usage=stream,
        logprobs=bool(wire.logprobs),
        top_logprobs=wire.top_logprobs,
        extra=tuple(extra),
        source=Source(GENERATE, body, source.fields),
        **members,
    )


def encode_generate_request(request: Request, target: Target) -> Encoded:
    """The body of POST /api/generate. A conversation of more than an instruction and a prompt does not fit."""
    if request.source is not None and request.source.dialect == GENERATE:
        return Encoded(rewritten(request.source, {"model": Raw(msgspec.json.encode(target.model))}))
    notes = Notes()
    turns = Writer(notes, target.origin).turns(request.messages)
    prompt = next((turn for turn in reversed(turns) if turn["role"] == "user"), {"content": ""})
    system = [str(turn["content"]) for turn in turns if turn["role"] == "system"]
    if len(turns) > bool(system) + (prompt in turns):
        notes.dropped("messages", "One instruction and the last prompt of the user are all that fits here.")
    body: dict[str, Any] = {"model": target.model, "prompt": prompt["content"], "stream": request.stream}
    if system:
        body["system"] = "\n".join(system)
    if "images" in prompt:
        body["images"] = prompt["images"]
    if request.tools:
        notes.dropped("tools", "One prompt has no tools.")
    if request.tool_choice is not None:
        notes.dropped("tool_choice", "One prompt has no tools.")
    if request.parallel_tools is not None:
        notes.dropped("parallel_tools", "One prompt has no tools.")
    settings_out(request, body, notes)
    for extra in request.extra:
        if extra.dialect in (NAME, GENERATE):
            put_back(body, extra.kind, extra.raw)
        else:
            notes.foreign(extra.kind, extra)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def encode_generate_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of /api/generate."""
    source = response.source
    if source is not None and source.dialect == NAME and "response" in source.fields:
        return Encoded(source.body)
    notes = Notes()
    body = answer_out(response, request, notes)
    return Encoded(msgspec.json.encode(_flat(body, notes)), tuple(notes.found))


def _flat(body: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """An answer of the chat without its message."""
    message = body.pop("message")
    flat = {name: body.pop(name) for name in ("model", "created_at")}
    flat["response"] = message["content"]
    if "thinking" in message:
        flat["thinking"] = message["thinking"]
    for name in message.keys() - {"role", "content", "thinking"}:
        notes.dropped(f"choices.{name}", "An answer to one prompt is text.")
    return {**flat, **body}


class GenerateEncoder(Encoder):
    """The stream for a client of /api/generate; streams and answers of it are read like those of the chat."""

    __slots__ = ()

    def line(self, message: dict[str, object], **more: object) -> bytes:
        """One line with this piece of the answer."""
        body = {"model": self._model, "created_at": self._time, "message": message, **more}
        return msgspec.json.encode(_flat(body, self._notes)) + b"\n"


def generate_encoder(request: Request) -> GenerateEncoder:
    """The stream encoder for the client that sent `request` to /api/generate."""
    return GenerateEncoder(request)


def asked_of_chat(extra: Sequence[Opaque]) -> tuple[str, ...]:
    """The members of a request to /api/generate that no conversation can carry: answering without them may mislead."""
    return tuple(one.kind for one in extra if one.dialect == GENERATE and bytes(one.raw) not in (b'""', b"[]"))
