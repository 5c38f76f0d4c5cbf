"""What every dialect makes of every feature that a client of another asks for, or a provider of another answers with.

A `Feature` is one thing to say, as a value of `types`, and what it means to have arrived. `verdict` sends it from the
client's dialect to the provider's (an answer: the other way) and says what became of it: carried, changed, dropped,
refused, or not sayable in the dialect that it comes from. There is no verdict for what got lost without a word: that is
an AssertionError. docs/reference/translation.md is written from these verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import msgspec

from meshwright.types.content import Message, Reasoning
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Response
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect, Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.sealing import (
    decoder_of_client,
    encode_for_client,
    encoder_for_client,
    is_bound,
    seal,
    sealed,
    unseal,
)

ORIGIN = "provider/model"
THEIRS = Target("model", ORIGIN, max_output=100_000)
ASKING = Request(model="model", max_tokens=2000, stream=True, stream_usage=True)
TURNS = {"messages": b"]", "input": b"]", "contents": b"]", "prompt": b'"'}
ONE_PROMPT = "openai_completions"
"""A dialect without turns: its clients do not make a conversation grow."""
Verdict = Literal["carried", "changed", "dropped", "refused", "-"]
Kind = Literal["request", "answer", "stream"]


class Feature(msgspec.Struct, frozen=True, eq=False):
    """One thing to say. `seen` is what of a request or an answer must be the same at the far end.

    `fields`: one of them must be named by the Adaptation if it is not. `implied`: the dialects in which it holds
    without being said, because nothing else can be had there.
    """

    title: str
    kind: Kind
    value: Any
    seen: Callable[[Any], Any]
    fields: tuple[str, ...]
    target: Target = THEIRS
    implied: frozenset[str] = frozenset()


def verdict(feature: Feature, client: str, provider: str) -> Verdict:
    """What becomes of the feature. Raises AssertionError when it is lost in silence."""
    if feature.kind == "request":
        return _asked(feature, CODECS[client], CODECS[provider])
    if feature.kind == "answer":
        return _answered(feature, CODECS[provider], CODECS[client])
    return _streamed(feature, CODECS[provider], CODECS[client])


def understood(
    dialect: Dialect, body: bytes, request: Request, decode: Callable[[bytes], Request] | None = None
) -> Request:
    """The body as the dialect's server means it, with what the path says where the dialect says it there."""
    meant = (decode or dialect.decode_request)(body)
    if dialect.path_of is None:
        return meant
    return msgspec.structs.replace(meant, model=request.model, stream=request.stream, source=meant.source)


def _asked(feature: Feature, client: Dialect, provider: Dialect) -> Verdict:
    if client.name in feature.implied:
        return "-"
    try:
        said = client.encode_request(_changed(feature.value, lambda one: _as_shown(one, client.name)), THEIRS)
        meant = understood(client, said.body, feature.value, decoder_of_client(client))
    except InvalidRequest:
        return "-"
    if feature.seen(meant) != feature.seen(feature.value):
        _named(feature, said.adaptations, client.name)
        return "-"
    try:
        encoded = provider.encode_request(meant, feature.target)
    except InvalidRequest as refused:
        if not refused.field:
            raise AssertionError(f"{provider.name} refuses {feature.title!r} without naming a field") from refused
        return "refused"
    try:
        read = understood(provider, encoded.body, meant)
    except InvalidRequest:
        # What is left says nothing any more, as when the only turn could not be carried.
        return _named(feature, encoded.adaptations, provider.name)
    if feature.seen(read) == feature.seen(meant) or provider.name in feature.implied:
        return "carried"
    return _named(feature, encoded.adaptations, provider.name)


