"""One part at a time: the deltas of a stream for a dialect that has one open block.

Some providers mix the pieces of parallel tool calls, and some go back to a text after a call. Where a stream may have
one open block only (https://platform.claude.com/docs/en/build-with-claude/streaming; the clients of Converse and of
Cohere assume it too), a part has its turn until it is over, and what belongs to others waits for theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    CitationDelta,
    Delta,
    Ended,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)

_ANY: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)
_Content = TextDelta | ReasoningDelta | ToolCallDelta | AudioDelta | CitationDelta | OpaqueDelta
_RESUMED = 1_000_000
"""The numbers of parts that go on after they were over begin here, far above those of any answer."""


class InTurn:
    """Puts the deltas of the first choice in turn; those of others, and those of no part, are not touched.

    A call is over when it says so, or when its arguments are complete JSON; until then all others wait. Anything else
    is over as soon as another part begins: words must not wait. Should it go on later, it goes on as a new part.
    `cite_late`: a citation of a text that is over stays with it, because the dialect cites after the words.
    """

    __slots__ = ("_arguments", "_cite_late", "_names", "_open", "_over", "_tried", "_waiting", "mixed")

    def __init__(self, *, cite_late: bool = False) -> None:
        self._cite_late = cite_late
        self.mixed = False
        """Whether a part went on after it was over, and was split."""
        self._open: int | None = None
        self._arguments: dict[int, list[str] | None] = {}
        """The arguments of each call so far; None of one that takes free text, whose end cannot be seen."""
        self._over: set[int] = set()
        self._tried: dict[int, int] = {}
        """How many pieces of a call's arguments were there when they were last seen to be incomplete."""
        self._names: dict[int, int] = {}
        """The new number of a part that goes on after it was over."""
        self._waiting: dict[int, list[Delta]] = {}

    def feed(self, deltas: Iterable[Delta]) -> list[Delta]:
        """The deltas whose turn it is. Raises UpstreamProtocol when a complete call goes on."""
        out: list[Delta] = []
        for delta in deltas:
            self._take(delta, out)
        return out

    def _take(self, delta: Delta, out: list[Delta]) -> None:
        if isinstance(delta, Finished | Ended):
            if not isinstance(delta, Finished) or not delta.choice:
                self._release_all(out)
            out.append(delta)
        elif isinstance(delta, PartEnded):
            self._end(delta, out)
        elif not isinstance(delta, _Content) or delta.choice or delta.part is None or self._beside(delta):
            out.append(delta)
        else:
            self._content(delta, delta.part, out)

    def _end(self, delta: PartEnded, out: list[Delta]) -> None:
        part = self._names.get(delta.part, delta.part)
        if delta.choice:
            out.append(delta)
        elif part == self._open:
            self._close(out)
            self._next(out)
        elif part in self._waiting:
            self._waiting[part].append(delta)

    def _content(self, delta: _Content, part: int, out: list[Delta]) -> None:
        if part in self._over:
            part = self._again(delta, part)
            if part < 0:
                return
            if part != delta.part:
                delta = msgspec.structs.replace(delta, part=part)
        if self._open is not None and self._open != part:
            if not self._complete(self._open):
                self._waiting.setdefault(part, []).append(delta)
                return
            self._close(out)
        self._put(delta, part, out)
        if self._waiting and self._complete(part):
            self._close(out)
            self._next(out)

    def _beside(self, delta: _Content) -> bool:
        """Whether it needs no turn: probabilities without a word, and citations where they come after all words."""
        if isinstance(delta, TextDelta):
            return not delta.text and bool(delta.logprobs)
        return self._cite_late and isinstance(delta, CitationDelta) and delta.part in self._over

    def _again(self, delta: _Content, part: int) -> int:
        """The number under which a part goes on that was over; -1 for nothing but white space."""
        if part in self._arguments:
            if isinstance(delta, ToolCallDelta) and not delta.arguments.strip():
                return -1
            raise UpstreamProtocol("The provider went on with a tool call whose arguments were complete.")
        self.mixed = True
        known = self._names.get(part)
        if known is None or known in self._over:
            known = self._names[part] = _RESUMED + len(self._over)
        return known

    def _put(self, delta: _Content, part: int, out: list[Delta]) -> None:
        self._open = part
        if isinstance(delta, ToolCallDelta):
            pieces = self._arguments.setdefault(part, [] if delta.kind == "function" else None)
            if pieces is not None:
                pieces.append(delta.arguments)
        out.append(delta)

    def _complete(self, part: int) -> bool:
        """Whether another part may have its turn."""
        if part not in self._arguments:
            return True
        pieces = self._arguments[part]
        if not pieces or self._tried.get(part) == len(pieces) or not pieces[-1].rstrip().endswith("}"):
            return False
        try:
            _ANY.decode("".join(pieces))
        except (msgspec.DecodeError, RecursionError):
            self._tried[part] = len(pieces)
            return False
        return True

    def _close(self, out: list[Delta]) -> None:
        if self._open is not None:
            out.append(PartEnded(self._open))
            self._over.add(self._open)
            self._open = None

    def _next(self, out: list[Delta]) -> None:
        """Let those who waited have their turns, until one is not over."""
        while self._waiting and (self._open is None or self._complete(self._open)):
            self._close(out)
            part = next(iter(self._waiting))
            for delta in self._waiting.pop(part):
                if isinstance(delta, PartEnded):
                    self._close(out)
                elif isinstance(delta, _Content):
                    self._put(delta, part, out)

    def _release_all(self, out: list[Delta]) -> None:
        while self._waiting:
            self._close(out)
            self._next(out)
