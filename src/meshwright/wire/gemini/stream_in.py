"""A provider's stream into deltas.

Source: https://ai.google.dev/api/generate-content (streamGenerateContent?alt=sse): each event is a whole
GenerateContentResponse with the next parts; text goes on in the next chunk, a call comes whole. There is no end mark: a
stream is over when every candidate that began has told why it ended and the tokens were counted, when the prompt was
blocked, or when an error came. A candidate that is about to run code at Google's says STOP and goes on with the result
(recorded in 2025; the page does not say so): that is not its end. Errors also come bare, without `data:`, after which
the connection ends.
"""

from __future__ import annotations

from itertools import chain

import msgspec
from msgspec import Raw

from meshwright.types.content import Audio, Opaque, Part, Reasoning, Text, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    Began,
    CitationDelta,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    ReasoningDelta,
    TextDelta,
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.wire.dialect import Target
from meshwright.wire.fold import WHOLE
from meshwright.wire.gemini import callids
from meshwright.wire.gemini.citations import Words, grounding_in, sources_in
from meshwright.wire.gemini.errors import decode_error
from meshwright.wire.gemini.finishes import finish_in
from meshwright.wire.gemini.logprobs import logprobs_in
from meshwright.wire.gemini.media import sound_type
from meshwright.wire.gemini.parts_in import SIGNED, Read
from meshwright.wire.gemini.response_in import FEEDBACK, answer, blocking, candidate, content_in, created_in
from meshwright.wire.gemini.shapes import NAME, Answer, Candidate
from meshwright.wire.gemini.usage import usage_in
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import present, raw_of

_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class _Word(msgspec.Struct):
    status: str = ""
    message: str = ""


_WORD: msgspec.json.Decoder[_Word] = msgspec.json.Decoder(_Word)


RUNS = ("executableCode", "toolCall")
"""Parts of which the provider makes the next one."""


class Choice:
    """One candidate in the making: what its last part is, its texts, and whether it called a tool."""

    __slots__ = (
        "_calls",
        "_lone",
        "_open",
        "_origin",
        "_seed",
        "_signed",
        "finished",
        "index",
        "parts",
        "texts",
        "wires",
    )

    def __init__(self, index: int, seed: str, origin: str) -> None:
        self.index = index
        self._origin = origin
        self.finished = False
        self.parts = 0
        self.wires = 0
        self.texts: dict[int, tuple[int, list[str]]] = {}
        """The wire's number and the pieces of each text, by the part's number."""
        self._seed = seed
        self._open: type[Part] | None = None
        self._signed = False
        self._lone = False
        self._calls = 0

    @property
    def called(self) -> bool:
        """Whether it called a tool."""
        return self._calls > 0

    @property
    def words(self) -> list[Words]:
        """Its texts so far."""
        return [Words(wire, number, "".join(pieces)) for number, (wire, pieces) in self.texts.items()]

    def _begin(self, kind: type[Part] | None, wire: bool = True) -> int:
        self._open, self._signed = kind, False
        self.parts += 1
        self.wires += wire
        return self.parts - 1

    def add(self, read: Read, found: list[Delta]) -> None:
        """The deltas of one more wire part."""
        part, signature = read.part, read.signature
        number, before = self.parts - 1, len(found)
        if isinstance(part, Reasoning):
            if self._open is not Reasoning or self._signed:
                number = self._begin(Reasoning)
            found.append(
                ReasoningDelta(
                    part=number,
                    choice=self.index,
                    text=part.text,
                    signature=part.signature,
                    origin=self._origin if part.signature else "",
                )
            )
            self._signed = bool(part.signature)
            self._lone = False
        else:
            if signature:
                number = self._begin(None, wire=part is None)
                found.append(ReasoningDelta(part=number, choice=self.index, signature=signature, origin=self._origin))
            elif self._lone and isinstance(part, SIGNED):
                # Or the signature before would be that of this part.
                found.append(TextDelta(part=self._begin(None, wire=False), choice=self.index, text=""))
            self._lone = part is None
            if part is not None:
                number = self._next(part, found)
        # Who writes the part must know what stands beside it.
        found[before:before] = [self._aside(number, path, raw) for path, raw in read.asides]

    def _next(self, part: Part, found: list[Delta]) -> int:
        match part:
            case Text():
                number = self.parts - 1 if self._open is Text else self._begin(Text)
                self.texts.setdefault(number, (self.wires - 1, []))[1].append(part.text)
                found.append(TextDelta(part=number, choice=self.index, text=part.text))
            case ToolCall():
                number = self._begin(None)
                id = part.id or callids.made(self._seed, self._calls)
                self._calls += 1
                found.append(
                    ToolCallDelta(
                        part=number, choice=self.index, id=id, name=part.name, arguments=part.arguments or "{}"
                    )
                )
            case Audio():
                number = self.parts - 1
                if self._open is not Audio:
                    number = self._begin(Audio)
                    if part.format != "pcm16":
                        found.append(self._aside(number, "inlineData.mimeType", raw_of(sound_type(part.format))))
                found.append(AudioDelta(part=number, choice=self.index, data=part.data))
            case Opaque():
                number = self._begin(None)
                found.append(OpaqueDelta(value=part, part=number, choice=self.index))
            case _:
                number = self._begin(None)
                carried = Opaque(WHOLE, type(part).__name__.lower(), raw_of(part))
                found.append(OpaqueDelta(value=carried, part=number, choice=self.index))
        return number

    def _aside(self, number: int, path: str, raw: Raw) -> Delta:
        return OpaqueDelta(value=Opaque(NAME, f"message.parts[{number}].{path}", raw), choice=self.index)

    def probable(self, logprobs: tuple[TokenProbability, ...], found: list[Delta]) -> None:
        """The probabilities of the tokens of this chunk: on its first text, or on a part that folds to nothing."""
        for place, delta in enumerate(found):
            if isinstance(delta, TextDelta) and delta.choice == self.index and delta.text:
                found[place] = msgspec.structs.replace(delta, logprobs=logprobs)
                return
        found.append(TextDelta(part=self._begin(None, wire=False), choice=self.index, text="", logprobs=logprobs))


