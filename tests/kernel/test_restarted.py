"""A decision is the same byte for byte in another process and from the database, for every strategy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from meshwright.kernel.decide import again, decide
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.importing import Importer
from meshwright.ledger.journal import Journal
from meshwright.routing.quality.gains import pack, read
from meshwright.routing.quality.online import Online, Outcome
from meshwright.routing.quality.sight import sight
from meshwright.routing.quality.sketch import sketch
from meshwright.routing.strategies import STRATEGIES
from meshwright.store import decisions
from meshwright.types.decision import Decision, Trace
from tests.kernel.test_replaying import QUESTION, ROUTES, SIGNALS, snapshot
from tests.store.databases import fresh

SALT = 0x9E3779B97F4A7C15
ELSEWHERE = """
import sys
from pathlib import Path
from tests.kernel.test_restarted import decided, learned, printed
sys.stdout.write(printed(decided(learned(Path(sys.argv[1]).read_bytes()))))
"""


def gains() -> bytes:
    """What was learned here: half of the outcomes of one model were good, nearly all of the others'."""
    online = Online(SALT)
    kept = sketch(sight("Where is the invoice?"), SALT)
    online.take(
        [
            Outcome(
                key=str(at),
                model=("small", "middle", "large")[at % 3],
                score=float(at % 3 > 0 or at % 2),
                weight=1.0,
                prior=0.7,
                expected=0.7,
                sketch=kept,
            )
            for at in range(300)
        ]
    )
    left = {"bandit": 10**9}
    return pack(msgspec.structs.replace(online.gains(3, {"large": 0.01}), left=left))


def learned(data: bytes) -> Snapshot:
    """The snapshot of all routes, with what was learned."""
    return msgspec.structs.replace(snapshot(**ROUTES), gains=read(data))


def decided(everything: Snapshot) -> dict[str, Decision]:
    """A decision by each route."""
    return {name: decide(everything, SIGNALS, QUESTION, f"route/{name}") for name in ROUTES}


def printed(found: Mapping[str, Decision]) -> str:
    """A line for each."""
    return "".join(f"{name} {msgspec.json.encode(one).decode()}\n" for name, one in found.items())


@pytest.fixture(scope="module")
def data() -> bytes:
    return gains()


def test_every_strategy_is_among_the_routes():
    assert {route.strategy for route in ROUTES.values()} == set(STRATEGIES)


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_another_process_decides_the_same(data: bytes, tmp_path: Path, seed: str):
    (tmp_path / "gains").write_bytes(data)
    here = printed(decided(learned(data)))
    there = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "gains")],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.splitlines() == here.splitlines()


def test_a_decision_from_the_journal_or_the_database_is_made_again(data: bytes, tmp_path: Path):
    database = fresh(tmp_path)
    first = decided(learned(data))
    journal = Journal(tmp_path / "journal", "w1")
    for name, decision in first.items():
        trace = Trace(
            id=f"dec_{name}",
            at=1_760_000_000.0,
            principal="ada",
            dialect="openai_chat",
            outcome="ok",
            decision=decision,
        )
        journal.begin(trace.id, trace.at, trace.principal)
        journal.record(trace)
    journal.close()
    assert Importer(tmp_path / "journal", database).run_once().traces == len(ROUTES)
    restarted = learned(data)
    with database.read() as transaction:
        for name, decision in first.items():
            kept = decisions.get(transaction, f"dec_{name}")
            assert kept is not None
            assert kept.decision is not None
            assert msgspec.json.encode(again(restarted, kept.decision)) == msgspec.json.encode(decision), name
    database.close()


def test_chance_is_on_the_decision_and_stays_what_it_was(data: bytes):
    found = decided(learned(data))
    for name in ("learned", "bandit", "split", "cascade"):
        assert (found[name].propensity or 0) > 0 or any((part.propensity or 0) > 0 for part in found[name].parts)
    assert found["bandit"].features is not None
    assert found["bandit"].features.gained["small"].value < found["bandit"].features.gained["middle"].value
    newer = msgspec.structs.replace(learned(data), gains=None)  # what is learned later changes no decision of before
    assert msgspec.json.encode(again(newer, found["bandit"])) == msgspec.json.encode(found["bandit"])
