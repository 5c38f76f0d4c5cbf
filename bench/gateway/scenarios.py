"""What is measured: the scenarios and the two sizes of run, as rows of tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One kind of load.

    `conns` connections; `rate` requests per second at even distances, or 0 for as many as it takes; the upstream
    answers after `delay_ms` and leaves `gap_ms` between the events of a stream (0: all in one write). `figure` is the
    field of llmload's report that matters, `better` whether a gateway is compared by a ratio or by what it adds.
    """

    name: str
    says: str
    conns: int
    figure: str = "rps"
    adds: tuple[str, ...] = ()
    stream: bool = False
    documents: int = 0
    rate: float = 0
    delay_ms: int = 0
    gap_ms: int = 0


SCENARIOS = {
    row.name: row
    for row in (
        Scenario("json", "requests/s, 64 connections", 64),
        Scenario("stream", "streams/s of 50 chunks sent at once, 64 connections", 64, stream=True),
        Scenario("latency", "ms added at 500 requests/s", 64, "p50", ("p50", "p99"), rate=500),
        Scenario(
            "ttft",
            "ms added to the first token at 40 streams/s",
            64,
            "ttft_p50",
            ("ttft_p50", "ttft_p99"),
            stream=True,
            rate=40,
            gap_ms=5,
        ),
        Scenario("calm", "ms added at 40 requests/s", 32, "p50", ("p50", "p99"), rate=40),
        Scenario("big", "requests/s with bodies of 32 kB, 64 connections", 64, documents=30),
        Scenario("paced", "chunks/s, one every 10 ms on 200 connections", 200, "events_per_s", stream=True, gap_ms=10),
        Scenario("slow", "requests/s, the upstream takes 200 ms, 1,000 connections", 1000, delay_ms=200),
    )
}


@dataclass(frozen=True)
class Mode:
    """A size of run: which scenarios, how many rounds, seconds of each measurement, how many starts."""

    scenarios: tuple[str, ...]
    rounds: int
    seconds: float
    starts: int


MODES = {
    "quick": Mode(("json", "stream", "latency"), rounds=3, seconds=1.0, starts=1),
    "full": Mode(tuple(SCENARIOS), rounds=5, seconds=2.0, starts=3),
}
EXPECT_JSON = ("dog and then some. ", '"usage"', "completion_tokens")
EXPECT_STREAM = (" token", "completion_tokens", "[DONE]")
LEAST_EVENTS = 52
"""50 chunks with text, usage and [DONE] are needed; the opening role and the reason may share an event with them."""
