"""POST /v1/feedback: what is said of an answer is kept once, for the right model, and shown by `mesh explain`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.gateway import Gateway

KEY = "a-master-key-of-some-length"
TOML = """
[learning]
labels = { solved = 1.0 }
[routes.both]
strategy = "panel"
steps = ["builtin/solve", "builtin/echo"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(Path(tmp_path_factory.mktemp("feedback")), TOML, {"MESH_SERVER__WORKERS": "2"}, key=KEY) as gateway:
        yield gateway


def asked(gateway: Gateway, model: str = "builtin/solve") -> tuple[str, str]:
    """The ids of a decision and of its answer."""
    status, headers, body = gateway.chat("What is 12 * 12?", model)
    assert status == 200
    return headers["x-mesh-decision"], body["id"]


def say(gateway: Gateway, status: int = 200, headers: dict[str, str] | None = None, **body: object) -> dict:
    """Feedback, and what was answered."""
    got, _, data = gateway.call("/v1/feedback", body, headers)
    assert got == status, data
    found: dict = json.loads(data)
    return found


def explained(gateway: Gateway, decision: str) -> list[dict]:
    """What `mesh explain` lists, as soon as the decision is there."""
    until = time.monotonic() + 40
    while (done := gateway.run("explain", decision, "--json")).returncode and time.monotonic() < until:
        time.sleep(0.1)
    assert done.returncode == 0, done.stdout
    found: list[dict] = json.loads(done.stdout)["feedback"]
    return found


def test_each_kind_is_kept_once_and_another_opinion_takes_its_place(gateway: Gateway):
    decision, _ = asked(gateway)
    first = say(gateway, id=decision, thumbs="up", label="solved", correction="144, in words")
    assert first["model"] == "builtin/solve"
    assert {one["kind"]: (one["score"], one["changed"]) for one in first["kept"]} == {
        "thumbs": (1.0, True),
        "label": (1.0, True),
        "correction": (0.0, True),
    }
    assert not say(gateway, id=decision, thumbs="up")["kept"][0]["changed"]
    assert say(gateway, id=decision, thumbs="down")["kept"][0] == {"kind": "thumbs", "score": 0.0, "changed": True}
    found = {one["kind"]: one for one in explained(gateway, decision)}
    assert {kind: one["score"] for kind, one in found.items()} == {"thumbs": 0.0, "label": 1.0, "correction": 0.0}
    assert found["correction"]["text"] == "144, in words"
    assert "solved" in gateway.run("explain", decision).stdout


def test_an_answer_is_known_by_its_own_id_too(gateway: Gateway):
    decision, answer = asked(gateway)
    assert say(gateway, id=answer, score=0.25)["decision"] == decision
    status, headers, data = gateway.call("/v1/responses", {"model": "builtin/solve", "input": "What is 3 + 4?"})
    assert status == 200
    assert say(gateway, id=json.loads(data)["id"], thumbs="up")["decision"] == headers["x-mesh-decision"]


def test_of_a_panel_either_answer_can_be_judged(gateway: Gateway):
    decision, _ = asked(gateway, "route/both")
    assert say(gateway, id=decision, model="echo", thumbs="down")["model"] == "builtin/echo"
    assert say(gateway, id=decision, model="builtin/solve", thumbs="up")["model"] == "builtin/solve"
    told = say(gateway, 400, id=decision, model="gpt-4o", thumbs="up")["error"]
    assert told["param"] == "model"
    assert "builtin/echo" in told["message"]


def test_only_who_asked_may_judge_but_for_the_administrator(gateway: Gateway):
    others = [json.loads(gateway.run("keys", "create", name, "--json").stdout)["key"] for name in ("ada", "bob")]
    ada, bob = ({"authorization": f"Bearer {key}"} for key in others)
    until = time.monotonic() + 40
    body = {"model": "builtin/solve", "messages": [{"role": "user", "content": "1 + 1"}]}
    # Both workers take new keys in, each by itself: that a few requests in a row are let in means that they have.
    while not all(gateway.call("/v1/models", None, key)[0] == 200 for key in (ada, bob) * 24):
        assert time.monotonic() < until
    got = gateway.call("/v1/chat/completions", body, ada)
    decision = got[1]["x-mesh-decision"]
    assert say(gateway, 404, bob, id=decision, thumbs="down")["error"]["code"] == "not_found"
    assert say(gateway, 404, bob, id=json.loads(got[2])["id"], thumbs="down")["error"]["param"] == "id"
    assert say(gateway, 200, ada, id=decision, thumbs="up")["kept"][0]["changed"]
    assert say(gateway, id=decision, thumbs="down")["kept"][0]["changed"]
    assert len(explained(gateway, decision)) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"thumbs": "up"}, "id"),
        ({"id": "", "thumbs": "up"}, "id"),
        ({"id": "HERE"}, "thumbs"),
        ({"id": "HERE", "thumbs": "sideways"}, "thumbs"),
        ({"id": "HERE", "score": 1.5}, "score"),
        ({"id": "HERE", "score": "good"}, "score"),
        ({"id": "HERE", "correction": " "}, "correction"),
        ({"id": "HERE", "correction": "x" * 100_001}, "correction"),
        ({"id": "HERE", "label": "x" * 65}, "label"),
        ({"id": "HERE", "thumb": "up"}, "thumb"),
        ([1], "object"),
    ],
)
def test_what_is_wrong_is_refused_with_the_field(gateway: Gateway, body: object, field: str):
    decision = gateway.chat("1 + 2", "builtin/solve")[1]["x-mesh-decision"]
    if isinstance(body, dict) and body.get("id") == "HERE":
        body = {**body, "id": decision}
    status, _, data = gateway.call("/v1/feedback", body)
    assert status == 400
    assert field in data.decode()


def test_the_command_says_the_same_and_knows_the_last(gateway: Gateway):
    decision, _ = asked(gateway)
    explained(gateway, decision)
    done = gateway.run("feedback", "last", "--score", "0.5", "--json")
    assert json.loads(done.stdout)["kept"] == [{"kind": "score", "score": 0.5, "changed": True}], done.stderr
    assert gateway.run("feedback", "dec_x", "--thumbs", "up").returncode != 0
    assert gateway.run("feedback", decision).returncode != 0
