"""Decisions are found again, in order, page by page, and add up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from meshwright.store import decisions, spending
from meshwright.store.database import Database
from meshwright.store.rows import Spend
from meshwright.types.decision import Trace
from meshwright.types.errors import NotFound
from tests.ledger.traces import trace
from tests.store.databases import fresh

DAY = 86_400.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    yield database
    database.close()


def put(database: Database, *traces: Trace) -> int:
    """Insert them in one transaction."""
    with database.begin() as transaction:
        return decisions.insert(transaction, [decisions.prepare(one) for one in traces])


def test_the_latest_request_is_one_that_somebody_made(database: Database):
    with database.read() as transaction:
        assert decisions.latest(transaction) is None
    copies = [msgspec.structs.replace(trace(f"copy{n:02}"), at=100.0 + n, of="d1") for n in range(20)]
    put(database, msgspec.structs.replace(trace("d0"), at=1.0), msgspec.structs.replace(trace("d1"), at=99.0), *copies)
    with database.read() as transaction:
        found = decisions.latest(transaction)
    assert found is not None
    assert found.id == "d1"


def test_a_trace_is_found_by_its_id_as_it_was(database: Database):
    put(database, trace("d1"))
    with database.read() as transaction:
        assert decisions.get(transaction, "d1") == trace("d1")
        assert decisions.get(transaction, "d2") is None


def test_the_smallest_trace_is_a_trace(database: Database):
    least = Trace(id="d1", at=0.0, principal="", dialect="", outcome="ok")
    put(database, least)
    with database.read() as transaction:
        assert decisions.recent(transaction) == (least,)
        (row,) = spending.spend(transaction, by="model")
    assert (row.name, row.requests, row.attempts, row.unpriced) == ("", 1, 0, 0)


def test_an_id_is_taken_once_and_the_first_stays(database: Database):
    assert put(database, trace("d1"), trace("d1", cost=9), trace("d2")) == 2
    assert put(database, trace("d1", cost=9), trace("d3")) == 1
    with database.read() as transaction:
        assert decisions.get(transaction, "d1") == trace("d1")
        assert decisions.known(transaction, ["d1", "d3", "d9"]) == {"d1": "ok", "d3": "ok"}


def test_hostile_text_is_text(database: Database):
    id = "';--\0\"\\%\u202e\U0001f600"
    put(database, msgspec.structs.replace(trace("d1"), error=id, served=id, principal=id))
    with database.read() as transaction:
        one = decisions.get(transaction, "d1")
        assert one is not None
        assert one.error == id
        assert decisions.recent(transaction, principal=id.replace("\0", "\ufffd")) == (one,)


def test_recent_lists_the_newest_first_page_by_page(database: Database):
    # Three of each second: the order is total all the same.
    put(database, *(trace(f"d{number:02}", at=float(number // 3)) for number in range(20)))
    seen: list[str] = []
    with database.read() as transaction:
        while page := decisions.recent(transaction, 6, before=seen[-1] if seen else None):
            seen += [one.id for one in page]
    assert seen == [f"d{number:02}" for number in reversed(range(20))]


def test_recent_lists_what_was_asked_for(database: Database):
    put(
        database,
        trace("d1", principal="alice"),
        trace("d2", principal="bob"),
        msgspec.structs.replace(trace("d3", principal="bob"), served="", outcome="no_candidate"),
    )
    with database.read() as transaction:

        def ids(principal: str | None = None, model: str | None = None, outcome: str | None = None) -> set[str]:
            return {one.id for one in decisions.recent(transaction, 50, None, principal, model, outcome)}

        assert ids(principal="bob") == {"d2", "d3"}
        assert ids(model="one/a") == {"d1", "d2"}
        assert ids(outcome="no_candidate") == {"d3"}
        assert ids(principal="bob", outcome="ok") == {"d2"}
        assert ids(principal="nobody") == set()


def test_a_page_after_a_decision_that_does_not_exist_is_an_error(database: Database):
    with database.read() as transaction, pytest.raises(NotFound, match="'d9'"):
        decisions.recent(transaction, before="d9")


def test_spending_adds_up_by_model_with_each_attempt_at_its_own(database: Database):
    put(database, trace("d1", cost=100), trace("d2", cost=None), trace("d3", cost=7))
    with database.read() as transaction:
        assert spending.spend(transaction) == (
            Spend(name="one/a", requests=3, attempts=3, cost_nano=107, unpriced=1, input=3000, output=600),
            Spend(name="two/b", requests=3, attempts=3, cost_nano=0, unpriced=0, input=0, output=0),
        )
        assert [row.name for row in spending.spend(transaction, by="provider")] == ["one", "two"]


def test_spending_adds_up_by_whatever_a_request_has(database: Database):
    put(
        database,
        trace("d1", principal="alice", cost=5, at=0.0),
        trace("d2", principal="bob", cost=6, at=DAY - 0.5),
        trace("d3", principal="bob", cost=8, at=DAY),
        Trace(id="d4", at=DAY, principal="bob", dialect="", outcome="interrupted"),
    )
    with database.read() as transaction:
        by_principal = spending.spend(transaction, by="principal")
        assert [(row.name, row.requests, row.cost_nano, row.unpriced) for row in by_principal] == [
            ("bob", 3, 14, 1),
            ("alice", 1, 5, 0),
        ]
        by_day = {row.name: row.cost_nano for row in spending.spend(transaction, by="day")}
        assert by_day == {"0": 11, "1": 8}
        assert {row.name for row in spending.spend(transaction, by="asked")} == {"auto", ""}
        for group in ("dialect", "route", "strategy", "served", "outcome"):
            assert sum(row.cost_nano for row in spending.spend(transaction, by=group)) == 19


def test_spending_is_counted_from_one_moment_up_to_another(database: Database):
    put(database, *(trace(f"d{number}", at=float(number), cost=1) for number in range(10)))
    with database.read() as transaction:

        def cost(since: float | None, until: float | None) -> int:
            return sum(row.cost_nano for row in spending.spend(transaction, since=since, until=until))

        assert (cost(None, None), cost(3.0, None), cost(None, 3.0), cost(3.0, 5.0)) == (10, 7, 3, 2)
        assert spending.spend(transaction, since=99.0) == ()


def test_money_stays_exact_beyond_what_a_float_can_say(database: Database):
    amount = 2**49 + 1
    put(database, *(trace(f"d{number}", cost=amount) for number in range(1001)))
    with database.read() as transaction:
        assert spending.spend(transaction)[0].cost_nano == 1001 * amount


def test_numbers_that_no_answer_can_have_do_not_spoil_a_sum(database: Database):
    put(database, trace("d1", cost=10**40), trace("d2", cost=-(10**40)), trace("d3", cost=2**62), trace("d4", cost=3))
    with database.read() as transaction:
        row = spending.spend(transaction)[0]
        one = decisions.get(transaction, "d1")
    assert (row.cost_nano, row.unpriced) == (3, 3)
    assert one is not None
    assert one.cost == 10**40
