"""Feedback changes what every worker expects of a model, on questions like those that it was given for."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from meshwright.kernel.learning import router_files
from meshwright.routing.router import Router
from meshwright.server.learning import Learning
from meshwright.sim import Upstream
from meshwright.store import feedback
from meshwright.store.rows import Feedback
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.store.databases import fresh

TOML = """
[routes.clever]
strategy = "learned"
pool = ["p/bold", "p/calm"]
[routes.curious]
strategy = "bandit"
pool = ["p/*"]
options = { budget = 0.5, least = 0.25 }
[models."p/bold"]
skills = { "*" = 0.7 }
[models."p/calm"]
skills = { "*" = 0.6 }
"""
QUESTION = "Which of the two shall it be, the echo of the garden or the river?"
PATIENCE = 60
WORKERS = 2


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    folder = Path(tmp_path_factory.mktemp("learning"))
    workers = {"MESH_SERVER__WORKERS": str(WORKERS)}
    with (
        Pretend([Upstream(name="p")]) as pretend,
        Gateway(folder, TOML + pretend.toml("p", ("bold", "calm")), workers) as gateway,
    ):
        yield gateway


def first(gateway: Gateway, question: str = QUESTION) -> str:
    """Who would answer."""
    decision = json.loads(gateway.call("/v1/route", {"model": "route/clever", "prompts": [question]})[2])["data"][0]
    return str(decision["decision"]["plan"]["models"][0])


def until_all_choose(gateway: Gateway, model: str) -> None:
    """Every worker would ask that model: for longer than it takes any of them to notice what is new."""
    deadline, same = time.monotonic() + PATIENCE, 0
    while same < 40:
        assert time.monotonic() < deadline, gateway.log()
        same = same + 1 if first(gateway) == model else 0
        time.sleep(0.05)


def judge(gateway: Gateway, count: int, thumbs: str) -> str:
    """The same question several times, then each answer judged: what is learned in between chooses none of them.

    Gives the last decision.
    """
    told = [gateway.chat(f"{QUESTION} ({at})", "route/clever") for at in range(count)]
    assert [status for status, _, _ in told] == [200] * count
    decisions = [headers["x-mesh-decision"] for _, headers, _ in told]
    for decision in decisions:
        status, _, data = gateway.call("/v1/feedback", {"id": decision, "thumbs": thumbs})
        assert status == 200, data
    return decisions[-1]


def test_feedback_changes_the_choice_of_every_worker_and_is_told(gateway: Gateway):
    until_all_choose(gateway, "p/bold")
    judge(gateway, 6, "down")
    until_all_choose(gateway, "p/calm")
    decision = judge(gateway, 1, "up")
    told = json.loads(gateway.run("explain", decision, "--json").stdout)
    assert told["served"] == "p/calm"
    assert "outcomes here: -0." in {one["model"]: one["why"] for one in told["decision"]["candidates"]}["p/bold"]
    assert len(gateway.workers()) == WORKERS


def test_no_words_of_the_question_are_kept(gateway: Gateway):
    gateway.chat("The zanzibarian pomegranate, once more?", "route/clever")
    stored = json.dumps(gateway.stored())
    assert '"sketch"' in stored
    assert "zanzibar" not in stored


def test_a_bandit_tries_models_with_the_chance_that_it_logs(gateway: Gateway):
    for at in range(24):
        assert gateway.chat(f"Who wrote book number {at}?", "route/curious")[0] == 200
    decisions = [one["decision"] for one in gateway.stored() if one["decision"]["route"] == "curious"]
    assert all(0 < one["propensity"] < 1 for one in decisions)
    assert {one["plan"]["models"][0] for one in decisions} == {"p/bold", "p/calm"}
    assert any("tried, to learn of it" in one["because"] for one in decisions)


def test_asking_again_is_noted_by_itself(gateway: Gateway):
    ids = [gateway.chat("And once more, please?", "route/clever")[1]["x-mesh-decision"] for _ in range(2)]
    deadline = time.monotonic() + PATIENCE
    while not (found := json.loads(gateway.run("explain", ids[0], "--json").stdout or "{}").get("feedback")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert [(one["kind"], one["principal"]) for one in found] == [("asked_again", "")]


def test_what_was_said_can_be_forgotten_again(gateway: Gateway):
    done = gateway.run("router", "forget", "--since", "1h", "--json")
    assert done.returncode == 0, done.stderr
    count = json.loads(done.stdout)["forgotten"]
    assert count >= 7
    (entry,) = json.loads(gateway.run("audit", "--act", "router.forgot", "--json").stdout)
    assert (entry["actor"].partition(":")[0], entry["detail"]["count"]) == ("shell", count)
    until_all_choose(gateway, "p/bold")


def test_what_was_said_is_put_together_for_the_latest_answers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("meshwright.server.learning.MOST_KNOWN", 10)
    with closing(fresh(tmp_path)) as database:
        learning = Learning(tmp_path, database)
        for begin in (0, 20):
            with database.begin() as transaction:
                feedback.put(transaction, [said(f"dec_{at}") for at in range(begin, begin + 20)])
            learning.look(True, {}, {})
            learning._rest_until = 0.0
        assert list(learning._known) == [f"dec_{at} p/m" for at in range(30, 40)]
    kept = router_files.gains(tmp_path)
    assert kept is not None
    assert [round(one.outcomes) for one in kept.models] == [40]


def test_what_was_learned_on_top_of_weights_is_there_again_when_they_are(tmp_path: Path):
    data = Router.fit([{"prompt": "a", "scores": {"m": 1.0}}]).save()

    def outcomes() -> list[int]:
        learning = Learning(tmp_path, database)
        learning.look(True, {}, {})
        kept = router_files.gains(tmp_path)
        assert kept is not None
        return [round(one.outcomes) for one in kept.models]

    def say(*decisions: str) -> None:
        with database.begin() as transaction:
            feedback.put(transaction, [said(decision) for decision in decisions])

    with closing(fresh(tmp_path)) as database:
        say(*(f"dec_{at}" for at in range(20)))
        assert outcomes() == [20]
        router_files.adopt(tmp_path, data)
        assert outcomes() == []
        say("dec_a", "dec_b")
        assert outcomes() == [2]
        router_files.revert(tmp_path)
        assert outcomes() == [20]
        say("dec_c")
        assert outcomes() == [21]
        (tmp_path / "history").write_text("nobody knows")
        assert outcomes() == [1], "what is said since then is sure to fit"


def said(decision: str) -> Feedback:
    return Feedback(
        decision=decision, model="p/m", kind="thumbs", principal="ada", at=time.time(), asked=time.time(), score=1.0,
        prior=0.5, expected=0.5, sketch=bytes(4),
    )  # fmt: skip
