"""Keys are told once, take each other's place without a gap, and end when they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.ledger.digest import holders, verify
from meshwright.ledger.issuing import issue, revoke, rotate
from meshwright.ledger.keys import ensure_master
from meshwright.ledger.spans import span
from meshwright.store import keys
from meshwright.store.database import Database
from meshwright.types.errors import InvalidRequest, NotFound, Unauthenticated
from tests.store.databases import fresh


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    yield database
    database.close()


def owner(database: Database, key: str, now: float) -> str | None:
    """Whom a snapshot takes the key's bearer for at that time; None: nobody."""
    with database.read() as transaction:
        known = holders(keys.every(transaction))
    try:
        return verify(known, key, now).id
    except Unauthenticated:
        return None


def test_a_new_key_works_until_it_expires_and_is_kept_as_a_hash_only(database: Database):
    made = issue(database, "reports", lasting=10, clock=lambda: 100.0)
    assert owner(database, made.key, 109.9) == made.record.id
    assert owner(database, made.key, 110.0) is None
    with database.read() as transaction:
        assert made.key not in repr(keys.every(transaction))


def test_a_replaced_key_goes_on_for_the_overlap_and_both_are_the_same_principals(database: Database):
    first = issue(database, "reports", scopes=("admin", "inference"), clock=lambda: 0.0)
    second, old = rotate(database, "reports", overlap=60, clock=lambda: 10.0)
    third, _ = rotate(database, second.record.id, clock=lambda: 20.0)
    assert old.expires == 70.0
    assert owner(database, first.key, 69.0) == first.record.id
    assert owner(database, first.key, 70.0) is None
    assert owner(database, second.key, 20.0) is None
    assert owner(database, third.key, 99.0) == first.record.id
    assert third.record.scopes == ("admin", "inference")


def test_an_overlap_does_not_lengthen_a_keys_life(database: Database):
    issue(database, "short", lasting=30, clock=lambda: 0.0)
    fresh_one, old = rotate(database, "short", overlap=1000, clock=lambda: 10.0)
    assert old.expires == fresh_one.record.expires == 30.0


def test_a_revoked_key_is_not_found_again_and_the_master_key_stays(database: Database):
    made = issue(database, "gone", clock=lambda: 0.0)
    ensure_master(database, clock=lambda: 0.0)
    revoke(database, made.record.prefix, clock=lambda: 5.0)
    assert owner(database, made.key, 5.0) is None
    with pytest.raises(NotFound):
        revoke(database, "gone")
    for act in (revoke, rotate):
        with pytest.raises(InvalidRequest):
            act(database, "master")


def test_a_name_that_two_keys_have_is_refused_with_their_ids(database: Database):
    one, two = issue(database, "twin"), issue(database, "twin")
    with pytest.raises(InvalidRequest) as refused:
        revoke(database, "twin")
    assert one.record.id in str(refused.value.fix)
    assert two.record.id in str(refused.value.fix)
    with pytest.raises(NotFound):
        revoke(database, "")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "\x1b[31m"])
def test_names_that_would_not_print_are_refused(database: Database, name: str):
    with pytest.raises(InvalidRequest):
        issue(database, name)


@pytest.mark.parametrize("scopes", [(), ("everything",), ("inference", "")])
def test_scopes_that_open_nothing_are_refused(database: Database, scopes: tuple[str, ...]):
    with pytest.raises(InvalidRequest):
        issue(database, "ok", scopes=scopes)


def test_lengths_of_time_are_read():
    assert [span(text) for text in ("90s", "15m", "24h", "30d", "4w", "1Y")] == [
        90,
        900,
        86400,
        2592000,
        2419200,
        31536000,
    ]
    for wrong in ("", "0d", "-1d", "1.5d", "30", "d", "99999999d", "1d\n2d"):
        with pytest.raises(InvalidRequest):
            span(wrong)
