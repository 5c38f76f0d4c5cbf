"""Prompts are kept where policy says so, redacted and encrypted, and erasing who asked erases them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest

from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.config.tables import PrivacySettings
from meshwright.kernel.discretion import MOST, discreet, with_prompt
from meshwright.ledger.audit.erase import erase
from meshwright.ledger.importing import Importer
from meshwright.ledger.issuing import issue, revoke
from meshwright.ledger.journal import Journal
from meshwright.ledger.prompts import prompt_of
from meshwright.server.sweep import sweep
from meshwright.store import decisions
from meshwright.types.content import Message, Text
from meshwright.types.errors import ConfigError
from tests.ledger.traces import trace
from tests.store.databases import fresh

SAID = (Message("user", (Text("Before."),)), Message("user", (Text("I am ada@example.org, what is up?"),)))
FAILED = msgspec.structs.replace(trace("d1"), outcome="upstream_timeout")


@pytest.mark.parametrize(
    ("policy", "kept"), [("never", (False, False)), ("failures", (False, True)), ("all", (True, True))]
)
def test_policy_says_of_which_requests_the_question_is_kept(policy: str, kept: tuple[bool, bool]):
    settings = msgspec.convert({"keep_prompts": policy}, PrivacySettings)
    found = [with_prompt(one, SAID, settings).prompt for one in (trace("d1"), FAILED)]
    assert found == ["I am [email], what is up?" if keep else "" for keep in kept]


def test_a_long_question_is_kept_in_part():
    long = (Message("user", (Text("word " * 10_000),)),)
    assert len(with_prompt(trace("d1"), long, PrivacySettings(keep_prompts="all")).prompt) == MOST


def test_what_a_provider_quotes_in_an_error_is_redacted():
    attempts = tuple(msgspec.structs.replace(one, error="no mail to ada@example.org") for one in FAILED.attempts)
    told = discreet(msgspec.structs.replace(FAILED, error="ada@example.org again", attempts=attempts))
    assert "ada@" not in msgspec.json.encode(told).decode()
    assert told.attempts[0].error == "no mail to [email]"
    fine = msgspec.structs.replace(trace("d1"), attempts=trace("d1").attempts[1:])
    assert discreet(fine) is fine


def test_a_kept_prompt_is_encrypted_shown_and_erased_with_who_asked(tmp_path: Path):
    database = fresh(tmp_path)
    who = issue(database, "Ada").record
    journal = Journal(tmp_path / "journal", "w1")
    journal.record(msgspec.structs.replace(trace("d1", principal=who.id), prompt="the secret question"))
    journal.record(trace("d2", principal=who.id))
    journal.close()
    Importer(tmp_path / "journal", database).run_once()
    with database.read() as transaction:
        assert decisions.get(transaction, "d1") == trace("d1", principal=who.id)
        assert prompt_of(transaction, "d1") == "the secret question"
        assert prompt_of(transaction, "d2") is None
    revoke(database, who.id)
    assert erase(database, who.id, actor="master").deleted["prompts"] == 1
    with database.read() as transaction:
        assert prompt_of(transaction, "d1") is None
    database.close()
    assert b"secret question" not in b"".join(file.read_bytes() for file in tmp_path.glob("mesh.db*"))


def test_kept_prompts_go_after_their_days(tmp_path: Path):
    database = fresh(tmp_path)
    journal = Journal(tmp_path / "journal", "w1")
    journal.record(msgspec.structs.replace(trace("d1", at=1.0), prompt="old"))
    journal.close()
    Importer(tmp_path / "journal", database).run_once()
    sweep(database, 7.0)
    database.close()
    with sqlite3.connect(tmp_path / "mesh.db") as connection:
        assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (0,)
    connection.close()


def test_without_the_library_that_encrypts_keeping_prompts_is_a_mistake(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    text = '[privacy]\nkeep_prompts = "all"\n'
    with pytest.raises(ConfigError, match=r"library for it is missing.*meshwright\[crypto\]"):
        check(read_config(text), text, "mesh.toml", {})


def test_a_question_reaches_mesh_explain(tmp_path: Path):
    """From the worker's settlement on, in one piece: see also tests/kernel."""
    database = fresh(tmp_path)
    told = with_prompt(FAILED, SAID, PrivacySettings(keep_prompts="failures"))
    journal = Journal(tmp_path / "journal", "w1")
    journal.record(told)
    journal.close()
    Importer(tmp_path / "journal", database).run_once()
    with database.read() as transaction:
        assert json.dumps(prompt_of(transaction, "d1")) == '"I am [email], what is up?"'
    database.close()
