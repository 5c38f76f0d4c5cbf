"""What can be seen of answers without asking anyone reaches the learner on learned routes, streamed or not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshwright.kernel.learning import router_files
from meshwright.sim import Rule, Say, Upstream
from meshwright.sim.upstream import Calling
from meshwright.store import feedback
from meshwright.store.database import Database, sqlite_url
from tests.gateway import Gateway
from tests.server.pretend import Pretend

TOML = """
[routes.clever]
strategy = "learned"
pool = ["p/a", "p/b"]
[routes.curious]
strategy = "bandit"
pool = ["p/a", "p/b"]
options = { least = 0.4 }
"""
PATIENCE = 60
ROUTES = ("clever", "curious")
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    },
}
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object", "required": ["n"], "properties": {"n": {}}}},
}
SCRIPT = (
    Rule(text="cut short", say=Say(text="It begins with", finish="length")),
    Rule(text="decline", say=Say(refusal="I will not.")),
    Rule(text="filtered", say=Say(text="It", finish="content_filter")),
    Rule(text="wrong form", say=Say(text="no JSON at all")),
    Rule(text="wrong call", say=Say(calls=(Calling(name="look", arguments="{}"),))),
    Rule(text="call", results=False, say=Say(calls=(Calling(name="look", arguments='{"at": "it"}'),))),
    Rule(say=Say(text="That is all.")),
)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing wrong": ({}, ""),
    "cut short": ({}, "truncated"),
    "cut short where it was to be": ({"max_tokens": 5}, ""),
    "decline this": ({}, "refusal"),
    "filtered": ({}, "refusal"),
    "wrong form": ({"response_format": FORM}, "schema"),
    "wrong call": ({"tools": [TOOL]}, "arguments"),
    "call, and it fails": ({"tools": [TOOL], "then": "Error: no such file"}, "tool_failed"),
    "call, and it says so": ({"tools": [TOOL], "then": '{"output": "", "metadata": {"exit_code": 2}}'}, "tool_failed"),
    "call, and it works": ({"tools": [TOOL], "then": "Here it is: 3 errors were found long ago."}, ""),
    "call for tests that pass": ({"tools": [TOOL], "then": "==== 12 passed, 1 skipped in 0.31s ===="}, "tests"),
    "call for tests that fail": ({"tools": [TOOL], "then": "==== 2 failed, 10 passed in 0.31s ===="}, "tests"),
    "ask me again": ({"again": True}, "asked_again"),
}


def ask(gateway: Gateway, route: str, stream: bool, messages: list[dict[str, Any]], more: dict[str, Any]) -> str:
    body = {"model": f"route/{route}", "messages": messages, "stream": stream, **more}
    status, headers, data = gateway.call("/v1/chat/completions", body)
    assert status == 200, data
    return headers["x-mesh-decision"]


def asked(gateway: Gateway, route: str, stream: bool, words: str, more: dict[str, Any]) -> str:
    """One case; the decision of its first answer."""
    more = dict(more)
    then, again = more.pop("then", None), more.pop("again", False)
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"{words} ({route}, {stream})"}]
    decision = ask(gateway, route, stream, messages, more)
    if again:
        ask(gateway, route, stream, messages, more)
    if then is not None:
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "c1", "content": then})
        ask(gateway, route, stream, messages, more)
    return decision


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = Path(tmp_path_factory.mktemp("seen"))
    with (
        Pretend([Upstream(name="p", script=SCRIPT)]) as pretend,
        Gateway(folder, TOML + pretend.toml("p", ("a", "b"))) as gateway,
    ):
        until = time.monotonic() + PATIENCE  # until the worker knows that there is something to learn
        while (
            json.loads(gateway.call("/v1/route", {"model": "route/clever", "prompts": ["x"]})[2])["data"][0][
                "decision"
            ]["features"].get("sketch")
            is None
        ):
            assert time.monotonic() < until
            time.sleep(0.1)
        yield gateway


@pytest.fixture(scope="module")
def found(gateway: Gateway) -> dict[tuple[str, bool, str], dict[str, tuple[str, float]]]:
    """What was seen of each case, by kind: the model it is held against, and what the answer is taken to be worth."""
    decisions = {
        (route, stream, words): asked(gateway, route, stream, words, more)
        for route in ROUTES
        for stream in (False, True)
        for words, (more, _) in CASES.items()
    }
    wanted = sum(bool(CASES[words][1]) for _, _, words in decisions)
    database = Database(sqlite_url(gateway.folder / "state" / "mesh.db"))
    until = time.monotonic() + PATIENCE
    while True:
        with database.read() as transaction:
            rows = feedback.scored(transaction, 0.0)
        told = {
            case: {str(row.kind): (row.model, float(row.score or 0)) for row in rows if row.decision == decision}
            for case, decision in decisions.items()
        }
        if sum(map(bool, told.values())) >= wanted or time.monotonic() > until:
            return told
        time.sleep(0.2)


@pytest.mark.parametrize("words", CASES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_wrong_with_an_answer_is_seen(
    found: dict[tuple[str, bool, str], dict[str, tuple[str, float]]], route: str, stream: bool, words: str
):
    kind = CASES[words][1]
    seen = found[route, stream, words]
    assert list(seen) == ([kind] if kind else [])
    if kind:
        model, score = seen[kind]
        assert model in ("p/a", "p/b")
        assert (score > 0.5) == (words == "call for tests that pass")


def test_the_learner_takes_it_from_what_is_expected_and_says_so(
    gateway: Gateway, found: dict[tuple[str, bool, str], dict[str, tuple[str, float]]]
):
    blamed = {model for seen in found.values() for kind, (model, _) in seen.items() if kind != "tests"}
    until = time.monotonic() + PATIENCE
    while True:
        gains = router_files.gains(gateway.folder / "state" / "router")
        if gains is not None and blamed <= {f"p/{one.name}" for one in gains.models if one.trouble > 0}:
            break
        assert time.monotonic() < until, gains
        time.sleep(0.2)
    assert sum(one.outcomes for one in gains.models) > 0  # tests, which count as outcomes
    while True:
        told = json.loads(gateway.call("/v1/route", {"model": "route/clever", "prompts": ["And now?"]})[2])["data"][0]
        why = {one["model"]: one["why"] for one in told["decision"]["candidates"]}
        if all("for answers that were cut off" in why[model] for model in blamed):
            break
        assert time.monotonic() < until, why
        time.sleep(0.2)