class Decoder:
    """The StreamDecoder of this dialect. Raises UpstreamProtocol on what is not JSON or not its chunks."""

    __slots__ = ("_begun", "_blocked", "_choices", "_counted", "_cutter", "_origin", "_seed", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._cutter = EventCutter()
        self._origin = target.origin
        self._begun = False
        self._blocked = False
        self._counted = False
        self._seed = ""
        self._choices: dict[int, Choice] = {}

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas of the chunks that `data` completes."""
        block = self._cutter.whole(data)
        found: list[Delta] = []
        try:
            for _, event in chain(events(block) if block else (), bare_error(self._cutter)):
                if not self.ended:
                    self._chunk(event, found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        return tuple(found)

    def _chunk(self, data: bytes, found: list[Delta]) -> None:
        extra: list[Opaque] = []
        wire = answer(data, extra)
        if present(wire.error):
            found.append(failure(data, wire.error))
            self.ended = True
            return
        if not self._begun:
            self._begin(wire, data, extra, found)
        for raw in wire.candidates or ():
            self._candidate(raw, found)
        if present(wire.prompt_feedback):
            self._feedback(wire.prompt_feedback, found)
        if present(wire.usage_metadata):
            usage, more = usage_in(wire.usage_metadata)
            extra += more
            self._counted = True
            found.append(UsageDelta(usage))
        found += [OpaqueDelta(value=one) for one in extra]
        finished = bool(self._choices) and all(choice.finished for choice in self._choices.values())
        if self._blocked or (finished and self._counted):
            found.append(Ended())
            self.ended = True

    def _begin(self, wire: Answer, data: bytes, extra: list[Opaque], found: list[Delta]) -> None:
        self._begun = True
        self._seed = wire.response_id or data.decode()
        created = created_in(wire.create_time, extra)
        found.append(Began(id=wire.response_id, model=wire.model_version, created=created))

    def _feedback(self, feedback: Raw, found: list[Delta]) -> None:
        words = blocking(feedback)
        found.append(OpaqueDelta(value=Opaque(NAME, FEEDBACK, feedback)))
        if words is None or self._choices:
            return
        found += [TextDelta(part=0, text=one.text, refusal=True) for one in words if not isinstance(one, Opaque)]  # type: ignore[union-attr]  # a Refusal, if any
        found.append(Finished(finish="content_filter"))
        self._blocked = True

    def _candidate(self, raw: Raw, found: list[Delta]) -> None:
        extra: list[Opaque] = []
        wire = candidate(raw, extra)
        index = wire.index or 0
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index, f"{self._seed} {index or ''}".rstrip(), self._origin)
        reads, more = content_in(wire.content)
        fresh: list[Delta] = []
        for read in reads:
            choice.add(read, fresh)
        if present(wire.logprobs_result):
            logprobs, result = logprobs_in(wire.logprobs_result)
            extra += [result] if result is not None else []
            if logprobs:
                choice.probable(logprobs, fresh)
        self._cited(wire, choice, extra, fresh)
        finish = None
        if wire.finish_reason is not None:
            finish, word = finish_in(wire.finish_reason, choice.called)
            extra += [word] if word is not None else []
        found += fresh
        found += [OpaqueDelta(value=one, choice=choice.index) for one in extra]
        found += [OpaqueDelta(value=Opaque(NAME, f"message.{one.kind}", one.raw), choice=choice.index) for one in more]
        if finish is not None and not choice.finished and not (finish == "stop" and reads and goes_on(reads[-1])):
            choice.finished = True
            found.append(Finished(finish=finish, choice=choice.index))

    def _cited(self, wire: Candidate, choice: Choice, extra: list[Opaque], found: list[Delta]) -> None:
        for read, metadata in ((grounding_in, wire.grounding_metadata), (sources_in, wire.citation_metadata)):
            if present(metadata):
                cited, kept = read(metadata, choice.words)
                extra += [kept] if kept is not None else []
                found += [CitationDelta(citation=one, part=number, choice=choice.index) for number, one in cited]


def goes_on(last: Read) -> bool:
    """Whether something must come after this part, whatever the chunk says: the provider runs a tool of its own."""
    return isinstance(last.part, Opaque) and last.part.kind in RUNS


def bare_error(cutter: EventCutter) -> list[tuple[bytes, bytes]]:
    """The error that came without `data:` and without an end, once it is whole; it is no longer kept."""
    rest = cutter.rest
    if rest[:1] not in (b"{", b"["):
        return []
    data = rest.strip()
    if data[:1] == b"[" and data[-1:] == b"]":
        data = data[1:-1].strip()
    try:
        fields = _FIELDS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []  # not whole yet, or none: the end of the stream tells
    if "error" not in fields:
        return []
    cutter.release()
    return [(b"", data)]


def failure(data: bytes, error: Raw) -> Failed:
    """An in-band error: its words, the API's word for its kind."""
    said = decode_error(502, data, None)
    try:
        kind = _WORD.decode(error).status
    except msgspec.ValidationError:
        kind = ""
    return Failed(said.message, kind=kind, code=said.code if said.code not in (kind, "upstream_error") else "")
