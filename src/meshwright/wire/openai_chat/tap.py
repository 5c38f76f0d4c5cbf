"""Listening to a stream of chunks that passes through unchanged."""

from __future__ import annotations

import re
from itertools import repeat

import msgspec
from msgspec import UNSET, Raw, UnsetType

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.openai_chat.errors import failure
from meshwright.wire.openai_chat.response import FINISHES
from meshwright.wire.openai_chat.sift import NULL
from meshwright.wire.openai_chat.stream_in import DONE, LAST
from meshwright.wire.openai_chat.usage import usage_in
from meshwright.wire.sse import UNSOUND, EventCutter, events, sound

_EVENT = re.compile(rb"(?s).*?(?:\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n)")


class _Choice(msgspec.Struct, frozen=True):
    finish_reason: str | None = None


class _Heard(msgspec.Struct, frozen=True):
    """What a listener wants of a chunk."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    object: str | None = None


_CONTENT = b'"content":"'
_WORDS = re.compile(rb'[^"\\\x00-\x1f]*(?:\\["\\/bfnrt][^"\\\x00-\x1f]*)*')
"""Words of JSON strings, joined by spaces: each of them is sound by itself, for none can end in half an escape."""
LESSONS = 4
"""Events at the beginning of a stream that are looked at one by one, so that those like them need not be."""
_HEARD: msgspec.json.Decoder[_Heard] = msgspec.json.Decoder(_Heard)


def tap(request: Request) -> ChunkTap:
    """A tap for the client that sent `request`."""
    return ChunkTap(request.stream_usage)


class ChunkTap:
    """Passes whole events on. A chunk with nothing but the usage is kept from a client that did not ask for it."""

    __slots__ = ("_cutter", "_lessons", "_like", "_wanted", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, wanted: bool) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._like = (b"", 0, b"", 0)
        """What stands before and after the words of an event that told nothing else, and how long that is."""
        self._lessons = LESSONS
        self._wanted = wanted
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """What the client gets of `data`. Raises UpstreamProtocol on an event over the limit or of broken JSON."""
        if self.ended:
            return self._cutter.release() + data
        block = self._cutter.whole(data)
        passed = self._alike(block)
        if passed < len(block):
            block = self._fresh(block, passed)
        rest = self._cutter.rest
        if rest and rest.strip() in LAST:
            # Some servers leave out the blank line after the end mark: nothing would come to complete it.
            self.ended = True
            block += self._cutter.release()
        return block

    def _alike(self, block: bytes) -> int:
        """How many bytes the events take at the block's beginning that differ from the learnt one in words only.

        The hot path of a stream: searches in C, whether the provider sends its events one by one or many at once.
        """
        head, begun, tail, ending = self._like
        if not begun or not block.startswith(head):
            return 0
        size = len(block)
        if size >= begun + ending and block.endswith(tail) and _WORDS.fullmatch(block, begun, size - ending):
            return size
        between = tail + head[: -len(_CONTENT)]
        words = list(map(bytes.removesuffix, block.split(_CONTENT)[1:], repeat(between)))
        words[-1], _, rest = words[-1].partition(tail)
        told = b" ".join(words)
        # The right length says that nothing but this stood between the words.
        whole = begun + len(told) + (len(words) - 1) * (ending + begun - 1) + ending + len(rest) == size
        return size - len(rest) if whole and _WORDS.fullmatch(told) else 0

    def _fresh(self, block: bytes, at: int) -> bytes:
        """Look at the events from there on, and learn from the first ones; the block without those not asked for."""
        pieces = [block[:at]]
        while self._lessons and b"\r" not in block and at < len(block):
            self._lessons -= 1
            end = block.index(b"\n\n", at) + 2
            pieces.append(self._look(block[at:end]))
            at = end + self._alike(block[end:]) if self._like[0] else end
            pieces.append(block[end:at])
        if at < len(block):
            pieces.append(self._look(block[at:]))
        return b"".join(pieces)

    def _look(self, block: bytes) -> bytes:
        told = _first_telling(block, 0) if self.id else 0
        if told >= 0:
            return self._listen(block, told)
        self._check(block)
        self._learn(block)
        return block

    def _check(self, block: bytes) -> None:
        """What is not read is looked over at least."""
        if block and not self.failed and not sound(block):
            self.failed = UNSOUND

    def _learn(self, block: bytes) -> None:
        """Remember what stands around the words of a single chunk that told nothing else."""
        start = block.find(_CONTENT) + len(_CONTENT)
        end = block.find(b'"', start)
        if (
            start >= len(_CONTENT)
            and end > 0
            and block.find(b"\n\n") == len(block) - 2
            and block[end - 1 : end] != b"\\"
        ):
            self._like = block[:start], start, block[end:], len(block) - end
            self._lessons = 0

    def _listen(self, block: bytes, told: int) -> bytes:
        """Read the events that tell something, the first of them at `told`; the block without those not asked for."""
        if b"\r" in block:
            asked_for = b"".join([piece for piece in _EVENT.findall(block) if self._heard(piece)])
            return block if self._wanted else asked_for
        kept, at, copied = [], 0, 0
        while told >= 0:
            before = block.rfind(b"\n\n", at, told)
            start = before + 2 if before >= 0 else at
            self._check(block[at:start])
            at = block.index(b"\n\n", start) + 2
            if not self._heard(block[start:at]) and not self._wanted:
                kept.append(block[copied:start])
                copied = at
            told = -1 if at == len(block) else _first_telling(block, at) if self.id else at
        self._check(block[at:])
        return b"".join((*kept, block[copied:])) if copied else block

    def _heard(self, event: bytes) -> bool:
        """Take one event in, with its end; False if the client did not ask for it."""
        told = events(event)
        return not told or self._hear(*told[0])

    def _hear(self, name: bytes, payload: bytes) -> bool:
        """Take one event in; False for a chunk that only tells the usage."""
        if payload == DONE:
            self.ended = True
            return True
        try:
            heard = None if name == b"error" else _HEARD.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            heard = None
        if heard is None or heard.error is not UNSET or heard.object == "error":
            failed = failure(name, payload)
            if failed is not None:
                self.ended = True
                self.failed = failed.message
                return True
            if heard is None:
                raise UpstreamProtocol("The provider's event is not what its dialect promises.")
        self.id = self.id or heard.id or ""
        self.model = self.model or heard.model or ""
        for choice in heard.choices or ():
            if choice.finish_reason:
                self.finish = FINISHES.get(choice.finish_reason, "unknown")
        if heard.usage is UNSET or bytes(heard.usage) == NULL:
            return True
        self.usage, _ = usage_in(heard.usage)
        return bool(heard.choices)


_WORDS_THAT_TELL = (b'"finish_reason":"', b'"finish_reason": "', b"[DONE]", b'"error"', b"event:")


def _first_telling(block: bytes, start: int) -> int:
    """Where the block begins to say more than words, -1: nowhere. A search of its bytes, for this is the hot path.

    A name in quotation marks cannot stand inside a JSON string: there they are escaped.
    """
    found = [at for word in _WORDS_THAT_TELL if (at := block.find(word, start)) >= 0]
    if block.count(b'"usage"', start) != block.count(b'"usage":null', start):
        at = block.find(b'"usage":{', start)
        found.append(at if at >= 0 else block.find(b'"usage"', start))
    return min(found, default=-1)
