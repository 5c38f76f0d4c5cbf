"""A provider's stream into deltas.

Source: https://docs.ollama.com/api/streaming. Every line is a small answer; the last says `done`, an error is a line of
its own. A call comes whole. Whatever changes its kind (thought, words, call) begins a new part.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Image, Opaque
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    Began,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.wire.dialect import Target
from meshwright.wire.fold import WHOLE
from meshwright.wire.ollama.answer import finish_in, seconds, tokens_in, usage_in
from meshwright.wire.ollama.errors import decode_error
from meshwright.wire.ollama.lines import LineCutter
from meshwright.wire.ollama.response import read_line, turn_of
from meshwright.wire.ollama.shapes import NAME, Line
from meshwright.wire.ollama.turns_in import Aside, call_in, image_in
from meshwright.wire.verbatim import present

_LINE: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class Decoder:
    """The StreamDecoder of this dialect, of /api/chat and of /api/generate."""

    __slots__ = ("_begun", "_calls", "_cutter", "_kind", "_part", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._begun = False
        self._calls = 0
        self._kind = ""
        self._part = -1
        self._cutter = LineCutter()

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas of the lines that `data` completes. Raises UpstreamProtocol on what is no line of the dialect."""
        found: list[Delta] = []
        for line in self._cutter.whole(data).split(b"\n"):
            if line and not line.isspace() and not self.ended:
                self._line(line, found)
        if not self.ended and self._cutter.rest.rstrip().endswith(b"}") and last(self._cutter.rest):
            self._line(self._cutter.release(), found)
        return tuple(found)

    def _line(self, data: bytes, found: list[Delta]) -> None:
        asides: list[Aside] = []
        extra: list[Opaque] = []
        try:
            try:
                line = _LINE.decode(data)
                if line.done_reason not in ("stop", "length", None):
                    line, asides, extra = read_line(_MEMBERS.decode(data))
            except msgspec.ValidationError:
                members = _MEMBERS.decode(data)
                if present(members.get("error", Raw())):
                    found.append(Failed(decode_error(502, data, None).message))
                    self.ended = True
                    return
                line, asides, extra = read_line(members)
            self._answer(line, asides, found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        found += [OpaqueDelta(value=one) for one in extra]
        if line.done:
            self._close(line, found)

    def _answer(self, line: Line, asides: list[Aside], found: list[Delta]) -> None:
        if not self._begun:
            self._begun = True
            found.append(Began(model=line.model, created=seconds(line.created_at)))
        turn = turn_of(line)
        probabilities = tokens_in(line.logprobs)
        for path, raw in asides:
            found.append(OpaqueDelta(value=Opaque(NAME, f"message.{self._shifted(path)}", raw)))
        if turn.thinking:
            found.append(ReasoningDelta(part=self._number("thought", found), text=turn.thinking))
        if turn.content or probabilities:
            part = self._number("text", found)
            found.append(TextDelta(part=part, text=turn.content or "", logprobs=probabilities))
        for said in turn.images or ():
            carried = Opaque(WHOLE, "image", Raw(msgspec.json.encode(_tagged(image_in(said)))))
            found.append(OpaqueDelta(value=carried, part=self._number("image", found, fresh=True)))
        for place, one in enumerate(turn.tool_calls or ()):
            call = call_in(one, line.created_at, self._calls, place)
            self._calls += 1
            part = self._number("call", found, fresh=True)
            found.append(ToolCallDelta(part=part, id=call.id, name=call.name, arguments=call.arguments))

    def _shifted(self, path: str) -> str:
        """The path of a call's member, by the call's number in the whole answer."""
        place, found, rest = path.removeprefix("tool_calls[").partition("]")
        return f"tool_calls[{self._calls + int(place)}]{rest}" if found and place.isdecimal() else path

    def _number(self, kind: str, found: list[Delta], *, fresh: bool = False) -> int:
        if kind != self._kind or fresh:
            if self._kind:
                found.append(PartEnded(self._part))
            self._kind = kind
            self._part += 1
        return self._part

    def _close(self, line: Line, found: list[Delta]) -> None:
        if self._kind:
            found.append(PartEnded(self._part))
        usage = usage_in(line)
        if usage is not None:
            found.append(UsageDelta(usage))
        found.append(Finished(finish=finish_in(line.done_reason, self._calls > 0)))
        found.append(Ended())
        self.ended = True


def last(line: bytes) -> bool:
    """Whether bytes without a line's end are the last line all the same: whole JSON that says so."""
    if b'"done":true' not in line and not line.startswith(b'{"error"'):
        return False
    try:
        members = _MEMBERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return present(members.get("error", Raw())) or bytes(members.get("done", b"")) == b"true"


def _tagged(image: Image) -> dict[str, object]:
    return {"type": "image", "data": image.data, "media_type": image.media_type}
