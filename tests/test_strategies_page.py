"""The page of strategies tells what they do: each has a worked example there, and this is what comes of it."""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshwright.cli.app import app
from meshwright.providers.builtin import meaning
from meshwright.routing.exploring import best_chances
from meshwright.routing.quality.gains import LEVEL_PRIOR, LIKE, UNLIKE
from meshwright.routing.quality.levels import NINE_IN_TEN
from meshwright.routing.quality.online import START_NOISE
from meshwright.routing.strategies import STRATEGIES
from tests.docs_blocks import blocks, matches

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "strategies.md"
TEXT = PAGE.read_text()
BLOCKS = list(blocks("strategies.md", TEXT))
CONFIG = "\n".join(block.text for block in BLOCKS if block.language == "toml")
COMMAND = re.compile(r'\$ mesh route -m (?P<route>\S+) "(?P<question>[^"]*)"\n(?P<told>(?:(?!\$ ).*\n?)*)')
EXAMPLES = [match for block in BLOCKS if block.language == "console" for match in COMMAND.finditer(block.text)]
ROUTES = dict(re.findall(r'^\[routes\.(\w+)\]\nstrategy = "(\w+)"$', CONFIG, re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "mesh.toml").write_text(f"[builtin]\nenabled = false\n{CONFIG}")
    return folder


def test_every_strategy_has_a_worked_example():
    assert {ROUTES[example["route"].removeprefix("route/")] for example in EXAMPLES} == set(STRATEGIES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['route']}: {example['question'][:30]}")
def test_a_worked_example_comes_true(example: re.Match[str], folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "MESH_STATE_DIR": str(folder / "state"),
        "MESH_DISCOVERY__ENGINES": "false",
        "MESH_DISCOVERY__KEYS": "false",
        "COLUMNS": "100",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(meaning, "_loaded", [])  # as in a command of its own
    given = ["route", example["question"], "-m", example["route"], "--config", str(folder / "mesh.toml")]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert matches(example["told"], done.output.lstrip("\n")), done.output


@pytest.mark.parametrize(
    ("count", "told"), [(5_000, "5,000 it gets 22"), (10_000, "10,000 15"), (20_000, "20,000 (±0.04) 8")]
)
def test_how_often_the_lesser_of_two_is_still_tried_is_as_told(count: int, told: str):
    spread = sqrt(START_NOISE * (1 / (LEVEL_PRIOR + count) + 1.25 / (UNLIKE + count / LIKE)))
    chance = best_chances([0.70, 0.65], [spread, spread])[1]
    assert round(100 * chance) == int(told.rsplit(" ", 1)[1])
    assert told in " ".join(TEXT.split())
    if "±" in told:
        assert round(NINE_IN_TEN * spread, 2) == 0.04


def test_what_is_known_from_a_card_alone_is_tried_as_often_as_told():
    spread = 0.10 / NINE_IN_TEN
    assert best_chances([0.70, 0.65], [spread, spread])[1] == pytest.approx(0.281, abs=0.001)
    assert "with a chance of 0.281" in " ".join(TEXT.split())
