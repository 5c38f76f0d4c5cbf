"""Thoughts that are bound to their maker, for clients whose dialect has no place for who that was.

A signature means something to the deployment that made it, and another refuses it. Where an answer is translated, what
binds a thought is sealed together with its maker's name, and stands where the client's dialect keeps signatures; the
client sends it back as it got it, and what was sealed is opened before the request is routed. So the maker gets its own
signature again, and nobody else does. A seal is base64, for two dialects take nothing else there.

What passes between two of the same dialect is never sealed, for its bytes are not touched. A signature that comes
without a seal was made by some provider of the client's dialect, and only providers of that dialect get it.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence

import msgspec

from meshwright.types.content import Message, Part, Reasoning
from meshwright.types.errors import MeshError
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import (
    Began,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    ReasoningDelta,
    Response,
    UsageDelta,
)
from meshwright.wire.dialect import Dialect, Encoded, StreamEncoder
from meshwright.wire.tools_abroad import knowing

MARK = "bWVzaDox"
"""How every seal begins: b"mesh:1" in base64."""
SIGNING = frozenset({"anthropic_messages", "bedrock_converse", "gemini"})
"""Dialects whose clients send signatures back, and cannot say whose they are."""
BINDING = SIGNING | {"openai_responses"}
"""Dialects with thoughts that are bound to their maker. That of Responses seals for itself, in `encrypted_content`."""
_MARK, _PLAIN = MARK.encode(), binascii.a2b_base64(MARK)
_BOUND = (b"ignature", b"redacted", b"encrypted_content")
"""Parts of the names under which the dialects have what is bound. A request without them has nothing to look for."""
_MOVED = Adaptation("choices.reasoning", "moved", "What binds it to its maker is sealed in its signature.")
_ALPHABET = str.maketrans("-_", "+/")


class _Sealed(msgspec.Struct, omit_defaults=True):
    """`d`: the words beside it are the thought's digest, and not the thought itself."""

    o: str
    s: str = ""
    e: str = ""
    i: str = ""
    d: bool = False


_SEALED: msgspec.json.Decoder[_Sealed] = msgspec.json.Decoder(_Sealed)


def seal(thought: Reasoning) -> str:
    """What of the thought is bound to its maker, as one text."""
    digest = bool(thought.summary) and not thought.text
    packed = _Sealed(o=thought.origin, s=thought.signature, e=thought.encrypted, i=thought.id, d=digest)
    return binascii.b2a_base64(_PLAIN + msgspec.json.encode(packed), newline=False).decode("ascii")


def unseal(text: str) -> Reasoning | None:
    """The bound members of a thought that we sealed; None when it is not one. `summary` is (" ",) of a digest."""
    if not text.startswith(MARK):
        return None
    try:
        plain = binascii.a2b_base64(text.translate(_ALPHABET), strict_mode=True)
        sealed = _SEALED.decode(plain[len(_PLAIN) :])
    except (ValueError, msgspec.DecodeError):
        return None
    summary = (" ",) if sealed.d else ()
    return Reasoning(signature=sealed.s, encrypted=sealed.e, id=sealed.i, origin=sealed.o, summary=summary)


def somebody(dialect: str) -> str:
    """The origin of a thought that some provider of the dialect has signed."""
    return f"{dialect}:"


def takes_back(thought: Reasoning, origin: str, dialect: str) -> bool:
    """Whether the deployment `origin`, which speaks the dialect, may have made it."""
    return thought.origin in ("", origin, somebody(dialect))


def is_anothers(thought: Reasoning, origin: str) -> bool:
    """Whether it is known that another than the deployment `origin` made it."""
    return thought.origin not in ("", origin) and not thought.origin.endswith(":")


def sealed(thought: Reasoning) -> Reasoning:
    """The thought for a client: its words, and one signature."""
    return Reasoning(text=thought.text, summary=thought.summary, signature=seal(thought))


def is_bound(thought: Reasoning) -> bool:
    """Whether it is known whose it is, and matters."""
    return bool(thought.origin and (thought.signature or thought.encrypted))


def encode_for_client(dialect: Dialect, response: Response, request: Request) -> Encoded:
    """The answer in the client's dialect, with what is bound sealed."""
    source = response.source
    if dialect.name not in SIGNING or (source is not None and source.dialect == dialect.name):
        return dialect.encode_response(response, request)
    parts = (part for choice in response.choices for part in choice.message.parts)
    if not any(isinstance(part, Reasoning) and is_bound(part) for part in parts):
        return dialect.encode_response(response, request)
    choices = tuple(
        msgspec.structs.replace(one, message=_changed(one.message, _sealed_part)) for one in response.choices
    )
    done = dialect.encode_response(msgspec.structs.replace(response, choices=choices), request)
    return Encoded(done.body, (_MOVED, *done.adaptations))


