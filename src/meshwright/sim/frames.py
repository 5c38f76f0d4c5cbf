"""An answer cut into what goes over the wire: the events of a stream, or a body in two halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from meshwright.sim.answer import pieces
from meshwright.types.request import Request
from meshwright.types.response import Began, Delta, ReasoningDelta, Response, TextDelta, ToolCallDelta
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Dialect
from meshwright.wire.fold import unfold

ARGUMENTS = 8
"""Characters of a tool call's arguments in one delta."""

SEPARATORS = {"text/event-stream": b"\n\n", "application/x-ndjson": b"\n"}
"""What ends an event of each type of stream that is text."""


class Frame(msgspec.Struct, frozen=True):
    """Bytes that are sent at once. `token` says that they bring generated content, for which a pace holds."""

    data: bytes
    token: bool = False


def stream_frames(dialect: Dialect, response: Response, request: Request, tokens: Sequence[str] = ()) -> list[Frame]:
    """The events of the answer as a stream, one frame each; the last is the dialect's end mark."""
    encoder = dialect.stream_encoder(request)
    separator = SEPARATORS.get(dialect.event_stream)
    frames: list[Frame] = []
    for delta in _deltas(response, tokens):
        is_token = isinstance(delta, TextDelta | ReasoningDelta | ToolCallDelta)
        events = _events(encoder.feed((delta,)), separator)
        # What opens a block or says who speaks comes in one piece with the first token of it.
        frames += [Frame(event, is_token and number == len(events) - 1) for number, event in enumerate(events)]
    return frames


def body_frames(body: bytes) -> list[Frame]:
    """A body in two halves, so that faults have a middle."""
    half = max(1, len(body) // 2)
    return [Frame(body[:half]), Frame(body[half:])]


def _events(data: bytes, separator: bytes | None) -> list[bytes]:
    if separator is None or not data:
        return [data] if data else []
    return [event + separator for event in data.removesuffix(separator).split(separator)]


def _deltas(response: Response, tokens: Sequence[str]) -> Iterator[Delta]:
    """The answer's deltas, cut into tokens."""
    known = Usage(input=response.usage.total_input) if response.usage else None
    for delta in unfold(response):
        match delta:
            case Began():
                yield msgspec.structs.replace(delta, usage=known)
            case TextDelta():
                yield from _words(delta, tokens)
            case ReasoningDelta() if delta.text:
                for number, piece in enumerate(pieces(delta.text)):
                    id = "" if number else delta.id  # whoever encodes it needs the id before the words
                    yield ReasoningDelta(part=delta.part, choice=delta.choice, text=piece, summary=delta.summary, id=id)
                if delta.signature or delta.encrypted:
                    yield msgspec.structs.replace(delta, text="")
            case ToolCallDelta():
                yield msgspec.structs.replace(delta, arguments="")
                for start in range(0, len(delta.arguments), ARGUMENTS):
                    cut = delta.arguments[start : start + ARGUMENTS]
                    yield ToolCallDelta(part=delta.part, choice=delta.choice, arguments=cut, kind=delta.kind)
            case _:
                yield delta


def _words(delta: TextDelta, tokens: Sequence[str]) -> Iterator[Delta]:
    cut = list(tokens) if "".join(tokens) == delta.text else pieces(delta.text)
    logprobs = list(delta.logprobs)
    if not cut or "".join(cut) != delta.text:
        yield delta
        return
    for number, piece in enumerate(cut):
        last = number == len(cut) - 1
        told, logprobs = (logprobs, []) if last else (logprobs[:1], logprobs[1:])
        yield msgspec.structs.replace(delta, text=piece, logprobs=tuple(told))
