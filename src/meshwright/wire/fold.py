"""From deltas to the whole answer, and from a whole answer to its deltas; the same for every dialect."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Literal

import msgspec

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.errors import UpstreamError, UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    Began,
    Choice,
    CitationDelta,
    Delta,
    Ended,
    Failed,
    Finish,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    Response,
    TextDelta,
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)

WHOLE = "mesh"
"""The dialect of an OpaqueDelta that carries a part of ours for which no delta exists (an image in an answer)."""

_PIECE: msgspec.json.Decoder[list[msgspec.Raw] | str] = msgspec.json.Decoder(list[msgspec.Raw] | str)
_WHOLE: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)


def fold(deltas: Iterable[Delta], origin: str = "") -> Response:
    """The answer that the deltas add up to. Raises UpstreamError when they report a failure.

    Reasoning that is signed or encrypted gets `origin` where its deltas do not say. A stream that was cut folds to
    what there is of it: its choices have no `finish`.
    """
    folding = Folding(origin)
    for delta in deltas:
        folding.add(delta)
    if folding.failed is not None:
        raise UpstreamError(folding.failed.message)
    return folding.response()


def unfold(response: Response) -> tuple[Delta, ...]:
    """The deltas of a whole answer, one or few for each part, so that `fold(unfold(response)) == response`.

    Only what deltas have no place for is lost: cache marks, a message's id and name, an audio part's format, the source
    and the origin of reasoning that is not bound to it.
    """
    deltas: list[Delta] = [
        Began(id=response.id, model=response.model, created=response.created, service_tier=response.service_tier)
    ]
    deltas += [OpaqueDelta(value=extra) for extra in response.extra]
    for choice in response.choices:
        deltas += _choice_deltas(choice)
    if response.usage is not None:
        deltas.append(UsageDelta(response.usage))
    deltas.append(Ended())
    return tuple(deltas)


class Folding:
    """A fold in progress, for a caller whose deltas arrive over time. `failed` is the in-band error, if one came.

    An opaque delta that is not a part goes to `Response.extra`, where a later one of its kind replaces it (a kind that
    begins with "event." never does: each event counts). A kind "message.x" goes to the message's `extra` as "x", where
    pieces that are lists or strings add up as the API's own clients add them; "choice.x" goes there as it is.
    """

    __slots__ = ("_choices", "_extra", "_head", "_origin", "_usage", "failed")

    def __init__(self, origin: str = "") -> None:
        self.failed: Failed | None = None
        self._origin = origin
        self._head = Began()
        self._usage = self._head.usage
        self._choices: dict[int, _Choice] = {}
        self._extra: list[Opaque] = []

    def add(self, delta: Delta) -> None:
        """Take one more delta in. Raises UpstreamProtocol when it contradicts what its part is."""
        match delta:
            case Began():
                self._head = delta
                self._usage = delta.usage or self._usage
            case UsageDelta():
                self._usage = delta.usage
            case Failed():
                self.failed = delta
            case PartEnded() | Ended():
                pass
            case OpaqueDelta(part=None) if not delta.value.kind.startswith(("message.", "choice.")):
                _put(self._extra, delta.value)
            case _:
                choice = self._choices.get(delta.choice)
                if choice is None:
                    choice = self._choices[delta.choice] = _Choice()
                choice.add(delta)

    def response(self) -> Response:
        """The answer as far as it has come."""
        return Response(
            id=self._head.id,
            model=self._head.model,
            created=self._head.created,
            choices=tuple(self._choices[index].whole(index, self._origin) for index in sorted(self._choices)),
            usage=self._usage,
            service_tier=self._head.service_tier,
            extra=tuple(self._extra),
        )


Kind = Literal["text", "refusal", "reasoning", "tool_call", "audio", "whole"]


class _Part:
    """One part in the making: pieces of its text by place, and members that are said once."""

    __slots__ = ("citations", "expires_at", "kind", "only_probabilities", "pieces", "said", "tool", "whole")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.pieces: dict[int, list[str]] = {}
        self.said: dict[str, str] = {}
        self.citations: list[Citation] = []
        self.tool: Literal["function", "custom"] = "function"
        self.expires_at: int | None = None
        self.whole: Part | None = None
        self.only_probabilities = False

    def say(self, name: str, value: str) -> None:
        if value:
            self.said[name] = value

    def piece(self, text: str, place: int = -1) -> None:
        self.pieces.setdefault(place, []).append(text)

    def text(self, place: int = -1) -> str:
        return "".join(self.pieces.get(place, ()))


class _Choice:
    """One choice in the making."""

    __slots__ = ("extra", "finish", "logprobs", "parts", "refusal_logprobs", "stop")

    def __init__(self) -> None:
        self.parts: dict[int, _Part] = {}
        self.extra: list[Opaque] = []
        self.finish: Finish | None = None
        self.stop = ""
        self.logprobs: list[TokenProbability] = []
        self.refusal_logprobs: list[TokenProbability] = []

    def part(self, number: int, kind: Kind) -> _Part:
        part = self.parts.get(number)
        if part is None:
            part = self.parts[number] = _Part(kind)
        elif part.kind != kind:
            raise UpstreamProtocol(f"Part {number} of the stream is {part.kind} and cannot go on as {kind}.")
        return part

    def add(self, delta: Delta) -> None:
        match delta:
            case TextDelta():
                self._add_text(delta)
            case ReasoningDelta():
                part = self.part(delta.part, "reasoning")
                if delta.text or delta.summary is not None:
                    part.piece(delta.text, -1 if delta.summary is None else delta.summary)
                for name in ("signature", "encrypted"):
                    part.said[name] = part.said.get(name, "") + getattr(delta, name)
                part.say("id", delta.id)
                part.say("origin", delta.origin)
            case ToolCallDelta():
                part = self.part(delta.part, "tool_call")
                for name in ("id", "name", "item_id"):
                    part.say(name, getattr(delta, name))
                if delta.kind != "function":
                    part.tool = delta.kind
                part.piece(delta.arguments)
            case AudioDelta():
                part = self.part(delta.part, "audio")
                part.say("id", delta.id)
                part.piece(delta.data)
                part.piece(delta.transcript, 0)
                part.expires_at = part.expires_at if delta.expires_at is None else delta.expires_at
            case CitationDelta():
                self.part(delta.part, "text").citations.append(delta.citation)
            case OpaqueDelta(value=value, part=None):
                kind = value.kind.removeprefix("message.")
                _put(self.extra, Opaque(value.dialect, kind, value.raw), pieces=kind != value.kind)
            case OpaqueDelta(value=value, part=int(number)):
                self.part(number, "whole").whole = _unwrapped(value)
            case Finished():
                self.finish = delta.finish
                self.stop = delta.stop

    def _add_text(self, delta: TextDelta) -> None:
        known = delta.part in self.parts
        part = self.part(delta.part, "refusal" if delta.refusal else "text")
        part.piece(delta.text)
        if delta.logprobs:
            (self.refusal_logprobs if delta.refusal else self.logprobs).extend(delta.logprobs)
        part.only_probabilities = not delta.text and (part.only_probabilities if known else bool(delta.logprobs))

    def whole(self, index: int, origin: str) -> Choice:
        parts = (self.parts[number] for number in sorted(self.parts))
        whole = (_whole(part, origin) for part in parts if not part.only_probabilities)
        return Choice(
            message=Message("assistant", tuple(whole), extra=tuple(self.extra)),
            index=index,
            finish=self.finish,
            stop=self.stop,
            logprobs=tuple(self.logprobs) or None,
            refusal_logprobs=tuple(self.refusal_logprobs) or None,
        )


def _whole(part: _Part, origin: str) -> Part:
    if part.whole is not None:
        return part.whole
    said = part.said
    match part.kind:
        case "text":
            return Text(part.text(), citations=tuple(part.citations))
        case "refusal":
            return Refusal(part.text())
        case "reasoning":
            signature, encrypted = said.get("signature", ""), said.get("encrypted", "")
            return Reasoning(
                text=part.text(),
                summary=tuple(part.text(place) for place in sorted(part.pieces) if place >= 0),
                signature=signature,
                encrypted=encrypted,
                id=said.get("id", ""),
                origin=(said.get("origin") or origin) if signature or encrypted else "",
            )
        case "tool_call":
            return ToolCall(
                id=said.get("id", ""),
                name=said.get("name", ""),
                arguments=part.text(),
                kind=part.tool,
                item_id=said.get("item_id", ""),
            )
        case _:
            return Audio(
                id=said.get("id", ""),
                data=_joined_base64(part.pieces.get(-1, [])),
                transcript=part.text(0),
                expires_at=part.expires_at,
            )


def _joined_base64(pieces: list[str]) -> str:
    """The pieces as one: padding may stand at the end of each, but in the whole only at the end."""
    if not any(piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return binascii.b2a_base64(b"".join(map(binascii.a2b_base64, pieces)), newline=False).decode("ascii")
    except ValueError as error:
        raise UpstreamProtocol(f"The provider's audio is not base64: {error}.") from None


def _put(extra: list[Opaque], value: Opaque, pieces: bool = False) -> None:
    if not value.kind.startswith("event."):
        for place, old in enumerate(extra):
            if old.kind == value.kind and old.dialect == value.dialect:
                extra[place] = _longer(old, value) if pieces else value
                return
    extra.append(value)


def _longer(old: Opaque, new: Opaque) -> Opaque:
    first, second = bytes(old.raw), bytes(new.raw)
    if first[:1] != second[:1] or first[:1] not in (b"[", b'"'):
        return new
    joined = _PIECE.decode(old.raw) + _PIECE.decode(new.raw)  # type: ignore[operator]  # both lists or both strings
    return Opaque(new.dialect, new.kind, msgspec.Raw(msgspec.json.encode(joined)))


def _unwrapped(value: Opaque) -> Part:
    return _WHOLE.decode(value.raw) if value.dialect == WHOLE else value


def _choice_deltas(choice: Choice) -> list[Delta]:
    index = choice.index
    deltas: list[Delta] = []
    for extra in choice.message.extra:
        kind = extra.kind if extra.kind.startswith("choice.") else f"message.{extra.kind}"
        deltas.append(OpaqueDelta(value=Opaque(extra.dialect, kind, extra.raw), choice=index))
    logprobs, refusal_logprobs = choice.logprobs or (), choice.refusal_logprobs or ()
    number = -1
    for number, part in enumerate(choice.message.parts):
        if isinstance(part, Text):
            deltas.append(TextDelta(text=part.text, part=number, choice=index, logprobs=logprobs if part.text else ()))
            deltas += [CitationDelta(citation=one, part=number, choice=index) for one in part.citations]
            logprobs = () if part.text else logprobs
        elif isinstance(part, Refusal):
            deltas.append(TextDelta(text=part.text, part=number, choice=index, refusal=True, logprobs=refusal_logprobs))
            refusal_logprobs = ()
        else:
            deltas += _part_deltas(part, number, index)
        deltas.append(PartEnded(number, index))
    # Probabilities of an answer without words (tool calls only) travel on a part that folds to nothing.
    if logprobs:
        number += 1
        deltas.append(TextDelta(text="", part=number, choice=index, logprobs=logprobs))
    if refusal_logprobs:
        deltas.append(TextDelta(text="", part=number + 1, choice=index, refusal=True, logprobs=refusal_logprobs))
    if choice.finish is not None:
        deltas.append(Finished(finish=choice.finish, choice=index, stop=choice.stop))
    return deltas


def _part_deltas(part: Part, number: int, choice: int) -> list[Delta]:
    match part:
        case Reasoning():
            deltas: list[Delta] = [
                # Its id comes first: who writes an item's beginning must know it.
                ReasoningDelta(part=number, choice=choice, text=text, summary=place, id="" if place else part.id)
                for place, text in enumerate(part.summary)
            ]
            if part.text or not deltas or part.signature or part.encrypted:
                deltas.append(
                    ReasoningDelta(
                        part=number,
                        choice=choice,
                        text=part.text,
                        signature=part.signature,
                        encrypted=part.encrypted,
                        origin=part.origin if part.signature or part.encrypted else "",
                        id="" if deltas else part.id,
                    )
                )
            return deltas
        case ToolCall():
            return [
                ToolCallDelta(
                    part=number,
                    choice=choice,
                    id=part.id,
                    name=part.name,
                    arguments=part.arguments,
                    kind=part.kind,
                    item_id=part.item_id,
                )
            ]
        case Audio():
            return [
                AudioDelta(
                    part=number,
                    choice=choice,
                    id=part.id,
                    data=part.data,
                    transcript=part.transcript,
                    expires_at=part.expires_at,
                )
            ]
        case Image() | File() | ToolResult():
            carried = Opaque(WHOLE, type(part).__name__.lower(), msgspec.Raw(msgspec.json.encode(part)))
            return [OpaqueDelta(value=carried, part=number, choice=choice)]
        case Opaque():
            return [OpaqueDelta(value=part, part=number, choice=choice)]
        case _:
            raise TypeError(f"No delta for {part!r}.")
