"""A stream that guards go over window by window, between its flow and the client; it lets the request settle."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meshwright.guards.examine import failed_open, failure, put_back, refusal, said
from meshwright.guards.masks import Masks
from meshwright.guards.rule import Rule
from meshwright.guards.texts import in_json
from meshwright.guards.whole import Piece, judged, judges
from meshwright.guards.window import Window
from meshwright.kernel.arrival import Arrival, Flow
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.types.errors import Blocked, MeshError, UpstreamError
from meshwright.types.guard import Finding, Verdict
from meshwright.types.response import (
    AudioDelta,
    Delta,
    Ended,
    Failed,
    Finished,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from meshwright.wire.dialect import Target

Place = tuple[int, int, int]
"""Choice, part, and the number of the summary (-1: the text itself)."""
Texts = TextDelta | ReasoningDelta | AudioDelta


class Watched:
    """One answer on its way (see `kernel.arrival.Flow`), read and written again in the client's dialect.

    The request settles here, when the last verdict is known; its flow only says that it would have.
    """

    def __init__(
        self,
        kernel: Kernel,
        arrival: Arrival,
        flow: Flow,
        recording: Recording,
        rules: Sequence[Rule],
        masks: Masks,
    ) -> None:
        self._kernel = kernel
        self._flow = flow
        self._recording = recording
        self._rules = [rule for rule in rules if rule.guard.judge is None]
        self._forms = judges(rules)
        self._words: dict[int, list[str]] = {}
        self._called: set[int] = set()
        self._masks = masks
        self._decoder = arrival.dialect.stream_decoder(Target(arrival.request.model, recording.served))
        self._encoder = arrival.dialect.stream_encoder(arrival.request)
        self._windows: dict[Place, tuple[Window, Texts]] = {}
        self._calls: dict[tuple[int, int], list[ToolCallDelta]] = {}
        self._counts: dict[Rule, dict[str, int]] = {}
        self._blocked: Blocked | None = None
        self._over = False

    async def next(self) -> bytes:
        """The next bytes for the client, b"" at the end. A block ends it with an error in the client's dialect."""
        while not self._over:
            try:
                piece = await self._flow.next()
                made = self._encoder.feed(self._seen(self._decoder.feed(piece))) if piece else b""
                if self._blocked is not None:
                    return made + self._block(self._blocked)
                if piece and self._decoder.ended:
                    await self._flow.next()  # whoever keeps it hears of its end
                if not piece or self._decoder.ended:
                    self._settle()
            except UpstreamError as error:
                if self._recording.over:
                    self._settle()
                    raise
                return self._block(error)
            except BaseException:
                self._settle()
                raise
            if made:
                return made
        return b""

    def abort(self) -> None:
        """The client left."""
        self._flow.abort()
        self._settle()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off."""
        said = self._flow.cut(error)
        self._settle()
        return self._encoder.fail(error) if said else b""

    def _block(self, error: MeshError) -> bytes:
        self._flow.cut(error)
        self._recording.failed(error)
        self._settle()
        return self._encoder.fail(error)

    def _settle(self) -> None:
        if self._over:
            return
        self._over = True
        for rule, counts in self._counts.items():
            why = f"{said(counts)} in the answer"
            self._recording.guards.append(
                Verdict(rule=rule.name, guard=rule.uses, action=rule.outcome, place="answer", found=counts, why=why)
            )
        self._recording.guards.extend(put_back(self._masks))
        self._recording.held = False
        if self._recording.over:  # else the flow settles by itself, when it has heard out who charges for all of it
            self._kernel.settle(self._recording)

    def _seen(self, deltas: Sequence[Delta]) -> list[Delta]:
        """The deltas with their texts as they may leave; up to the first that may not."""
        out: list[Delta] = []
        try:
            for delta in deltas:
                out += self._one(delta)
        except Blocked as error:
            self._blocked = error
        return out

    def _one(self, delta: Delta) -> list[Delta]:
        match delta:
            case TextDelta() | ReasoningDelta() | AudioDelta():
                return self._text(delta)
            case ToolCallDelta():
                self._calls.setdefault((delta.choice, delta.part), []).append(delta)
                return []
            case PartEnded():
                return [*self._end(delta.choice, delta.part), delta]
            case Finished():
                out = [*self._end(delta.choice, None), delta]
                self._judge(delta)
                return out
            case Ended() | Failed():
                return [*self._end(None, None), delta]
            case _:
                return [delta]

    def _text(self, delta: Texts) -> list[Delta]:
        text = delta.transcript if isinstance(delta, AudioDelta) else delta.text
        summary = delta.summary if isinstance(delta, ReasoningDelta) else None
        place = (delta.choice, delta.part, -1 if summary is None else summary)
        window, _ = self._windows.get(place) or (Window(self._rules, self._masks, self._told), delta)
        # A part of another kind, or the next one, begins: what came before is complete.
        ended = self._end(delta.choice, None, besides=delta.part) if place not in self._windows else []
        self._windows[place] = window, delta
        left = window.feed(text) if text else ""
        self._hear(delta, left)
        return [*ended, _saying(delta, left)]

    def _hear(self, delta: Texts, text: str) -> None:
        """Words that leave, where all of them will be judged together."""
        if self._forms and isinstance(delta, TextDelta) and not delta.refusal:
            self._words.setdefault(delta.choice, []).append(text)

    def _end(self, choice: int | None, part: int | None, besides: int | None = None) -> list[Delta]:
        """What is still held of these parts."""
        out: list[Delta] = []
        for place in [one for one in self._windows if _meant(one[:2], choice, part, besides)]:
            window, last = self._windows.pop(place)
            if rest := window.end():
                self._hear(last, rest)
                out.append(_more(last, rest))
        calls = [one for one in self._calls if _meant(one, choice, part, besides)]
        out += [self._call(self._calls.pop(key)) for key in calls]
        return out

    def _call(self, pieces: Sequence[ToolCallDelta]) -> ToolCallDelta:
        """A whole call: nobody can begin with half of its arguments, so that they are gone over in one piece."""
        arguments = "".join(one.arguments for one in pieces)

        def change(text: str, name: str) -> str:
            window = Window(self._rules, self._masks, self._told)
            return window.feed(text) + window.end()

        if pieces[0].kind == "function":
            arguments = in_json(arguments, change) if arguments else arguments
        else:
            arguments = change(arguments, "")
        head = pieces[0]
        if head.kind == "function" and self._forms:
            self._called.add(head.choice)
            name = next((one.name for one in pieces if one.name), "")
            self._weigh([Piece(arguments or "{}", "answer", name)])
        return msgspec.structs.replace(
            head,
            id=next((one.id for one in pieces if one.id), ""),
            name=next((one.name for one in pieces if one.name), ""),
            item_id=next((one.item_id for one in pieces if one.item_id), ""),
            arguments=arguments,
        )

    def _judge(self, end: Finished) -> None:
        """The answer is complete: what it is as a whole is said before its end leaves."""
        words = "".join(self._words.pop(end.choice, ()))
        if self._forms and (words or end.choice not in self._called):
            self._weigh([Piece(words, "answer")])

    def _weigh(self, pieces: Sequence[Piece]) -> None:
        verdicts, blocked = judged(self._forms, pieces)
        self._recording.guards.extend(verdicts)
        if blocked is not None:
            raise blocked

    def _told(self, rule: Rule, found: Sequence[Finding] | None) -> None:
        if found is None:
            if rule.closed:
                raise failure(rule)
            self._recording.guards.append(failed_open(rule, "answer"))
            return
        counts = self._counts.setdefault(rule, {})
        for one in found:
            counts[one.kind] = counts.get(one.kind, 0) + 1
        if rule.action == "block":
            raise refusal(rule, "answer", counts)


def _meant(key: tuple[int, int], choice: int | None, part: int | None, besides: int | None) -> bool:
    return (choice is None or key[0] == choice) and (part is None or key[1] == part) and key[1] != besides


def _saying(delta: Texts, text: str) -> Delta:
    if isinstance(delta, AudioDelta):
        return msgspec.structs.replace(delta, transcript=text)
    if isinstance(delta, TextDelta):
        # Probabilities belong to the words as the model chose them.
        return msgspec.structs.replace(delta, text=text, logprobs=())
    return msgspec.structs.replace(delta, text=text)


def _more(delta: Texts, text: str) -> Delta:
    """One more delta of the same part, with nothing in it but this text."""
    if isinstance(delta, AudioDelta):
        return AudioDelta(part=delta.part, choice=delta.choice, transcript=text)
    if isinstance(delta, TextDelta):
        return TextDelta(part=delta.part, choice=delta.choice, text=text, refusal=delta.refusal)
    return ReasoningDelta(part=delta.part, choice=delta.choice, text=text, summary=delta.summary)
