"""The sixteen faults of failoverbench, as pretend providers and as rules by which an answer to each is judged.

After failoverbench 0.1.0, methodology v0.1 (https://github.com/failoverbench/failoverbench, MIT):
scenarios/catalogue.yaml and METHODOLOGY.md. The faults, limits and verdicts are theirs; words and code are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from meshwright.sim import Fault, Rule, Say, Upstream
from meshwright.types.request import Request
from tests.failover.measured import Measured

TEXT = (
    "A ship is judged in harbour by its paint and in a storm by its rivets; so is whatever stands between people and "
    "machines that answer them. When a line goes dead it should try the next, tell plainly what it lost, charge "
    "nobody twice, and never hand over half a sentence as though the other half had not mattered."
)
"""What every healthy answer says: sixty words, a token each."""
WORDS = TEXT.split()


class Times(NamedTuple):
    """Seconds. The first six are the provider's; the others are the gateway's settings and the client's pace."""

    retry_after: float
    slow_first: float
    stall: float
    silence: float
    outage: float
    pause: float
    first_token: float
    between: float
    open: float
    requests: int
    every: float


FULL = Times(2.0, 20.0, 30.0, 120.0, 60.0, 0.015, 10.0, 20.0, 5.0, 20, 4.0)
"""Theirs, the published profile."""
QUICK = Times(2.0, 3.5, 3.5, 6.0, 2.4, 0.0, 1.2, 1.2, 0.4, 8, 0.6)
"""For every run of the tests."""


class Check(NamedTuple):
    """One condition. `grave`: without it the scenario is failed, else it is passed in part only."""

    name: str
    holds: Callable[[Measured], bool]
    grave: bool = True


class Scenario(NamedTuple):
    """One fault. `longest` is the time after which a call hangs, whatever the profile."""

    id: str
    title: str
    fault: Callable[[Times], Fault]
    longest: float
    checks: Sequence[Check] = ()
    ideal: Literal["answer", "error"] = "answer"
    spare: Literal["any", "no_prefill"] = "any"
    sequence: bool = False


def attempts(most: int) -> Check:
    """At most so many attempts at the first provider."""
    return Check(f"at most {most} attempts", lambda seen: len(seen.first) <= most)


def within(window: float, most: int) -> Check:
    """No tight loop: at most so many attempts in the first seconds."""
    return Check(
        f"at most {most} attempts in {window:g} s",
        lambda seen: sum(1 for at in seen.first if at - seen.first[0] < window) <= most,
    )


def ends(seconds: float, *, grave: bool = True) -> Check:
    """The call is over by then."""
    return Check(f"over within {seconds:g} s", lambda seen: seen.seconds <= seconds, grave)


TWO = Check("tried again there", lambda seen: len(seen.first) >= 2, grave=False)
ONE = Check("asked once", lambda seen: len(seen.first) == 1)
ALIVE = Check("well afterwards", lambda seen: seen.alive)
USAGE = Check("usage told", lambda seen: seen.usage, grave=False)
SCENARIOS = (
    Scenario(
        "S01", "429 with Retry-After", lambda t: Fault("status_429", calls=(1,), retry_after=t.retry_after), 20,
        (TWO, Check("Retry-After honoured", lambda seen: len(seen.first) > 1 and seen.first[1] - seen.first[0] >= 1.8,
                    grave=False), within(1.5, 2)),
    ),
    Scenario(
        "S02", "429 without Retry-After, persistent", lambda t: Fault("status_429", retry_after=-1), 40,
        (within(3.0, 4), attempts(6)),
    ),
    Scenario("S03", "500 once, then healthy", lambda t: Fault("status_500", calls=(1,)), 20, (TWO,)),
    Scenario("S04", "503 persistent", lambda t: Fault("status_503", retry_after=-1), 40, (attempts(6),)),
    Scenario("S05", "reset before the head", lambda t: Fault("reset_before_head", calls=(1,)), 20),
    Scenario(
        "S06", "no answer at all", lambda t: Fault("stall_before_head", seconds=t.silence), 130,
        (ends(100), Check("a silent provider is not asked again", lambda seen: len(seen.first) <= 1, grave=False)),
    ),
    Scenario(
        "S07", "slow first token", lambda t: Fault("stall_after_head", seconds=t.slow_first), 60,
        (ends(15, grave=False),),
    ),
    Scenario("S08", "stream cut mid-answer", lambda t: Fault("cut_mid", after=40), 40),
    Scenario(
        "S09", "stream stalls", lambda t: Fault("stall_cut", after=20, seconds=t.stall), 70, (ends(45), ALIVE),
    ),
    Scenario(
        "S10", "malformed chunk in the stream", lambda t: Fault("broken_event", after=10), 30,
        (ALIVE, Check("recovered in place", lambda seen: seen.complete, grave=False)),
    ),
    Scenario("S11", "no [DONE]", lambda t: Fault("no_end_mark"), 30, (ends(8), USAGE)),
    Scenario("S12", "context length exceeded", lambda t: Fault("context_length"), 20, (ONE,)),
    Scenario("S13", "content filter", lambda t: Fault("content_filter"), 20, (ONE,), ideal="error"),
    Scenario(
        "S14", "the spare model rejects prefill", lambda t: Fault("cut_mid", after=40), 40,
        (Check("no prefill rejection as the last word", lambda seen: not (seen.failed and seen.rejected_prefill)),),
        spare="no_prefill",
    ),
    Scenario(
        "S15", "down, then healthy", lambda t: Fault("status_503", until=t.outage, retry_after=-1), 200,
        (Check("all served during the outage", lambda seen: seen.during > 0 and seen.served_during == seen.during),
         Check("back within 30 s", lambda seen: seen.back is not None and seen.back <= 30)),
        sequence=True,
    ),
    Scenario(
        "S16", "accounting of a fail-over", lambda t: Fault("status_503", retry_after=-1), 40,
        (Check("the spare model is named", lambda seen: seen.model == "s16"), USAGE, attempts(6)),
    ),
)  # fmt: skip


def upstreams(times: Times) -> list[Upstream]:
    """A provider for each scenario, and the spare ones; a spare model is named after the scenario that it stands by."""
    pace = 1.0 / times.pause if times.pause else 0.0
    script = (Rule(write=_going_on),)
    refusing = (Rule(prefill=True, fault="status_400"), *script)
    return [
        *(
            Upstream(name=one.id.lower(), script=script, faults=(one.fault(times),), tokens_per_second=pace)
            for one in SCENARIOS
        ),
        Upstream(name="any", script=script, tokens_per_second=pace),
        Upstream(name="no_prefill", script=refusing, tokens_per_second=pace),
    ]


def _going_on(request: Request) -> Say:
    """The answer, or the rest of it after the words that the request ends with."""
    last = request.messages[-1]
    begun = last.text.rstrip() if last.role == "assistant" else ""
    if begun and TEXT.startswith(begun):
        rest = TEXT[len(begun) :]
        return Say(text=rest, tokens=tuple(f" {word}" for word in rest.split()))
    return Say(text=TEXT, tokens=(WORDS[0], *(f" {word}" for word in WORDS[1:])))
