"""One prompt as a Request, both ways.

A prompt is a message of the user: a model that answers chats answers it, where a base model would write on. `echo` is
the gateway's own to do for such a model and says nothing to it. `best_of`, `suffix` and whatever else only this call
knows stay verbatim for a provider that has it; every other dialect names them as dropped. Of `best_of` that is no more
than `n` nothing is lost.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from meshwright.types.content import Message, Opaque, Text
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request, ToolChoice
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.notes import Notes
from meshwright.wire.openai_completions.shape import NAME, Count
from meshwright.wire.reading import client_json, client_source
from meshwright.wire.verbatim import NOTHING, present, raw_of

FIX = "Send a text, or a list of texts without `stream`."
_USAGE = Raw(b'{"include_usage":true}')


class _Options(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class _Body(msgspec.Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    prompt: Raw = NOTHING
    stream: bool | None = None
    stream_options: _Options | None = None
    max_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1)] | None = None
    best_of: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Raw = NOTHING
    logprobs: Count | None = None
    echo: bool | None = None
    suffix: str | None = None
    user: str | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_KNOWN = frozenset(_Body.__struct_encode_fields__) - {"best_of", "suffix"}
_TEXTS: msgspec.json.Decoder[str | list[str]] = msgspec.json.Decoder(str | list[str])
_SHARED = ("max_tokens", "temperature", "top_p", "n", "seed", "frequency_penalty", "presence_penalty", "logit_bias")
_ONLY_CHATS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("top_k", (None,)),
    ("tools", ((),)),
    ("tool_choice", (None, ToolChoice("auto"))),
    ("parallel_tools", (None, True)),
    ("output", (None,)),
    ("reasoning", (None,)),
    ("modalities", ((), ("text",))),
    ("speech", (None,)),
    ("verbosity", ("",)),
    ("metadata", (None,)),
    ("cache", (None,)),
    ("cache_key", ("",)),
    ("service_tier", ("",)),
    ("store", (None, False)),
    ("previous_response_id", ("",)),
)
"""Fields of a request that one prompt has no place for, with the values that say nothing."""


def texts_in(raw: Raw) -> list[str]:
    """The prompts of a request. Raises InvalidRequest: tokens belong to one model's tokenizer."""
    try:
        given = _TEXTS.decode(raw) if present(raw) else []
    except msgspec.ValidationError:
        raise InvalidRequest(
            "A prompt in tokens can be read by the one model whose tokens they are, and this one is asked in words.",
            field="prompt",
            fix=FIX,
        ) from None
    texts = [given] if isinstance(given, str) else given
    if not texts or not all(texts):
        raise InvalidRequest("There is no prompt, or an empty one.", field="prompt", fix=FIX)
    return texts


def decode_request(body: bytes) -> Request:
    """The request. Raises InvalidRequest that names the field, TooLarge when it nests too deeply."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    texts = texts_in(wire.prompt)
    if len(texts) > 1:
        raise InvalidRequest("Several prompts are several streams.", field="prompt", fix=FIX)
    if wire.max_tokens == 0:
        raise InvalidRequest(
            "Nothing is to be written (max_tokens 0): the probabilities of a prompt are known to its own model only.",
            field="max_tokens",
            fix="Name a model as PROVIDER/NAME whose provider has /completions, or ask for a token.",
        )
    unsaid = {"best_of"} if wire.best_of == (wire.n or 1) else set()
    unsaid |= set() if wire.suffix else {"suffix"}
    extra = tuple(
        Opaque(NAME, name, raw)
        for name, raw in source.fields.items()
        if name not in _KNOWN and name not in unsaid and present(raw)
    )
    return Request(
        model=wire.model,
        messages=(Message("user", (Text(texts[0]),)),),
        stream=bool(wire.stream),
        stream_usage=bool(wire.stream and wire.stream_options and wire.stream_options.include_usage),
        max_tokens=wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        n=wire.n,
        stop=() if not wire.stop else (wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop),
        seed=wire.seed,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        logit_bias=wire.logit_bias if present(wire.logit_bias) else None,
        logprobs=wire.logprobs is not None,
        top_logprobs=wire.logprobs or None,
        user=wire.user or "",
        extra=extra,
        source=source,
    )


def echoed(request: Request) -> str:
    """The prompt that the client wants to see before the answer; "" when it does not."""
    source = request.source
    if source is None or source.dialect != NAME or bytes(source.fields.get("echo", NOTHING)) != b"true":
        return ""
    return request.messages[0].text


def encode_request(request: Request, target: Target) -> Encoded:
    """The body of POST /completions. Turns of a conversation become one text, and that is noted."""
    source = request.source
    if source is not None and source.dialect == NAME:
        changes: dict[str, Raw | None] = {"model": raw_of(target.model)}
        if request.stream:
            changes["stream_options"] = _USAGE
        return Encoded(rewritten(source, changes))
    notes = Notes()
    body: dict[str, Any] = {"model": target.model, "prompt": _prompt(request.messages, notes)}
    if request.stream:
        body |= {"stream": True, "stream_options": _USAGE}
    body |= {name: value for name in _SHARED if (value := getattr(request, name)) is not None}
    if request.stop:
        body["stop"] = request.stop
    if request.user:
        body["user"] = request.user
    if request.logprobs:
        body["logprobs"] = request.top_logprobs or 0
        if request.top_logprobs == 0:
            notes.moved("top_logprobs", "No other tokens are asked for, and none are told.")
    elif request.top_logprobs is not None:
        notes.dropped("top_logprobs", "Others are told beside the probabilities of the text, which nobody asked for.")
    for name, harmless in _ONLY_CHATS:
        if getattr(request, name) not in harmless:
            notes.dropped(name, "One prompt has no place for it: a chat does.")
    for extra in request.extra:
        if extra.dialect == NAME:
            body[extra.kind] = extra.raw
        else:
            notes.foreign(extra.kind, extra)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _prompt(messages: tuple[Message, ...], notes: Notes) -> str:
    """The words of all turns."""
    if [(message.role, len(message.parts), message.name, message.id) for message in messages] != [("user", 1, "", "")]:
        notes.changed("messages", "One prompt has no turns: their words were joined.")
    words = []
    for message in messages:
        for part in message.parts:
            if not isinstance(part, Text):
                notes.dropped("messages", f"One prompt is text: there is no place for a part {type(part).__name__}.")
                continue
            if part.cache is not None or part.citations:
                notes.dropped("messages", "One prompt has no cache marks and no citations.")
            words.append(part.text)
        for extra in message.extra:
            notes.dropped("messages", f"The member {extra.kind} of a turn has its place in {extra.dialect} only.")
    prompt = "\n\n".join(word for word in words if word)
    if not prompt:
        notes.dropped("messages", "There are no words to complete.")
    return prompt
