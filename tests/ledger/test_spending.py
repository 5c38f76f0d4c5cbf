"""Spending adds up to the nano-dollar, by every group, and what is not known is told apart from what is free."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from meshwright.ledger.issuing import issue, rotate
from meshwright.ledger.spending import GROUPS, spent, total
from meshwright.store import decisions
from meshwright.store.database import Database
from meshwright.types.decision import Trace
from meshwright.types.errors import InvalidRequest
from tests.ledger.traces import trace
from tests.store.databases import fresh


@pytest.fixture
def database(tmp_path: Path):
    database = fresh(tmp_path)
    yield database
    database.close()


def put(database: Database, *traces: Trace) -> None:
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(one) for one in traces])


@pytest.mark.parametrize("by", GROUPS)
def test_every_group_adds_up_to_the_same_nano_dollars(database: Database, by: str):
    put(database, trace("d1", cost=1), trace("d2", cost=20, at=1_760_200_000.0), trace("d3", cost=300, principal="b"))
    with database.read() as transaction:
        assert total(spent(transaction, by)).cost_nano == 321


def test_a_call_without_a_price_is_unknown_and_one_that_was_never_charged_is_free(database: Database):
    put(database, trace("d1", cost=None), trace("d2", cost=0))
    with database.read() as transaction:
        groups = {group.name: group for group in spent(transaction)}
    assert (groups["one/a"].cost_nano, groups["one/a"].unpriced) == (0, 1)
    assert (groups["two/b"].cost_nano, groups["two/b"].unpriced) == (0, 0)


def test_what_budgets_count_for_calls_of_unknown_cost_is_told_beside_what_is_known(database: Database):
    known, unknown = trace("d1", cost=7), trace("d2", cost=None)
    charged = [
        msgspec.structs.replace(one, attempts=tuple(msgspec.structs.replace(a, charged=50) for a in one.attempts))
        for one in (known, unknown)
    ]
    put(database, *charged)
    with database.read() as transaction:
        whole = total(spent(transaction, "key"))
    assert (whole.cost_nano, whole.unpriced, whole.counted_nano, whole.counted_usd) == (7, 1, 50, "0.00000005")


def test_tasks_are_those_that_the_router_saw(database: Database):
    put(database, trace("d1", cost=7), Trace(id="d2", at=0.0, principal="", dialect="", outcome="ok"))
    with database.read() as transaction:
        assert [(group.name, group.cost_nano) for group in spent(transaction, "task")] == [("code", 7), ("", 0)]


def test_days_come_in_order_and_by_their_dates(database: Database):
    put(database, trace("d1", cost=1, at=86_400.0), trace("d2", cost=9, at=0.5), trace("d3", cost=2, at=1e300))
    with database.read() as transaction:
        names = [group.name for group in spent(transaction, "day")]
        assert names[:2] == ["1970-01-01", "1970-01-02"]
        assert [group.cost_nano for group in spent(transaction, "model", only={"day": "1970-01-02"})] == [1, 0]


def test_a_rotated_key_spends_on_under_the_first_ones_name(database: Database):
    first = issue(database, "nightly").record
    fresh, _ = rotate(database, first.id)
    put(database, trace("d1", cost=5, principal=fresh.record.owner), trace("d2", cost=5, principal="local"))
    with database.read() as transaction:
        titles = {group.title for group in spent(transaction, "key")}
        mine = spent(transaction, "key", only={"key": "nightly"})
    assert titles == {f"nightly ({first.id})", "local"}
    assert [(group.name, group.cost_nano) for group in mine] == [(first.id, 5)]


@pytest.mark.parametrize(
    ("by", "only", "told"),
    [
        ("colour", {}, r'grouped by "colour".*Choose among key'),
        ("model", {"day": "tomorrow"}, r"no day.*day=2026-01-31"),
        ("model", {"colour": "red"}, r'grouped by "colour"'),
    ],
)
def test_what_cannot_be_meant_is_said(database: Database, by: str, only: dict[str, str], told: str):
    with database.read() as transaction, pytest.raises(InvalidRequest, match=told):
        spent(transaction, by, only=only)
