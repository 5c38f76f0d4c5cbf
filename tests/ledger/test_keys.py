"""There is always one master key, told once, and no place keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.ledger.digest import Holder, digest, fingerprint, holders, new_key, shown, verify
from meshwright.ledger.keys import MASTER, ensure_master, replace_master
from meshwright.store import keys
from meshwright.store.database import Database
from meshwright.store.rows import Key
from meshwright.types.errors import ConfigError, Unauthenticated
from meshwright.types.principal import Principal
from tests.store.databases import fresh

GIVEN = "a-key-from-the-configuration"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    yield database
    database.close()


def known(database: Database) -> dict[bytes, Holder]:
    """What a snapshot would keep."""
    with database.read() as transaction:
        return holders(keys.every(transaction))


def works(database: Database, key: str) -> bool:
    """Whether a snapshot of now takes the key for the master key."""
    try:
        return verify(known(database), key, 0.0) == Principal(id=MASTER, name="master key", scopes=("*",))
    except Unauthenticated:
        return False


def test_the_first_start_makes_a_key_and_later_ones_keep_it(database: Database):
    first = ensure_master(database)
    assert first.created
    assert first.key is not None
    assert first.key.startswith("mesh-")
    assert len(first.key) == 48
    assert works(database, first.key)
    second = ensure_master(database)
    assert (second.created, second.key, second.record) == (False, None, first.record)


def test_the_key_is_nowhere_in_the_database(database: Database, tmp_path: Path):
    key = ensure_master(database).key
    assert key is not None
    database.flush()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert digest(key) in stored
    assert key[:9].encode() in stored
    assert key[:12].encode() not in stored
    assert key[12:].encode() not in stored


def test_a_given_key_takes_the_place_of_any_other(database: Database):
    made = ensure_master(database).key
    assert made is not None
    given_one = ensure_master(database, GIVEN)
    assert (given_one.created, given_one.key) == (False, None)
    assert works(database, GIVEN)
    assert not works(database, made)
    assert ensure_master(database, GIVEN).record == given_one.record
    assert ensure_master(database).record == given_one.record
    assert ensure_master(database, made).key is None
    assert works(database, made)
    assert not works(database, GIVEN)


def test_a_revoked_master_key_is_followed_by_a_new_one(database: Database):
    old = ensure_master(database).key
    assert old is not None
    with database.begin() as transaction:
        keys.revoke(transaction, MASTER, 1.0)
    assert not works(database, old)
    new = ensure_master(database)
    assert new.created
    assert new.key not in (None, old)


def test_a_lost_master_key_can_be_replaced(database: Database):
    old, new = ensure_master(database).key, replace_master(database).key
    assert old is not None
    assert new is not None
    assert works(database, new)
    assert not works(database, old)


@pytest.mark.parametrize("key", ["", "abc", "with a space in the middle", "x" * 20 + "\n", "\0" * 20])
def test_a_given_key_that_is_weak_or_no_header_can_carry_is_refused(database: Database, key: str):
    with pytest.raises(ConfigError) as caught:
        ensure_master(database, key)
    assert [problem.field for problem in caught.value.problems] == ["master_key"]
    assert known(database) == {}


def test_a_revoked_or_expired_or_unknown_key_is_not_let_in():
    def key(id: str, expires: float | None = None, revoked: float | None = None) -> Key:
        return Key(id=id, prefix="", hash=digest(id), expires=expires, revoked=revoked)

    table = holders([key("good"), key("revoked", revoked=1.0), key("until", expires=10.0)])
    assert verify(table, "good", 1e12).id == "good"
    assert verify(table, "until", 9.9).id == "until"
    for word, now in (("revoked", 0.0), ("until", 10.0), ("unknown", 0.0), ("", 0.0)):
        with pytest.raises(Unauthenticated) as caught:
            verify(table, word, now)
        assert not word or word not in str(caught.value)


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_at_all_has_a_digest_and_shows_little(text: str):
    assert len(digest(text)) == 32
    assert digest(text).hex().startswith(fingerprint(text))
    assert len(shown(text)) <= min(9, len(text) // 4)


def test_keys_do_not_repeat():
    assert len({new_key() for _ in range(1000)}) == 1000
