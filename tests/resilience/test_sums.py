"""Waits, balance, tails, outliers and limits of calls at once: sums whose sense shows in numbers."""

from __future__ import annotations

from random import Random

import pytest

from meshwright.kernel.build.failing import health
from meshwright.kernel.config.tables import FailureSettings
from meshwright.resilience.backoff import backoff, told_to_wait
from meshwright.resilience.balance import chosen, load
from meshwright.resilience.concurrency import Bounds, Concurrency
from meshwright.resilience.ejection import Record, eject
from meshwright.resilience.kinds import MANNERS, kind_of
from meshwright.resilience.standing import Standing
from meshwright.resilience.tail import Tail
from meshwright.types.errors import (
    ConnectFailed,
    Declined,
    StreamCut,
    UpstreamError,
    UpstreamProtocol,
    UpstreamStatus,
    UpstreamTimeout,
)
from meshwright.types.usage import Usage


def test_a_wait_is_anything_up_to_a_bound_that_doubles():
    assert [backoff(tries, lambda: 1.0, 0.5, 3.0) for tries in (1, 2, 3, 4, 5000)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert backoff(3, lambda: 0.0) == 0.0
    assert backoff(2, lambda: 0.5, 1.0, 9.0) == 1.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 60.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_header_says_how_long_to_wait(headers: dict[str, str], seconds: float | None):
    assert told_to_wait(headers, 40.0) == seconds


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectFailed("x"), "connect"),
        (UpstreamTimeout("x", "connect"), "connect"),
        (UpstreamTimeout("x", "first_byte"), "timeout"),
        (UpstreamStatus("x", 429), "rate"),
        (UpstreamStatus("x", 429, code="insufficient_quota"), "quota"),
        (UpstreamStatus("x", 402), "quota"),
        (UpstreamStatus("x", 401), "key"),
        (UpstreamStatus("x", 404), "missing"),
        (UpstreamStatus("x", 529), "overloaded"),
        (UpstreamStatus("x", 500), "server"),
        (UpstreamStatus("x", 400), None),
        (StreamCut("x"), "cut"),
        (UpstreamProtocol("x"), "broken"),
        (Declined("x"), None),
    ],
)
def test_every_failure_has_its_kind(error: UpstreamError, kind: str | None):
    assert kind_of(error) == kind
    assert kind is None or kind in MANNERS


def test_the_lighter_of_two_is_asked_and_the_heaviest_never():
    random = Random(3)
    loads = [load(0.1, 5), load(0.1, 0), load(0.4, 4)]
    asked = [chosen(loads, random.random) for _ in range(3000)]
    assert asked.count(1) > asked.count(0) > 0
    assert asked.count(2) == 0
    assert chosen([1.0], random.random) == 0


def test_equals_get_equal_shares():
    random = Random(4)
    asked = [chosen([1.0, 1.0, 1.0, 1.0], random.random) for _ in range(8000)]
    assert all(1800 < asked.count(place) < 2200 for place in range(4))


def test_two_calls_are_made_only_where_the_tail_is_long():
    even, long, new = Tail(), Tail(), Tail()
    for number in range(200):
        even.add(0.2 + number % 10 * 0.01)
        long.add(3.0 if number % 10 == 0 else 0.2)
    new.add(9.0)
    assert even.hedge_after() is None
    assert long.hedge_after() == 3.0
    assert new.hedge_after() is None


def test_an_outlier_among_equals_is_left_out_and_half_of_them_stay():
    bad, good, other = Record(), Record(), Record()
    for number in range(40):
        bad.add(number % 2 == 0)
        good.add(False)
        other.add(number % 20 == 0)
    everybody = [bad, good, other]
    assert not eject(good, everybody, 0.0)
    assert eject(bad, everybody, 0.0)
    assert bad.out(29.0)
    assert not bad.out(31.0)
    for _ in range(40):
        good.add(True)
    assert not eject(good, everybody, 1.0), "another is out already, and half must stay"


def test_nobody_is_an_outlier_when_all_fail():
    everybody = [Record(), Record(), Record()]
    for record in everybody:
        for _ in range(40):
            record.add(True)
    assert not any(eject(record, everybody, 0.0) for record in everybody)


