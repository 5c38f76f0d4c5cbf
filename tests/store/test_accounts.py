"""An account lends no more than there is, and knows to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.store import accounts, allowances
from meshwright.store.database import Database
from meshwright.store.rows import Lent
from meshwright.store.windows import span, window
from meshwright.types.principal import Allowance
from tests.store.databases import fresh

DAY = Allowance("key:k", "money", "day", 1_000)
NOON = 1_795_910_400.0 + 43_200
HERE = window(DAY, NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    with database.begin() as transaction:
        allowances.put(transaction, [DAY])
    yield database
    database.close()


def standing(database: Database) -> tuple[int, int]:
    with database.read() as transaction:
        (found,) = accounts.standing(transaction, [DAY], NOON)
    return found.spent, found.held


def test_a_part_is_small_unless_more_is_needed_and_never_more_than_is_left(database: Database):
    with database.begin() as transaction:
        assert accounts.lend(transaction, "one", HERE, 1, 1, NOON).granted == 50
        assert accounts.lend(transaction, "two", HERE, 900, 900, NOON).granted == 900
        assert accounts.lend(transaction, "one", HERE, 51, 51, NOON).granted == 0
        assert accounts.lend(transaction, "one", HERE, 50, 500, NOON).granted == 50
        assert accounts.wants(transaction, [HERE.id]) == {HERE.id: 1}
    assert standing(database) == (0, 1_000)


def test_what_was_spent_is_charged_and_the_rest_of_a_life_is_free_again(database: Database):
    with database.begin() as transaction:
        accounts.lend(transaction, "one", HERE, 400, 400, NOON)
        accounts.charge(transaction, "one", {HERE.id: 150})
        accounts.give_back(transaction, "one", {HERE.id: 100})
    assert standing(database) == (150, 150)
    with database.begin() as transaction:
        assert accounts.free(transaction, "one") == 1
        assert accounts.free(transaction, "one") == 0
    assert standing(database) == (150, 0)


def test_a_limit_that_was_lowered_lends_nothing_until_there_is_room(database: Database):
    with database.begin() as transaction:
        accounts.lend(transaction, "one", HERE, 400, 400, NOON)
        allowances.put(transaction, [Allowance("key:k", "money", "day", 300)])
        assert accounts.lend(transaction, "one", HERE, 1, 1, NOON) == Lent(0, 300, 0, 400)
        allowances.remove(transaction, "key:k", "money", "day")
        assert accounts.lend(transaction, "one", HERE, 7, 7, NOON).amount is None


def test_windows_that_are_over_are_forgotten_when_nobody_holds_of_them(database: Database):
    with database.begin() as transaction:
        accounts.lend(transaction, "one", HERE, 10, 10, NOON)
        accounts.forget(transaction, NOON + 200_000)
    assert standing(database)[1] > 0
    with database.begin() as transaction:
        accounts.give_back(transaction, "one", {HERE.id: standing(database)[1]})
        accounts.forget(transaction, NOON + 200_000)
        assert accounts.wants(transaction, [HERE.id]) == {}


@pytest.mark.parametrize(
    ("per", "wanted"),
    [
        ("minute", (1_795_953_600, 1_795_953_660)),
        ("day", (1_795_910_400, 1_795_996_800)),
        ("month", (1_793_491_200, 1_796_083_200)),
        ("total", (0, None)),
    ],
)
def test_windows_are_those_of_the_calendar(per, wanted: tuple[int, int | None]):
    assert span(per, NOON + 1) == wanted
