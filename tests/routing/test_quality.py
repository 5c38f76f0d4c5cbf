"""The learned quality model: it learns what there is to learn, knows when there is nothing, and trusts no file."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from meshwright.cli.app import app
from meshwright.kernel.learning import router_files
from meshwright.routing.policy import Policy
from meshwright.routing.quality.dual import Likenesses, likenesses, ridge
from meshwright.routing.quality.fit import fit
from meshwright.routing.quality.forest import grown
from meshwright.routing.quality.grid import gridded
from meshwright.routing.quality.knowledge import shipped
from meshwright.routing.quality.rows import Row, read_rows
from meshwright.routing.quality.sight import asked, sight
from meshwright.routing.quality.trees import MIDDLE, Asked, Trees, wrong
from meshwright.routing.quality.weights import Weights, pack, read
from meshwright.routing.router import Router
from meshwright.store.database import Database, sqlite_url
from meshwright.types.errors import ConfigError, InvalidRequest, NoCandidate, StoreError
from meshwright.types.model import Model, Price

POEMS = ("rose", "river", "night", "moon", "sorrow", "garden", "autumn", "sea")
SUMS = ("integral", "matrix", "prime", "equation", "derivative", "vector", "modulo", "factor")


def outcomes(rows: int, luck: float = 0.1) -> list[Row]:
    """Questions on poems, at which `poet` is good, and on sums, at which `counter` is; `luck` is how often not."""
    dice = random.Random(7)
    found = []
    for at in range(rows):
        sums = at % 2 == 0
        words = dice.sample(SUMS if sums else POEMS, 3)
        prompt = f"Tell me about the {words[0]} and the {words[1]} of a {words[2]}, number {at}."
        right = dice.random() >= luck
        found.append(Row(prompt=prompt, scores={"counter": float(sums == right), "poet": float(sums != right)}))
    return found


@pytest.fixture(scope="module")
def router() -> Router:
    return Router.fit(outcomes(400))


def test_each_question_goes_to_the_model_that_is_good_at_it(router: Router):
    for question, best in (
        ("Is the matrix of this equation prime?", "counter"),
        ("The moon over the garden: a night in autumn", "poet"),
    ):
        decision = router.route(question, ["x/poet", "x/counter"])
        assert decision.plan.models[0] == f"x/{best}"
        first = decision.candidates[0].quality
        assert first is not None
        assert 0 <= first.low < first.value < first.high <= 1
        assert "measured on 400 questions" in decision.because


def test_equal_rows_give_equal_bytes_and_equal_decisions(router: Router):
    again = Router.fit(outcomes(400))
    assert again.save() == router.save()
    one, two = (
        each.route("the river and the vector", ["poet", "counter"]) for each in (router, Router.load(again.save()))
    )
    assert msgspec.json.encode(one) == msgspec.json.encode(two)


def test_what_was_never_seen_is_less_certain(router: Router):
    known, strange = (router.expect(question)["poet"] for question in ("the moon and the sea", "zyx wvu tsr qpo"))
    assert strange.spread > known.spread


def test_where_routing_cannot_help_the_best_single_model_is_taken():
    dice = random.Random(3)
    rows = [
        Row(prompt=f"{' '.join(dice.sample(POEMS + SUMS, 4))} {at}", scores={
            "good": float(dice.random() < 0.7), "fair": float(dice.random() < 0.5),
        })
        for at in range(600)
    ]  # fmt: skip
    router = Router.fit(rows)
    chosen = {router.route(row.prompt, ["fair", "good"]).plan.models[0] for row in rows}
    assert chosen == {"good"}


def test_what_does_not_carry_over_to_other_tasks_is_believed_less():
    # Which of the two is better changes from task to task, and says nothing of the next.
    dice = random.Random(5)
    words = [f"{first}{last}" for first in "bcdfgklm" for last in ("ado", "elu", "iro", "osu", "uta")]
    rows = []
    for task in range(10):
        wins = task % 2 == 0
        told = [*words[4 * task : 4 * task + 4], *POEMS]
        for at in range(60):
            scores = {
                "one": float(dice.random() < (0.8 if wins else 0.4)),
                "two": float(dice.random() < (0.3 if wins else 0.7)),
            }
            rows.append(Row(prompt=f"{' '.join(dice.sample(told, 6))} {at}", task=f"task {task}", scores=scores))
    unlabelled = [msgspec.structs.replace(row, task="") for row in rows]
    with_tasks, without = (Router.fit(each) for each in (rows, unlabelled))
    strange = f"Why {words[0]}, what {words[8]}? Explain {words[16]} and {words[24]}; or {words[32]}, at length!"
    assert without.expect(strange)["one"].own > 0.05
    assert abs(with_tasks.expect(strange)["one"].own) < without.expect(strange)["one"].own / 2
    assert with_tasks.expect(strange)["one"].spread > without.expect(strange)["one"].spread
    again = Router.load(with_tasks.save())
    assert again.expect(strange) == with_tasks.expect(strange)
    # Of a question like those of a task that was learned from it is believed more than of a strange one.
    assert with_tasks.expect(rows[0].prompt)["one"].own > without.expect(rows[0].prompt)["one"].own / 2


def test_what_carries_over_to_other_tasks_is_believed_as_before():
    rows = [msgspec.structs.replace(row, task=f"task {at % 9}") for at, row in enumerate(outcomes(400))]
    question = "Is the matrix of this equation prime?"
    with_tasks, without = (Router.fit(each).expect(question)["counter"] for each in (rows, outcomes(400)))
    assert with_tasks.own == pytest.approx(without.own, abs=0.02)


def test_models_that_never_met_are_pools_of_their_own():
    rows = outcomes(60) + [Row(prompt=f"how are you, {at}", scores={"hermit": 1.0}) for at in range(40)]
    weights = Router.fit(rows).weights
    assert weights is not None
    common = {model.name: model.common for model in weights.models}
    assert common["poet"] == common["counter"] != common["hermit"]


def test_a_row_need_not_have_every_model():
    rows = [
        Row(prompt=row.prompt, scores={name: score for name, score in row.scores.items() if at % 3 or name == "poet"})
        for at, row in enumerate(outcomes(400))
    ]
    assert Router.fit(rows).route("prime matrix equation", ["poet", "counter"]).plan.models[0] == "counter"


def test_rows_may_be_mappings_and_no_rows_are_an_error():
    assert Router.fit([{"prompt": "a", "scores": {"m": 0.5}}]).expect("a")["m"].level == 0.5
    with pytest.raises(ConfigError, match="no outcome rows"):
        Router.fit([])
    with pytest.raises(ConfigError, match="A row is wrong"):
        Router.fit([{"prompt": "a"}])
    with pytest.raises(ConfigError, match=r"the score of m: 2\.0 is not between 0 and 1"):
        Router.fit([{"prompt": "a", "scores": {"m": 2.0}}])


@pytest.mark.parametrize(
    ("models", "dials", "field"),
    [([], {}, "models"), (["m"], {"thrift": 5.0}, "thrift"), (["m"], {"floor": -0.1}, "floor")],
)
def test_a_router_says_which_argument_is_wrong(router: Router, models: list[str], dials: dict[str, float], field: str):
    with pytest.raises(InvalidRequest) as told:
        router.route("What is it?", models, **dials)  # type: ignore[arg-type]  # only numbers are given
    assert told.value.field == field


def test_thrift_takes_the_cheap_model_where_little_is_lost(router: Router):
    models = [
        Model(name=f"x/{name}", provider="x", upstream=name, prices=(Price(input=price, output=price),))
        for name, price in (("poet", 100_000_000), ("counter", 10_000_000_000))
    ]
    question = "Is the matrix of this equation prime?"
    assert router.route(question, models).plan.models[0] == "x/counter"
    thrifty = router.route(question, models, thrift=1.0)
    assert thrifty.plan.models[0] == "x/poet"
    assert "less than x/counter" in thrifty.because


def test_a_floor_keeps_out_what_is_not_expected_to_be_good(router: Router):
    decision = router.route("the moon and the sea", ["poet", "counter"], floor=0.6)
    assert decision.plan.models == ("poet",)
    assert "below the floor" in decision.rejected["counter"]
    with pytest.raises(NoCandidate):
        router.route("the moon and the sea", ["counter"], floor=0.9)


def test_a_model_without_data_goes_by_its_card_and_its_nearest_relative():
    rows = [
        Row(prompt=row.prompt, scores={"owl-big-2": row.scores["counter"], "ant-1": row.scores["poet"]})
        for row in outcomes(400)
    ]
    router = Router.fit(rows)
    unknown = Model(name="x/owl-big-3", provider="x", upstream="owl-big-3", skills={"*": 0.6})
    sums, poems = (
        router.route(question, [unknown]).candidates[0]
        for question in ("prime matrix equation vector", "moon night garden sea")
    )
    assert sums.quality is not None
    assert poems.quality is not None
    assert sums.quality.value > 0.6 > poems.quality.value
    assert "relative owl-big-2" in sums.why


def test_other_strategies_do_not_look_at_what_was_learned(router: Router):
    policy = Policy(name="r", strategy="task", pool=("poet",))
    assert router.route("the moon", ["poet"], policy=policy).candidates[0].why == "nothing is known of its quality"


def test_examples_and_format_instructions_are_not_what_is_asked():
    shots = "Question: 1+1?\nAnswer: 2\n\nQuestion: 2+2?\nAnswer: 4\n\nQuestion: Who was Ada?\nAnswer:"
    assert asked(shots) == "Who was Ada?"
    assert asked("Who was Ada?\nPut your final answer in a box.") == "Who was Ada?"
    assert asked("Who was Ada?") == "Who was Ada?"
    assert asked("Who was Ada? \n\n Answer:\n") == "Who was Ada? "
    assert len(asked("Who?" + "\n" * 5_000 + "Ada")) == 5_007


@pytest.mark.parametrize("question", ["", " ", "\ud800", "\0" * 50, "a" * 1_000_000, "é" * 9_000, "\n(A) " * 5_000])
def test_any_text_can_be_looked_at(question: str):
    assert len(sight(question).words) < 20_000
    for expected in shipped().expect(question).values():
        assert 0 < expected.level < 1
        assert abs(expected.common + expected.own) < 2


def test_the_shipped_weights_tell_questions_apart():
    gains = []
    for question in (
        "Select the best translation into predicate logic: ∃x(Fx • Gx)\nA. All foxes\nB. Some are grey\nC. None",
        "Which gods are worshipped in the Hindu religion?\nA. Shiva\nB. Zeus\nC. Odin",
    ):
        expected = shipped().expect(question)
        gains.append(expected["gpt-4-1106-preview"].own - expected["mixtral-8x7b-instruct"].own)
    assert gains[0] > gains[1] + 0.03


def test_what_only_counting_shows_is_learned_too():
    # One of the two is good at questions of two to four words, the other at any more or less; no word says so.
    dice = random.Random(2)
    rows = []
    for at in range(800):
        length = dice.randint(1, 8)
        short = 2 <= length <= 4
        prompt = " ".join(f"w{dice.random()}".replace(".", "") for _ in range(length))
        scores = {"few": float(dice.random() < 0.9 * short), "many": float(dice.random() < 0.9 * (not short))}
        rows.append(Row(prompt=f"{prompt} {at}", scores=scores))
    router = Router.fit(rows)
    for words, best in ((1, "many"), (3, "few"), (7, "many")):
        question = " ".join("w0123456789" for _ in range(words)) + " 1"
        assert router.route(question, ["few", "many"]).plan.models[0] == best


def test_what_rows_share_is_the_same_from_a_table_as_anew():
    grid = gridded([row.prompt for row in outcomes(300)])
    weights = np.random.default_rng(1).normal(size=(300, 2))
    table = likenesses(grid)
    assert table.table is not None
    assert np.allclose(table.times(weights), Likenesses(grid, None).times(weights), atol=1e-3)
    assert np.allclose(np.sqrt(np.diag(table.table)), grid.lengths(), atol=1e-4)


def test_ridge_by_rows_is_ridge():
    grid = gridded([row.prompt for row in outcomes(200)])
    table = likenesses(grid)
    assert table.table is not None
    targets, used = np.random.default_rng(1).normal(size=(200, 1)), np.ones((200, 1), dtype=bool)
    used[150:] = False
    exact = np.linalg.solve(table.table[:150, :150] + 5 * np.eye(150), targets[:150])
    found = ridge(table, targets, used, 5.0)
    assert np.allclose(found[:150], exact, atol=1e-3)
    assert not found[150:].any()


def test_trees_say_the_same_from_a_file():
    dice = np.random.default_rng(3)
    measures, targets = dice.normal(size=(400, 5)), dice.normal(size=(400, 3))
    forest = grown(measures, targets, np.ones((400, 3), dtype=bool), 8)
    trees = forest.packed()
    assert wrong(trees, 3, 5) == ""
    asked = np.array([Asked(trees, 3).of(row) for row in measures.tolist()])
    assert np.allclose(asked, forest.told(measures), atol=trees.scale)


SMALL = fit(outcomes(40))
GROWN = fit(outcomes(400))
PEERS = GROWN.peers[0]
assert PEERS.trees is not None
TREES: Trees = PEERS.trees


def with_trees(**changed: object) -> bytes:
    """A file whose trees are not as they were."""
    return with_peers(trees=msgspec.structs.replace(TREES, **changed))


def with_peers(**changed: object) -> bytes:
    """A file whose peers are not as they were."""
    return pack(msgspec.structs.replace(GROWN, peers=(msgspec.structs.replace(PEERS, **changed),)))


def test_a_file_from_before_there_were_trees_is_read():
    before = read(pack(msgspec.structs.replace(GROWN, version=1, peers=())))
    assert Router(before).expect("prime matrix equation vector")["counter"].own > 0.05


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cut off"),
        (b"no weights", "no router weights"),
        (pack(SMALL)[:-20], "cut off"),
        (zlib.compress(b"\xc0"), "no router weights"),
        (zlib.compress(bytes(20_000_000)), "more than they may"),
        (bytes(5_000_000), "too large"),
        (pack(msgspec.structs.replace(SMALL, version=99)), "version 99"),
        (pack(msgspec.structs.replace(SMALL, steps=SMALL.steps[1:])), "bytes of grams"),
        (pack(msgspec.structs.replace(SMALL, scales=(float("nan"), *SMALL.scales[1:]))), "a number that is none"),
        (with_trees(below=bytes(len(TREES.below))), "node 0 of the trees"),
        (with_trees(measures=bytes([200]) * len(TREES.measures)), "node 0 of the trees"),
        (with_trees(roots=(1_000_000,)), "1 trees"),
        (with_trees(roots=()), "0 trees"),
        (with_trees(leaves=TREES.leaves[1:]), "nodes of trees"),
        (with_trees(scale=float("inf")), "a number of a tree"),
        (with_peers(count=3), "peers"),
        (with_peers(kinds=5), "columns of kinds"),
        (with_peers(near=float("nan")), "a number that is none"),
        (with_peers(doubt=-1.0), "a doubt below nothing"),
        (pack(msgspec.structs.replace(SMALL, models=(msgspec.structs.replace(SMALL.models[0], own=200),))), "columns"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_sound_is_refused(data: bytes, said: str):
    with pytest.raises(ConfigError, match=said):
        read(data)


def test_the_heaviest_lanes_that_a_file_can_hold_do_not_run_over():
    top = 2 * MIDDLE - 1
    weights: Weights = msgspec.structs.replace(SMALL, steps=bytes([top]) * len(SMALL.steps))
    expected = Router(weights).expect(" ".join(POEMS + SUMS) * 300)
    assert all(value.common >= 0 for value in expected.values())


def test_a_file_of_rows_says_which_line_is_wrong(tmp_path: Path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "a", "scores": {"m": 1}}\n\n{"prompt": "b", "scores": {"m": 1.5}}\n')
    with pytest.raises(ConfigError, match=r"line 3: the score of m: 1.5"):
        list(read_rows(file))
    file.write_text("{")
    with pytest.raises(ConfigError, match="line 1"):
        list(read_rows(file))
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_rows(tmp_path / "rows.jsonl.gz"))


def test_versions_are_kept_and_gone_back_to(tmp_path: Path):
    folder = tmp_path / "router"
    assert router_files.weights(folder) == b""
    data = pack(SMALL)
    assert [router_files.adopt(folder, data), router_files.adopt(folder, data)] == [1, 2]
    assert router_files.weights(folder) == data
    assert [router_files.revert(folder), router_files.revert(folder)] == [1, 0]
    with pytest.raises(ConfigError, match="shipped weights are in use"):
        router_files.revert(folder)
    with pytest.raises(ConfigError, match="cut off"):
        router_files.adopt(folder, data[:-9])
    (folder / "current").write_text("../7")
    with pytest.raises(StoreError, match="names no version"):
        router_files.weights(folder)
    assert router_files.revert(folder) == 2


def test_going_back_is_in_the_audit_log_or_does_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("STATE_DIR", str(tmp_path)), ("DISCOVERY__ENGINES", "false"), ("DISCOVERY__KEYS", "false")):
        monkeypatch.setenv(f"MESH_{name}", value)
    for _ in range(2):
        router_files.adopt(tmp_path / "router", pack(SMALL))
    assert CliRunner().invoke(app, ["router", "revert"]).exit_code == 0
    (entry,) = json.loads(CliRunner().invoke(app, ["audit", "--act", "router", "--json"]).stdout)
    assert (entry["act"], entry["detail"]) == ("router.reverted", {"version": 1})
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    with database.begin() as transaction:
        transaction.exec_driver_sql("DELETE FROM audit_head")
    assert CliRunner().invoke(app, ["router", "revert"]).exit_code != 0
    assert router_files.current(tmp_path / "router") == 1
    database.close()
