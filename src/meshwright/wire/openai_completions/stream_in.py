"""A provider's stream of pieces as deltas.

Source: https://platform.openai.com/docs/api-reference/completions/create, `stream`: events that look like the whole
answer, `[DONE]` at the end. The usage comes last, in a piece without choices.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import Began, Delta, Ended, Failed, Finished, OpaqueDelta, TextDelta, UsageDelta
from meshwright.wire.dialect import Target
from meshwright.wire.openai_completions.errors import decode_error
from meshwright.wire.openai_completions.response import HEAD, asides, choice_asides, stop_in
from meshwright.wire.openai_completions.shape import CHOICE, finish_in, probabilities_in
from meshwright.wire.openai_completions.usage import usage_in
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import present

DONE = b"[DONE]"
_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class Decoder:
    """The StreamDecoder of this dialect."""

    __slots__ = ("_began", "_cutter", "_known", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._began = False
        self._cutter = EventCutter()
        self._known: set[tuple[str, bytes]] = set()
        """Members that each piece repeats."""

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that `data` completes. Raises UpstreamProtocol on what the dialect does not allow."""
        out: list[Delta] = []
        block = self._cutter.whole(data)
        if self._cutter.rest.strip() == b"data: " + DONE:  # some servers leave out the blank line after it
            block += self._cutter.release() + b"\n\n"
        for name, payload in events(block):
            if self.ended:
                break
            self._event(name, payload, out)
        return tuple(out)

    def _event(self, name: bytes, payload: bytes, out: list[Delta]) -> None:
        if payload.strip() == DONE:
            self.ended = True
            out.append(Ended())
            return
        try:
            fields = _FIELDS.decode(payload)
            if name == b"error" or present(fields.get("error", Raw())):
                said = decode_error(502, payload, None)
                self.ended = True
                out.append(Failed(said.message, code=said.code))
                return
            self._piece(fields, payload, out)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None

    def _piece(self, fields: dict[str, Raw], payload: bytes, out: list[Delta]) -> None:
        read = HEAD.decode(payload)
        if not self._began:
            self._began = True
            out.append(Began(id=read.id or "", model=read.model or "", created=int(read.created or 0)))
        for place, raw in enumerate(read.choices or ()):
            choice = CHOICE.decode(raw)
            index = place if choice.index is None else choice.index
            logprobs = probabilities_in(choice.logprobs)
            if choice.text or logprobs:
                out.append(TextDelta(text=choice.text or "", part=0, choice=index, logprobs=logprobs))
            out.extend(OpaqueDelta(value=one, choice=index) for one in choice_asides(raw, choice))
            if finish := finish_in(choice.finish_reason):
                out.append(Finished(finish=finish, choice=index, stop=stop_in(choice)))
        for one in asides(fields):
            if (known := (one.kind, bytes(one.raw))) not in self._known:
                self._known.add(known)
                out.append(OpaqueDelta(value=one))
        if (usage := usage_in(read.usage)) is not None:
            out.append(UsageDelta(usage))
