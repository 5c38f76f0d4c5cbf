"""Keys and settings are put, found, replaced and taken away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from meshwright.store import keys, settings
from meshwright.store.database import Database
from meshwright.store.rows import Key
from meshwright.types.errors import StoreError
from tests.store.databases import fresh

KEY = Key(
    id="k1", prefix="mesh-abcd", hash=b"1" * 32, name="ci", scopes=("inference", "admin"), created=5.0, expires=9.5
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = fresh(tmp_path)
    yield database
    database.close()


def test_a_key_is_found_by_its_id_and_by_its_hash_as_it_was(database: Database):
    other = Key(id="k0", prefix="mesh-efgh", hash=b"2" * 32, created=6.0)
    with database.begin() as transaction:
        keys.put(transaction, other)
        keys.put(transaction, KEY)
    with database.read() as transaction:
        assert keys.get(transaction, "k1") == keys.find(transaction, b"1" * 32) == KEY
        assert keys.get(transaction, "k2") is None
        assert keys.find(transaction, b"3" * 32) is None
        assert keys.every(transaction) == (KEY, other)


def test_putting_a_key_of_the_same_id_replaces_it(database: Database):
    with database.begin() as transaction:
        keys.put(transaction, KEY)
        keys.put(transaction, msgspec.structs.replace(KEY, name="new", expires=None))
        assert keys.every(transaction) == (msgspec.structs.replace(KEY, name="new", expires=None),)


def test_two_keys_cannot_have_one_hash(database: Database):
    with database.begin() as transaction:
        keys.put(transaction, KEY)
    with pytest.raises(StoreError, match="hash"), database.begin() as transaction:
        keys.put(transaction, msgspec.structs.replace(KEY, id="k2"))


def test_a_key_is_revoked_once_and_stays_known(database: Database):
    with database.begin() as transaction:
        keys.put(transaction, KEY)
        assert keys.revoke(transaction, "k1", 7.0)
        assert not keys.revoke(transaction, "k1", 8.0)
        assert not keys.revoke(transaction, "k2", 8.0)
        assert keys.get(transaction, "k1") == msgspec.structs.replace(KEY, revoked=7.0)


def test_a_setting_is_put_replaced_and_removed(database: Database):
    with database.begin() as transaction:
        assert settings.get(transaction, "a") is None
        settings.put(transaction, "a", "1")
        settings.put(transaction, "b", "")
        settings.put(transaction, "a", "2")
        assert settings.every(transaction) == {"a": "2", "b": ""}
        assert settings.get(transaction, "b") == ""
        assert settings.remove(transaction, "a")
        assert not settings.remove(transaction, "a")
        assert settings.every(transaction) == {"b": ""}


def test_who_adds_to_the_same_number_at_once_adds_to_each_others(database: Database):
    def add() -> None:
        with database.begin() as transaction:
            settings.add(transaction, "n", 2)

    with database.begin() as transaction:
        settings.add(transaction, "n", 1)
        other = threading.Thread(target=add)
        other.start()
        other.join(0.3)  # it has read, if it does not wait
        settings.add(transaction, "n", 4)
    other.join()
    with database.read() as transaction:
        assert settings.get(transaction, "n") == "7"
