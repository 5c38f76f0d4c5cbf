"""Tokens used, in buckets that never overlap, so that a price times a bucket is never counted twice."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Disjoint token counts of one answer.

    `input` excludes cache reads, cache writes and audio; `output` excludes reasoning and audio. `estimated` says that
    we counted because the provider did not. `cost_nano` is the provider's own price tag in nano-dollars, if it sent
    one.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    requests: int = 0
    estimated: bool = False
    cost_nano: int | None = None

    @property
    def total_input(self) -> int:
        """Everything that was read: fresh, cached, written to the cache, heard."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h + self.audio_input

    @property
    def total_output(self) -> int:
        """Everything that was produced: visible, hidden, spoken."""
        return self.output + self.reasoning + self.audio_output

    def __add__(self, other: Usage) -> Usage:
        cost = (
            None
            if self.cost_nano is None and other.cost_nano is None
            else (self.cost_nano or 0) + (other.cost_nano or 0)
        )
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            audio_input=self.audio_input + other.audio_input,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            audio_output=self.audio_output + other.audio_output,
            requests=self.requests + other.requests,
            estimated=self.estimated or other.estimated,
            cost_nano=cost,
        )
