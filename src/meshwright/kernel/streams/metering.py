"""Counting a stream against what is set aside for it, where no maximum but ours gave it an end.

Tokens are counted low: each piece is one at most, and so are four bytes of text; whatever usage the provider tells on
the way counts as it is. A stream that is cut has therefore surely passed what it was told, or what there is money for.
"""

from __future__ import annotations

from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.set_aside import dearest
from meshwright.kernel.snapshot import Deployment
from meshwright.types.errors import BudgetSpent, LimitReached
from meshwright.types.response import AudioDelta, Began, ReasoningDelta, TextDelta, ToolCallDelta, UsageDelta
from meshwright.wire.dialect import StreamDecoder

BYTES = 4
"""Of text that are one token at least, where pieces are smaller than tokens."""


class Meter:
    """The count of one attempt's stream."""

    def __init__(self, kernel: Kernel, attempt: OpenAttempt, decoder: StreamDecoder) -> None:
        self._kernel = kernel
        self._attempt = attempt
        self._decoder = decoder
        self._pieces = self._bytes = self._reported = 0

    async def hear(self, data: bytes) -> None:
        """More of it. Raises BudgetSpent when it passes what can be set aside, UpstreamProtocol, StoreError."""
        for delta in self._decoder.feed(data):
            match delta:
                case TextDelta(text=text) | ReasoningDelta(text=text):
                    self._count(text)
                case ToolCallDelta(arguments=text) | AudioDelta(transcript=text):
                    self._count(text)
                case UsageDelta(usage=usage) | Began(usage=usage) if usage is not None:
                    self._reported = usage.total_output
        allotted = self._attempt.allotted
        while allotted is not None and self.tokens > allotted.tokens:
            await self._more()
            allotted = self._attempt.allotted

    @property
    def tokens(self) -> int:
        """How many there are at least."""
        return max(self._reported, min(self._pieces, self._bytes // BYTES))

    def _count(self, text: str) -> None:
        if text:
            self._pieces += 1
            self._bytes += len(text.encode())

    async def _more(self) -> None:
        """As much again is set aside, where the answer has no other end. Raises BudgetSpent, StoreError."""
        attempt, purse = self._attempt, self._kernel.purse
        allotted, grant, model = attempt.allotted, attempt.grant, attempt.model
        assert allotted is not None
        if not allotted.grows or grant is None or purse is None:
            raise BudgetSpent(
                f"{model.name} writes on past the {allotted.tokens:,} tokens that it was told are the most, "
                "which is all that was set aside: the answer is cut here.",
                fix="Send max_tokens, or ask a model that keeps to what it is told.",
            )
        more = allotted.tokens
        before, after = (dearest(model, allotted.read, tokens) or 0 for tokens in (more, 2 * more))
        try:
            await purse.add(grant, more, after - before)
        except LimitReached as error:
            raise BudgetSpent(
                f"The answer is longer than the {more:,} tokens that were set aside for it, and is cut here. "
                + error.message,
                fix=error.fix,
            ) from None
        attempt.allotted = allotted.doubled()
        self._kernel.journal.hold(attempt.recording.id, model.name, grant.tab.worst())


def metered(kernel: Kernel, attempt: OpenAttempt, deployment: Deployment) -> Meter | None:
    """The meter of a stream that needs one."""
    if attempt.allotted is None:
        return None
    return Meter(kernel, attempt, deployment.dialect.stream_decoder(deployment.target))