def served(limit: Concurrency, capacity: int, offered: int, rounds: int) -> None:
    """A server that is quick for as many calls as it can do at once, and slower in proportion beyond."""
    for _ in range(rounds):
        running = min(offered, int(limit.limit))
        limit.running = running
        for _ in range(running):
            limit.answered(0.1 * max(1.0, running / capacity))


def test_the_limit_finds_what_a_server_can_do():
    limit = Concurrency(Bounds(first=500.0))
    served(limit, 40, 10, 200)
    assert limit.limit == 500.0, "nothing is learned from few calls"
    served(limit, 40, 1000, 200)
    assert 40 <= limit.limit <= 160
    served(limit, 400, 1000, 2000)
    assert limit.limit > 300, "it grows again with what the server can do"


def test_how_long_whole_answers_take_says_nothing_of_how_late_a_stream_is():
    standing = Standing()
    for turn in range(60):
        standing.begin(0.0)
        standing.answered(0.0, *((None, 20.0) if turn % 2 else (0.5 if turn % 30 else 1.5, 20.0)))
    assert standing.tail(True).hedge_after() == 1.5
    assert standing.tail(False).hedge_after() is None


def test_a_long_question_or_answer_is_no_sign_of_crowding():
    standing = Standing()
    limit = standing.concurrency.limit
    sizes = [(300, 0.8, 20), (200, 0.5, 1), (90_000, 14.0, 40), (2_000, 35.0, 1_800)]
    for turn in range(400):
        read, seconds, written = sizes[0 if turn < 200 else turn % 4]
        for _ in range(100):
            standing.begin(0.0)
        usage = Usage(input=read, output=written)
        for _ in range(100):
            standing.answered(0.0, None, seconds, usage)
            standing.begin(0.0)
            standing.answered(0.0, 6.0, 7.0, Usage(input=100, output=20, reasoning=400))
    assert standing.concurrency.limit >= limit


def test_whole_answers_that_take_longer_and_longer_for_their_size_are_a_sign_of_crowding():
    standing = Standing()
    for seconds in (2.0, 8.0):
        for _ in range(200):
            standing.begin(0.0)
        for _ in range(200):
            standing.answered(0.0, None, seconds, Usage(input=100, output=60))
    assert standing.concurrency.limit == 32.0, "but no fewer than these for slowness alone"


@pytest.mark.parametrize("limit", [4.0, 1e9])
def test_a_limit_that_is_not_to_be_found_out_does_not_move(limit: float):
    kept = Concurrency(health(FailureSettings(adaptive=False)).standing.bounds if limit > 100 else Bounds())
    if limit < 100:
        kept.fix(limit)
    for late in (1.0, 9.0):
        kept.running = 3
        for _ in range(200):
            kept.answered(late)
    assert kept.limit == limit
    kept.running = 9
    kept.crowded(1.0, 1.0)
    assert kept.limit == limit


def test_milliseconds_are_no_sign_of_crowding():
    standing = Standing()
    for seconds in (0.001, 0.4):
        for _ in range(200):
            standing.begin(0.0)
        for _ in range(200):
            standing.answered(0.0, seconds, seconds, Usage(input=100, output=60))
    assert standing.concurrency.limit >= 1024.0


def test_a_refusal_for_too_many_takes_a_part_at_once_and_never_all():
    limit = Concurrency()
    limit.running = 39
    limit.crowded(1.0, 2.0)
    assert limit.limit == pytest.approx(54.0)
    for at in range(3, 100):
        limit.crowded(at, at)
    assert limit.limit == 4.0


def test_many_refusals_at_once_are_one_and_who_is_refused_alone_was_not_in_the_way():
    limit = Concurrency()
    for left in range(39, -1, -1):  # a quota is used up: forty calls that began together are all refused
        limit.running = left
        limit.crowded(1.0, 2.0)
    assert limit.limit == pytest.approx(54.0)
    limit.running = 0
    for at in range(3, 100):
        limit.crowded(at, at)
    assert limit.limit == pytest.approx(54.0)


def test_a_refused_request_says_that_the_deployment_is_well():
    standing = Standing()
    for _ in range(5):
        standing.begin(0.0)
        standing.failed(0.0, UpstreamStatus("busy", 503))
    assert "resting" in standing.shut(1.0)
    standing.begin(6.0)
    assert "being tried" in standing.shut(6.0)
    standing.failed(6.0, UpstreamStatus("no such parameter", 400))
    assert standing.shut(6.0) == ""
    assert standing.concurrency.running == 0