def prefix_is_stable(client: str, provider: str, turns: Sequence[Message], more: Request) -> bool:
    """Whether what a provider has read of a conversation keeps its bytes when the conversation grows.

    `more` has everything but the turns. Compared are the whole member that holds the turns, without its end, and each
    other member: a provider's prompt cache sees the tools, the instructions and then the turns, in its own order.
    """
    bodies: list[dict[str, msgspec.Raw]] = []
    for count in range(1, len(turns) + 1, 2):
        request = msgspec.structs.replace(more, messages=tuple(turns[:count]))
        meant = understood(CODECS[client], CODECS[client].encode_request(request, THEIRS).body, request)
        body = CODECS[provider].encode_request(meant, THEIRS).body
        bodies.append(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    for shorter, longer in pairwise(bodies):
        if list(shorter) != list(longer):
            return False
        for name, raw in shorter.items():
            before, after = bytes(raw), bytes(longer[name])
            if before != after and not (name in TURNS and after.startswith(before.removesuffix(TURNS[name]))):
                return False
    return True


def _answered(feature: Feature, provider: Dialect, client: Dialect) -> Verdict:
    said = provider.encode_response(_told(feature.value, _as_made), ASKING)
    given = provider.decode_response(said.body, THEIRS)
    if feature.seen(given) != feature.seen(feature.value):
        _named(feature, said.adaptations, provider.name)
        return "-"
    encoded = encode_for_client(client, given, ASKING)
    if feature.seen(_told(client.decode_response(encoded.body, THEIRS), _opened)) == feature.seen(given):
        return "carried"
    return _named(feature, encoded.adaptations, client.name)


def _streamed(feature: Feature, provider: Dialect, client: Dialect) -> Verdict:
    encoder = provider.stream_encoder(ASKING)
    sent = encoder.feed(unfold(_told(feature.value, _as_made)))
    given = _read(provider, sent)
    if feature.seen(given) != feature.seen(feature.value):
        _named(feature, encoder.adaptations, provider.name)
        return "-"
    if client is provider:
        tap = client.tap(ASKING)
        assert tap.feed(sent) == sent
        assert tap.failed == ""
        return "carried"
    decoder, towards = provider.stream_decoder(THEIRS), encoder_for_client(client, ASKING)
    pieces = [sent[start : start + 7] for start in range(0, len(sent), 7)]
    read = _read(client, b"".join(towards.feed(decoder.feed(piece)) for piece in pieces))
    if feature.seen(_told(read, _opened)) == feature.seen(given):
        return "carried"
    return _named(feature, towards.adaptations, client.name)


def _as_shown(thought: Reasoning, client: str) -> Reasoning:
    """A bound thought as its client got it."""
    if not is_bound(thought):
        return thought
    if client == "openai_responses":
        return Reasoning(text=thought.text, summary=thought.summary, encrypted=seal(thought))
    return sealed(thought)


def _as_made(thought: Reasoning) -> Reasoning:
    """A bound thought as its maker has it: it need not say who it is."""
    return msgspec.structs.replace(thought, origin="")


def _opened(thought: Reasoning) -> Reasoning:
    """The thought that a client was shown, as it will come back."""
    bound = unseal(thought.signature or thought.encrypted)
    return thought if bound is None else msgspec.structs.replace(bound, text=thought.text, summary=thought.summary)


def _changed(request: Request, change: Callable[[Reasoning], Reasoning]) -> Request:
    messages = tuple(_with(message, change) for message in request.messages)
    return msgspec.structs.replace(request, messages=messages)


def _told(answer: Response, change: Callable[[Reasoning], Reasoning]) -> Response:
    choices = (msgspec.structs.replace(one, message=_with(one.message, change)) for one in answer.choices)
    return msgspec.structs.replace(answer, choices=tuple(choices))


def _with(message: Message, change: Callable[[Reasoning], Reasoning]) -> Message:
    parts = (change(part) if isinstance(part, Reasoning) else part for part in message.parts)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _read(dialect: Dialect, sent: bytes) -> Response:
    decoder = dialect.stream_decoder(THEIRS)
    read = fold(decoder.feed(sent), ORIGIN)
    assert decoder.ended
    return read


def _named(feature: Feature, adaptations: Iterable[Adaptation], dialect: str) -> Verdict:
    named = [one for one in adaptations if one.field.split(".")[0].split("[")[0] in feature.fields]
    assert named, f"{dialect} loses {feature.title!r} in silence"
    actions = {one.action for one in named if one.reason}
    return "dropped" if "dropped" in actions else "changed"
