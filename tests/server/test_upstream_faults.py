"""Whatever goes wrong at a provider: another answers, or the client is told. Never a clean end of half an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meshwright.sim import Rule, Say, Upstream
from meshwright.sim.faults import FAULTS
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.server.raw import Told, post

TEXT = "one two three four five six seven eight nine ten"
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}
SHORT = {"openai_chat": "chat", "openai_responses": "resp", "anthropic_messages": "anth"}
END = {"openai_chat": b"data: [DONE]", "openai_responses": b"response.completed", "anthropic_messages": b"message_stop"}
HASTE = ("first_byte_seconds = 0.3", "between_bytes_seconds = 0.3", "total_seconds = 1.0")

UNHARMED = {"slow_stream", "dribble", "close_connection", "comments", "crlf"}
"""The answer is right, however oddly it comes."""
GARBLED = {"broken_event", "duplicate_events", "disordered_events", "malformed_json", "malformed_event", "invalid_utf8"}
"""What a provider says within its own dialect is passed on as it is; what the client makes of it is between them."""
OURS = {"status_400", "content_filter"}
"""The request itself was refused: no other model is asked."""
LATE = {"stall_before_head": 504, "stall_after_head": 504, "stall_mid": 504, "slow_head": 504, "stall_cut": 504}
STATUS = {
    "status_401": 502,
    "status_403": 502,
    "insufficient_quota": 429,
    "context_length": 400,
    "content_filter": 400,
    **LATE,
}


class Case(NamedTuple):
    """One request: the client's dialect, the provider's, what goes wrong there, and whether a stream is asked for."""

    client: str
    upstream: str
    fault: str
    stream: bool
    fallback: bool

    @property
    def model(self) -> str:
        """Its own name for each case, so that no case makes another's model rest."""
        return f"{'f' if self.fallback else 'd'}{'s' if self.stream else 'w'}-{SHORT[self.client]}+fault:{self.fault}"


FEW = ("status_500", "reset_before_head", "reset_mid", "cut_mid", "stall_mid", "truncated", "error_event", "html_ok")
PAIRS = [(client, upstream) for client in PATHS for upstream in PATHS]
CASES = [Case("openai_chat", "openai_chat", fault, stream, fallback)
         for fault in FAULTS for stream in (False, True) for fallback in (False, True)]  # fmt: skip
CASES += [
    Case(client, upstream, fault, stream, False)
    for client, upstream in PAIRS
    if (client, upstream) != PAIRS[0]
    for fault in FEW
    for stream in (False, True)
]


class Seen(NamedTuple):
    """What came of a case."""

    told: Told
    trace: dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Seen]]:
    """All cases, asked side by side."""
    script = (Rule(say=Say(text=TEXT)),)
    upstreams = [Upstream(name=SHORT[dialect], dialect=dialect, script=script) for dialect in PATHS]
    with Pretend([*upstreams, Upstream(name="good", script=script)]) as pretend:
        toml = "[builtin]\nenabled = false\n[failure]\nretries = 0\n" + pretend.toml("good")
        for dialect, name in SHORT.items():
            models = sorted({case.model for case in CASES if case.upstream == dialect})
            toml += pretend.toml(name, models, *HASTE, dialect=dialect)
        for case in CASES:
            if case.fallback:
                pool = json.dumps([f"{SHORT[case.upstream]}/{case.model}", "good/m"])
                toml += f'[routes."{case.model}"]\nstrategy = "fixed"\npool = {pool}\n'
        with Gateway(tmp_path_factory.mktemp("faults"), toml) as gateway:
            worker = gateway.workers()
            with ThreadPoolExecutor(8) as threads:
                yield dict(zip(CASES, threads.map(lambda case: _ask(gateway, case), CASES), strict=True))
            assert gateway.workers() == worker
            assert "Traceback" not in gateway.log()


def _ask(gateway: Gateway, case: Case) -> Seen:
    name = f"route/{case.model}" if case.fallback else f"{SHORT[case.upstream]}/{case.model}"
    body: dict[str, Any] = {"model": name, "stream": case.stream}
    if case.client == "openai_responses":
        body |= {"input": "Count."}
    else:
        body |= {"max_tokens": 100, "messages": [{"role": "user", "content": "Count."}]}
    told = post(gateway.url, PATHS[case.client], json.dumps(body).encode())
    assert told is not None, case
    status, _, found = gateway.call(f"/v1/decisions/{told.headers['x-mesh-decision']}")
    assert status == 200, case
    return Seen(told, json.loads(found)["trace"])


def outcomes(one: Seen) -> list[str]:
    """What became of each attempt."""
    return [attempt.get("outcome", "ok") for attempt in one.trace["attempts"]]


