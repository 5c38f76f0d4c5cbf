"""Streams that break, clients that leave, models that fail before they begin."""

from __future__ import annotations

import time
from typing import Any

import pytest

from meshwright.sim import Say
from tests.clients.desk import DIALECTS, PAIRS, PROVIDER, Desk
from tests.clients.speakers import SPEAKERS, Speaker

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
clients = pytest.mark.parametrize("client", DIALECTS)
LONG = " ".join(f"word{number}" for number in range(40))


@pairs
@pytest.mark.parametrize(
    "fault", ["cut_mid", "reset_mid", "truncated", "error_event", "malformed_json", "stall_mid", "stall_after_head"]
)
def test_a_broken_stream_is_an_error_and_never_a_clean_end(desk: Desk, client: str, upstream: str, fault: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=LONG))
    model = f"{PROVIDER[upstream]}_hasty/m+fault:{fault}"
    got: list[str] = []

    def read() -> None:
        with speaker.open(desk.gateway.url) as asking:
            stream = speaker.create(asking)(**speaker.words(model, prompt), stream=True)
            got.extend(map(speaker.piece, stream))

    # An event that is no JSON reaches a client of the provider's own dialect as it is: its library chokes on it.
    as_it_is = fault == "malformed_json" and client == upstream
    with pytest.raises((speaker.errors.APIError, ValueError) if as_it_is else speaker.errors.APIError) as caught:
        read()
    assert LONG.startswith("".join(got))
    assert "".join(got) != LONG
    assert str(caught.value)
    if as_it_is:
        return
    trace = desk.latest()
    assert trace["outcome"] not in ("ok", "cancelled")
    assert trace["attempts"][0]["outcome"] not in ("ok", "cancelled")
    assert trace["error"]


@pairs
def test_a_broken_stream_breaks_the_accumulator_too(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text=LONG))
    with pytest.raises(SPEAKERS[client].errors.APIError):
        SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream, "cut_mid"), prompt)


@pytest.mark.parametrize("fault", ["no_end_mark", "cut_end"])
@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[1] != "openai_responses"])
def test_a_missing_end_mark_after_a_finish_is_made_up_for(desk: Desk, client: str, upstream: str, fault: str):
    prompt = desk.say(Say(text=LONG))
    told = SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream, fault), prompt)
    assert told.text == LONG


def _left(desk: Desk, upstream: str, prompt: str) -> dict[str, Any]:
    """Once the upstream has seen that nobody listens any more: the decision's trace."""
    (seen,) = desk.seen(upstream, prompt)
    assert desk.over(seen).cancelled
    return _cancelled(desk)


def _cancelled(desk: Desk) -> dict[str, Any]:
    deadline = time.monotonic() + 40
    while (trace := desk.latest())["outcome"] != "cancelled":
        assert time.monotonic() < deadline, trace
        time.sleep(0.05)
    return trace


@pairs
def test_closing_the_stream_stops_the_upstream(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=LONG))
    with speaker.open(desk.gateway.url) as asking:
        words = speaker.words(desk.model(upstream, "slow_stream"), prompt)
        with speaker.create(asking)(**words, stream=True) as stream:
            next(event for event in stream if speaker.piece(event))
    trace = _left(desk, upstream, prompt)
    assert trace["status"] == 499
    assert trace["attempts"][0]["outcome"] == "cancelled"
    assert trace["attempts"][0]["unpriced"]


@clients
async def test_closing_the_async_stream_stops_the_upstream(desk: Desk, client: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=LONG))
    async with speaker.open_async(desk.gateway.url) as asking:
        words = speaker.words(desk.model(client, "slow_stream"), prompt)
        async with await speaker.create(asking)(**words, stream=True) as stream:
            async for event in stream:
                if speaker.piece(event):
                    break
    _left(desk, client, prompt)


@pairs
def test_a_client_that_gives_up_waiting_stops_the_upstream(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=LONG))
    with (
        speaker.open(desk.gateway.url, timeout=0.3) as asking,
        pytest.raises(speaker.errors.APITimeoutError),
    ):
        speaker.create(asking)(**speaker.words(desk.model(upstream, "stall_before_head"), prompt))
    _left(desk, upstream, prompt)


@clients
def test_a_client_that_gives_up_on_a_stream_that_does_not_begin_stops_the_upstream(desk: Desk, client: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=LONG))
    with (
        speaker.open(desk.gateway.url, timeout=0.3) as asking,
        pytest.raises(speaker.errors.APITimeoutError),
    ):
        speaker.create(asking)(**speaker.words(desk.model(client, "stall_after_head"), prompt), stream=True)
    _left(desk, client, prompt)


def _other(dialect: str) -> str:
    return DIALECTS[(DIALECTS.index(dialect) + 1) % len(DIALECTS)]


@pairs
@pytest.mark.parametrize("fault", ["status_500", "reset_before_head", "stall_before_head", "context_length"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_next_model_answers_when_the_first_fails(
    desk: Desk, client: str, upstream: str, fault: str, streamed: bool
):
    speaker: Speaker = SPEAKERS[client]
    prompt = desk.say(Say(text="saved"))
    route = f"route/{PROVIDER[upstream]}_{fault}"
    if streamed:
        told = speaker.assemble(desk.gateway.url, route, prompt)
        trace = desk.latest()
    else:
        headers, told = speaker.head(desk.gateway.url, route, prompt)
        assert headers["x-mesh-model"] == desk.model(_other(upstream))
        trace = desk.trace(headers["x-mesh-decision"])
    assert told.text == "saved"
    # Three failures in a row and a model of a route rests: then the second is the first.
    if len(trace["attempts"]) == 1:
        assert "resting" in str(trace["decision"]["rejected"])
        return
    first, second = trace["attempts"]
    assert first["model"] == f"{PROVIDER[upstream]}_hasty/m+fault:{fault}"
    assert first["outcome"] not in ("ok", "cancelled")
    assert first["error"]
    assert (second["model"], second["outcome"]) == (desk.model(_other(upstream)), "ok")
    assert trace["served"] == second["model"]
    assert trace["outcome"] == "ok"
