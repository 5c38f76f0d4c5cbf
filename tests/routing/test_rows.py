"""Outcome rows as people bring them, and the weights that come of them: brought, taken away, gone back from."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from meshwright.cli.app import app
from meshwright.kernel.learning import router_files
from meshwright.routing.quality.rows import Row, read_rows
from meshwright.routing.quality.shortcomings import shortcomings
from meshwright.routing.router import Router
from meshwright.types.errors import ConfigError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "a", "scores": {"m": NaN}}', "leave it out or say null"),
        ('{"prompt": "a", "scores": {"m": null}}', "0 scores"),
        ('{"prompt": "a", "scores": {"": 1}}', "a model without a name"),
        ('{"prompt": "a", "scores": {"m": 1}, "cost": {"m": -1}}', "no amount of dollars"),
    ],
)
def test_a_row_that_is_none_says_what_to_write(tmp_path: Path, line: str, said: str):
    file = tmp_path / "rows.jsonl"
    file.write_text(line)
    with pytest.raises(ConfigError, match=said):
        list(read_rows(file))


def test_rows_are_read_as_spreadsheets_and_data_frames_write_them(tmp_path: Path):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": 7, "prompt": "a", "scores": {"m": 1, "n": null}}\n')
    assert list(read_rows(file)) == [Row(prompt="a", scores={"m": 1.0}, id="7")]
    assert Router.fit([{"prompt": "a", "scores": {"m": 1.0, "n": None}}]).expect("a").keys() == {"m"}


def test_one_model_at_two_providers_is_one_model():
    rows = [Row(prompt=f"{at}", scores={"a/Big": 1.0, "b/big": 0.0, "b/small": 0.25}) for at in range(100)]
    weights = Router.fit(rows).weights
    assert weights is not None
    assert [model.name for model in weights.models] == ["big", "small"]
    assert weights.models[0].level == pytest.approx(0.5, abs=0.02)


def test_one_bad_answer_says_little_of_a_model():
    expected = Router.fit([Row(prompt="What is 4 plus 12?", scores={"small": 0.0, "large": 0.0})])
    decision = expected.route("What is 4 plus 12?", ["small", "large"])
    quality = decision.candidates[0].quality
    assert quality is not None
    assert quality.value > 0.2
    assert quality.high - quality.low > 0.5


def test_rows_say_what_they_cannot_tell():
    apart = [Row(prompt=f"{at}", scores={("gpt" if at % 3 else "o/llama"): 1.0}) for at in range(60)]
    (alone,) = shortcomings(apart, {"gpt", "llama"})
    assert alone.startswith("llama shares no row")
    met = [*apart, Row(prompt="z", scores={"gpt": 1.0, "llama": 0.0})]
    assert shortcomings(met, {"gpt", "llama"}) == []
    (unknown,) = shortcomings(met, {"gpt"})
    assert "called llama" in unknown
    few, repeated, single = shortcomings([Row(prompt="a", scores={"gpt": 1.0})] * 3, {"gpt"})
    assert few.startswith("3 rows are few")
    assert repeated.startswith("2 rows repeat")
    assert single.startswith("gpt is the only model")


def test_what_was_gone_back_from_is_not_gone_back_to(tmp_path: Path):
    folder = tmp_path / "router"
    data = Router.fit([Row(prompt="a", scores={"m": 1.0})]).save()
    for _ in range(2):
        router_files.adopt(folder, data)
    assert router_files.revert(folder) == 1
    assert router_files.adopt(folder, data) == 3
    assert router_files.before(folder) == 1
    assert [router_files.revert(folder), router_files.revert(folder)] == [1, 0]


def test_weights_are_taken_away_and_brought_to_another_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("DISCOVERY__ENGINES", "false"), ("DISCOVERY__KEYS", "false")):
        monkeypatch.setenv(f"MESH_{name}", value)
    file = tmp_path / "rows.jsonl"
    file.write_bytes(msgspec.json.encode({"prompt": "a", "scores": {"echo": 1.0, "nobody": 0.0}}))
    monkeypatch.setenv("MESH_STATE_DIR", str(tmp_path / "one"))
    told = json.loads(CliRunner().invoke(app, ["router", "fit", str(file), "--json"]).stdout)
    assert [model["model"] for model in told["models"]] == ["echo", "nobody"]
    assert [said.split()[0] for said in told["shortcomings"]] == ["1", "No"]
    assert "called nobody:" in told["shortcomings"][1]
    assert CliRunner().invoke(app, ["router", "export", "weights.bin"]).exit_code == 0
    monkeypatch.setenv("MESH_STATE_DIR", str(tmp_path / "other"))
    assert CliRunner().invoke(app, ["router", "import", str(file)]).exit_code == 3
    assert router_files.current(tmp_path / "other" / "router") == 0
    assert json.loads(CliRunner().invoke(app, ["router", "import", "weights.bin", "--json"]).stdout) == {"version": 1}
    assert router_files.weights(tmp_path / "other" / "router") == router_files.weights(tmp_path / "one" / "router")
    (entry,) = json.loads(CliRunner().invoke(app, ["audit", "--act", "router", "--json"]).stdout)
    assert entry["act"] == "router.imported"