def encoder_for_client(dialect: Dialect, request: Request) -> StreamEncoder:
    """The stream encoder of the client's dialect, which seals what is bound and names tools as the client does."""
    encoder = knowing(dialect.stream_encoder(request), request)
    return Sealing(encoder) if dialect.name in SIGNING else encoder


def decoder_of_client(dialect: Dialect) -> Callable[[bytes], Request]:
    """The decode_request of a client's dialect, which opens what was sealed, and says of other bound thoughts that
    somebody's they are.

    A request that had something sealed has lost its source: the bytes mean nothing to a provider.
    """
    if dialect.name not in BINDING:
        return dialect.decode_request

    def decode_request(body: bytes) -> Request:
        request = dialect.decode_request(body)
        if not any(word in body for word in _BOUND):
            return request
        messages = tuple(_changed(one, lambda part: _opened_part(part, dialect.name)) for one in request.messages)
        source = None if _MARK in body else request.source
        return msgspec.structs.replace(request, messages=messages, source=source)

    return decode_request


def _changed(message: Message, change: Callable[[Part], Part]) -> Message:
    """The message with its parts changed, the same one when nothing is."""
    parts = tuple(map(change, message.parts))
    same = all(one is other for one, other in zip(parts, message.parts, strict=True))
    return message if same else msgspec.structs.replace(message, parts=parts)


def _sealed_part(part: Part) -> Part:
    return sealed(part) if isinstance(part, Reasoning) and is_bound(part) else part


def _opened_part(part: Part, dialect: str) -> Part:
    if not isinstance(part, Reasoning) or part.origin or not (part.signature or part.encrypted):
        return part
    bound = unseal(part.signature or part.encrypted)
    if bound is None:
        return msgspec.structs.replace(part, origin=somebody(dialect))
    words = {"text": "", "summary": (part.text,)} if bound.summary and part.text else {"text": part.text, "summary": ()}
    return msgspec.structs.replace(bound, **words)


class Sealing:
    """A stream encoder for which what is bound is sealed. Pieces of a signature wait until all of them are there."""

    __slots__ = ("_encoder", "_marks", "_waiting", "adaptations")

    def __init__(self, encoder: StreamEncoder) -> None:
        self._encoder = encoder
        self.adaptations = encoder.adaptations
        self._waiting: dict[tuple[int, int], Reasoning] = {}
        """What is bound, by choice and part; `text` and `summary` only tell whether there were such words."""
        self._marks: dict[tuple[int, int], Reasoning] = {}
        """The same of thoughts of which nothing is bound so far."""

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece."""
        if not self._waiting and not any(type(delta) is ReasoningDelta for delta in deltas):
            return self._encoder.feed(deltas)
        out: list[Delta] = []
        for delta in deltas:
            if type(delta) is ReasoningDelta:
                self._thought(delta, out)
                continue
            if self._waiting:
                self._flush(None if isinstance(delta, Ended) else _choice(delta), out)
            out.append(delta)
        return self._encoder.feed(out)

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self._encoder.fail(error)

    def _thought(self, delta: ReasoningDelta, out: list[Delta]) -> None:
        key = (delta.choice, delta.part)
        for other in [one for one in self._waiting if one[0] == delta.choice and one != key]:
            self._flush_one(other, out)
        known = self._waiting.get(key) or self._marks.get(key) or Reasoning()
        bound = msgspec.structs.replace(
            known,
            text=known.text or (" " if delta.text and delta.summary is None else ""),
            summary=known.summary or ((" ",) if delta.summary is not None else ()),
            id=known.id or delta.id,
        )
        if not (delta.origin and (delta.signature or delta.encrypted)):
            (self._waiting if key in self._waiting else self._marks)[key] = bound
            out.append(delta)
            return
        self._marks.pop(key, None)
        self._waiting[key] = msgspec.structs.replace(
            bound,
            signature=bound.signature + delta.signature,
            encrypted=bound.encrypted + delta.encrypted,
            origin=delta.origin,
        )
        if delta.text or delta.summary is not None:
            out.append(msgspec.structs.replace(delta, signature="", encrypted="", id="", origin=""))

    def _flush(self, choice: int | None, out: list[Delta]) -> None:
        """Send what waits of this choice, -1: of none; None: of all."""
        for key in [one for one in self._waiting if choice is None or one[0] == choice]:
            self._flush_one(key, out)

    def _flush_one(self, key: tuple[int, int], out: list[Delta]) -> None:
        signature = seal(self._waiting.pop(key))
        if _MOVED not in self.adaptations:
            self.adaptations.append(_MOVED)
        out.append(ReasoningDelta(choice=key[0], part=key[1], signature=signature))


def _choice(delta: Delta) -> int:
    """The choice whose thoughts are over with this delta, -1: none."""
    match delta:
        case Began() | UsageDelta() | Failed() | Ended() | OpaqueDelta(part=None):
            return -1
        case Finished(choice=choice):
            return choice
    return delta.choice