def is_whole(one: Seen, case: Case) -> bool:
    """Whether the answer is all there and says so."""
    if case.stream:
        return END[case.client] in one.told.body and b'ten"' in one.told.body
    return TEXT.encode() in one.told.body


def is_error(one: Seen, case: Case) -> bool:
    """Whether it says in its dialect that it failed, at its end."""
    if one.told.status != 200:
        return bool(one.told.json()["error"]["message"])
    last = [line for line in one.told.body.splitlines() if line.startswith(b"data: {")][-1]
    found = json.loads(last[6:])
    return "error" in found or found.get("type") == "response.failed" or found.get("type") == "error"


@pytest.mark.parametrize("case", [case for case in CASES if not case.fallback], ids=str)
def test_an_answer_is_whole_or_an_error_and_never_half(seen: dict[Case, Seen], case: Case):
    one = seen[case]
    if case.fault in GARBLED and one.told.status == 200:
        return
    outcome = one.trace.get("outcome", "ok")
    if is_whole(one, case):
        assert one.told.status == 200
        assert outcome == "ok"
        assert outcomes(one) == ["ok"]
        return
    assert is_error(one, case), one.told
    assert END[case.client] not in one.told.body
    assert outcome != "ok"
    assert len(outcomes(one)) == 1
    assert outcomes(one)[0] != "ok"
    if one.told.status != 200:
        assert one.told.headers["content-type"] == "application/json"


@pytest.mark.parametrize("case", [case for case in CASES if not case.fallback], ids=str)
def test_the_status_says_whose_fault_it_was(seen: dict[Case, Seen], case: Case):
    one = seen[case]
    if one.told.status == 200:
        return
    own = int(case.fault[7:]) if case.fault.startswith("status_") else 502
    if case.fault == "error_event":  # an answer with status 200 that says that it has failed, and maybe how
        assert one.told.status in (500, 502, 529)
        return
    assert one.told.status == STATUS.get(case.fault, own)
    if case.fault in ("status_429", "status_503"):
        assert one.told.headers["retry-after"] == "1"


@pytest.mark.parametrize("case", [case for case in CASES if case.fallback], ids=str)
def test_another_model_takes_over_while_nothing_was_said(seen: dict[Case, Seen], case: Case):
    one = seen[case]
    if case.fault in OURS:
        assert one.told.status == 400
        assert len(outcomes(one)) == 1
    elif one.trace.get("served", "").startswith("good/"):
        assert is_whole(one, case)
        assert len(outcomes(one)) == 2
        assert outcomes(one)[0] != "ok"
        assert one.told.headers["x-mesh-model"] == "good/m"
    else:
        assert case.fault in UNHARMED | GARBLED or case.stream or is_whole(one, case)
        assert case.fault in GARBLED or is_whole(one, case) or is_error(one, case)


@pytest.mark.parametrize("fault", sorted(UNHARMED))
@pytest.mark.parametrize("stream", [False, True])
def test_an_odd_but_right_answer_is_an_answer(seen: dict[Case, Seen], fault: str, stream: bool):
    case = Case("openai_chat", "openai_chat", fault, stream, False)
    assert is_whole(seen[case], case)


@pytest.mark.parametrize("upstream", sorted(PATHS))
@pytest.mark.parametrize("fault", ["cut_mid", "reset_mid", "truncated"])
def test_what_we_add_to_a_broken_stream_is_numbered_after_what_came(seen: dict[Case, Seen], upstream: str, fault: str):
    one = seen[Case("openai_responses", upstream, fault, True, False)]
    numbers = [int(number) for number in re.findall(rb'"sequence_number":\s*(\d+)', one.told.body)]
    assert len(numbers) > 3
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("fault", sorted(LATE))
def test_deadlines_are_those_of_the_configuration(seen: dict[Case, Seen], fault: str):
    one = seen[Case("openai_chat", "openai_chat", fault, False, False)]
    assert outcomes(one) == ["upstream_timeout"]
    assert " s." in one.trace["error"] or "whole call" in one.trace["error"]


def test_no_answer_of_any_case_is_missing_in_the_ledger(tmp_path: Path):
    with Pretend([Upstream(name="bad", faults=("reset_mid",))]) as pretend:
        gateway = Gateway(tmp_path, pretend.toml("bad"))
        with gateway:
            ids = [gateway.chat("x", model="bad/m")[1]["x-mesh-decision"] for _ in range(3)]
        stored = gateway.stored()
    assert [trace["id"] for trace in stored] == ids[::-1]
    assert {trace["outcome"] for trace in stored} <= {"upstream_stream_cut", "no_candidate"}
