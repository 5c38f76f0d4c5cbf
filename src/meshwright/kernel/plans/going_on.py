"""A stream's way when somebody else goes on with it: his words, joined to what was said, in the client's dialect."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meshwright.kernel.plans.said import Joint, Said, said_in
from meshwright.types.errors import MeshError, UpstreamProtocol
from meshwright.types.request import Adaptation
from meshwright.types.response import (
    Began,
    Delta,
    Ended,
    Failed,
    Finished,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.dialect import StreamDecoder, StreamEncoder


class GoingOn:
    """The Path of an answer that began elsewhere. `encoder` is that of the whole answer and knows how it began.

    `marker` are words that are said first (a restart says so); with them nothing is joined.
    """

    def __init__(self, decoder: StreamDecoder, encoder: StreamEncoder, said: Said, marker: str = "") -> None:
        self.usage: Usage | None = None
        self.upstream_id = ""
        self.came_to: str | None = None
        self.failed = ""
        self.ended = False
        self.complete = False
        self.encoder = encoder
        self.decoder = decoder
        self._before = said
        self._told: list[Delta] = []
        self._marker = marker
        self._joint = None if marker else Joint(said.text)
        self._shift = said.parts if said.part is None else said.parts - 1
        self._into: int | None = said.part
        self._first_text: int | None = None

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What the client's dialect could not carry so far."""
        return tuple(self.encoder.adaptations)

    @property
    def said(self) -> Said:
        """All that the client has, from the beginning."""
        before, new = self._before, said_in(self._told)
        part = new.part if self._told else before.part
        return Said(before.text + new.text, part, max(before.parts, new.parts), new.hindrance)

    def feed(self, data: bytes) -> bytes:
        """The client's bytes. Raises UpstreamProtocol when the words cannot be joined to what was said."""
        out: list[Delta] = []
        for delta in self.decoder.feed(data):
            self._take(delta, out)
        self._told += out
        return self.encoder.feed(out) if out else b""

    def finish(self) -> bytes:
        """The client's end mark when the provider left out its own."""
        return b"" if self.ended else self.encoder.feed((Ended(),))

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self.encoder.fail(error)

    def _take(self, delta: Delta, out: list[Delta]) -> None:
        match delta:
            case Began():
                self.upstream_id = delta.id
                self.usage = delta.usage or self.usage
            case UsageDelta():
                self.usage = delta.usage
                out.append(delta)
            case ReasoningDelta():
                pass  # a second train of thought in the middle of the words would belong to neither
            case TextDelta(refusal=False):
                self._words(delta, out)
            case PartEnded():
                if delta.part != self._first_text:
                    out.append(msgspec.structs.replace(delta, part=delta.part + self._shift))
            case Finished():
                self._rest(out)
                self.complete, self.came_to = True, delta.finish
                out.append(delta)
            case Ended():
                self.ended = self.complete = True
                out.append(delta)
            case Failed():
                self.failed = delta.message
                self.ended = True
                raise UpstreamProtocol(f"The stream that went on reported an error: {delta.message}")
            case _:
                place = getattr(delta, "part", None)
                out.append(delta if place is None else msgspec.structs.replace(delta, part=place + self._shift))

    def _words(self, delta: TextDelta, out: list[Delta]) -> None:
        if self._first_text is None:
            self._first_text = delta.part
        text = delta.text
        if self._marker:
            text, self._marker = self._marker + text, ""
        elif self._joint is not None and delta.part == self._first_text:
            try:
                text = self._joint.feed(text)
            except ValueError as error:
                raise UpstreamProtocol(f"Another answer could not be joined to the first: {error}.") from None
        if text:
            out.append(TextDelta(text=text, part=self._place(delta.part)))

    def _place(self, part: int) -> int:
        """The first text goes on with the one that is open."""
        if part == self._first_text and self._into is not None:
            return self._into
        return part + self._shift

    def _rest(self, out: list[Delta]) -> None:
        if self._joint is None:
            return
        try:
            text = self._joint.end()
        except ValueError as error:
            raise UpstreamProtocol(f"Another answer could not be joined to the first: {error}.") from None
        if text:
            out.append(TextDelta(text=text, part=self._place(self._first_text or 0)))


def primed(encoder: StreamEncoder, deltas: Sequence[Delta]) -> StreamEncoder:
    """An encoder that knows what was said by somebody else, so that what follows fits it."""
    encoder.feed(deltas)
    encoder.adaptations.clear()
    return encoder
