"""Every act is in the audit log, and whatever is changed afterwards is found."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from meshwright.ledger.audit.acts import LEFT_OUT, record
from meshwright.ledger.audit.erase import erase
from meshwright.ledger.audit.exported import lines, read_export
from meshwright.ledger.audit.reading import shown
from meshwright.ledger.audit.seals import note_replaced, seal
from meshwright.ledger.audit.signing import HMAC, checkpoint
from meshwright.ledger.audit.verify import Report, verify, verify_entries
from meshwright.ledger.issuing import issue, revoke, rotate
from meshwright.ledger.keys import ensure_master, replace_master
from meshwright.store import audit, decisions, keys, subjects
from meshwright.store.database import Database
from meshwright.types.decision import Trace
from meshwright.types.errors import InvalidRequest, NotFound, StoreError
from tests.ledger.audit.tampering import DECISIONS, ENTRIES, rewrite, tamper
from tests.ledger.traces import trace
from tests.store.databases import fresh

NOW = 1_790_000_000.0


@pytest.fixture
def database(tmp_path: Path):
    database = fresh(tmp_path)
    yield database
    database.close()


def check(database: Database, folder: Path, **more) -> Report:
    return verify(database, folder / "audit", **more)


def fill(database: Database, folder: Path) -> None:
    """Three keys, two sealed decisions, a checkpoint."""
    for name in ("one", "two", "three"):
        issue(database, name, actor="master", clock=lambda: NOW)
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(trace("d1")), decisions.prepare(trace("d2", cost=None))])
    seal(database)
    checkpoint(database, folder / "audit")
    issue(database, "four", actor="master")


def test_an_empty_log_is_sound(database: Database, tmp_path: Path):
    assert check(database, tmp_path) == Report(
        entries=0, hash="00" * 32, checkpoints=0, seals=0, decisions=0, unsealed=0, faults=()
    )


def test_acts_on_keys_are_in_the_log_with_who_did_them(database: Database, tmp_path: Path):
    ensure_master(database)
    first = issue(database, "Ada's laptop", actor="shell:ada").record
    second, _ = rotate(database, first.id, actor="key_admin")
    revoke(database, second.record.id, actor="master")
    replace_master(database)
    with database.read() as transaction:
        found = shown(transaction, audit.entries(transaction))
    assert [(one.actor, one.act, one.object) for one in found] == [
        ("start", "key.master", "master"),
        ("shell:ada", "key.created", first.id),
        ("key_admin", "key.rotated", second.record.id),
        ("master", "key.revoked", second.record.id),
        ("shell", "key.master", "master"),
    ]
    assert found[1].detail["private"] == {"name": "Ada's laptop"}
    assert check(database, tmp_path).sound


def test_an_act_that_fails_leaves_no_entry_and_an_entry_that_fails_no_act(database: Database, tmp_path: Path):

    def fail() -> None:
        with database.begin() as transaction:
            record(transaction, "master", "thought.better", "of it")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    tamper(tmp_path / "mesh.db", "DELETE FROM audit_head")
    with pytest.raises(StoreError, match=r"end of the audit log is missing.*restore a backup"):
        issue(database, "unheard of")
    with database.read() as transaction:
        assert keys.every(transaction) == ()
        assert list(audit.entries(transaction)) == []


@pytest.mark.parametrize("what", ENTRIES)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_an_entry_that_was_changed_is_found(database: Database, tmp_path: Path, what: str, seq: int):
    fill(database, tmp_path)
    assert check(database, tmp_path).sound
    assert tamper(tmp_path / "mesh.db", ENTRIES[what].format(seq=seq)) == 1
    assert not check(database, tmp_path).sound


@pytest.mark.parametrize("what", DECISIONS)
def test_a_decision_that_was_changed_after_its_seal_is_found(database: Database, tmp_path: Path, what: str):
    fill(database, tmp_path)
    assert tamper(tmp_path / "mesh.db", DECISIONS[what].format(id="d1")) >= 1
    report = check(database, tmp_path)
    assert [fault.seq for fault in report.faults if "d1" in fault.told] == [4]
    assert check(database, tmp_path, with_decisions=False).sound


def test_a_decision_that_slips_under_a_seal_is_found(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(trace("d3"))])
    assert check(database, tmp_path).sound
    assert check(database, tmp_path).unsealed == 1
    tamper(tmp_path / "mesh.db", "UPDATE decisions SET sealed = 4 WHERE id = 'd3'")
    assert "of 2 decisions (d1 to d2) 3 are there" in check(database, tmp_path).faults[0].told


def test_the_real_end_of_a_sealed_interrupted_request_takes_its_place_and_says_so(database: Database, tmp_path: Path):
    lost = Trace(id="d9", at=1.0, principal="p", dialect="", outcome="interrupted")
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(lost), decisions.prepare(trace("d1"))])
    assert seal(database) == 2
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(trace("d9"))], note_replaced)
    assert check(database, tmp_path).sound
    assert seal(database) == 1
    report = check(database, tmp_path)
    assert (report.sound, report.entries, report.seals, report.unsealed) == (True, 3, 2, 0)


def test_a_request_that_was_just_interrupted_waits_for_its_seal(database: Database):
    lost = Trace(id="d9", at=NOW, principal="p", dialect="", outcome="interrupted")
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(lost)])
    assert seal(database, clock=lambda: NOW + 3600) == 0
    assert seal(database, clock=lambda: NOW + 8 * 86_400) == 1


def test_a_log_whose_end_was_cut_off_with_care_is_found_by_any_checkpoint_after_it(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    anchor = checkpoint(database, tmp_path / "audit")
    with database.begin() as transaction:
        transaction.exec_driver_sql("DELETE FROM audit WHERE seq = 5")
        transaction.exec_driver_sql("DELETE FROM audit_checkpoints WHERE seq = 5")
        transaction.exec_driver_sql("UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)")
    assert check(database, tmp_path).sound, "what the log cannot prove by itself"
    report = check(database, tmp_path, anchors={"the safe": anchor})
    assert "the safe saw 5 entries, and there are 4: the end was cut off" in report.faults[0].told


def test_a_log_that_was_written_anew_is_found_by_a_checkpoint(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    rewrite(tmp_path / "mesh.db", "nobody")
    assert [fault.told for fault in check(database, tmp_path).faults] == [
        "checkpoint 1 saw another entry 4: the chain was rewritten"
    ]


def test_a_checkpoint_with_a_changed_or_a_strange_signature_is_not_believed(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    good = checkpoint(database, tmp_path / "audit")
    later = msgspec.structs.replace(good, at=good.at + 1)
    strange = checkpoint(database, tmp_path / "elsewhere")
    faults = check(database, tmp_path, anchors={"a": later}).faults
    assert [fault.told for fault in faults] == [
        f"checkpoint 3: it is signed with a key that is not known here (ed25519 {strange.key[:16]}…)",
        "a: its signature is wrong",
    ]
    assert check(database, tmp_path, trusted=frozenset([strange.key])).sound


def test_without_the_extra_checkpoints_have_a_shared_secret_and_personal_details_are_left_out(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    made = issue(database, "Ada's laptop").record
    signed = checkpoint(database, tmp_path / "audit")
    assert signed.kind == HMAC
    assert check(database, tmp_path, anchors={"a": signed}).sound
    assert not check(database, tmp_path, anchors={"a": msgspec.structs.replace(signed, signature="00")}).sound
    with database.read() as transaction:
        (entry,) = shown(transaction, audit.entries(transaction))
    assert entry.detail["private"] == LEFT_OUT
    assert entry.object == made.id


def test_the_key_for_checkpoints_is_for_its_user_alone(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    (file,) = (tmp_path / "audit").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("not a key")
    with pytest.raises(StoreError, match=r"ed25519\.key cannot be read"):
        checkpoint(database, tmp_path / "audit")


def test_who_is_erased_is_unreadable_and_the_log_stays_sound(database: Database, tmp_path: Path):
    made = issue(database, "Ada Lovelace").record
    issue(database, "Grace")
    with pytest.raises(InvalidRequest, match=r"still has keys that work.*mesh keys revoke key_"):
        erase(database, "Ada Lovelace", actor="master")
    revoke(database, made.id)
    with database.read() as transaction:
        subject = subjects.find(transaction, made.id)
    assert subject is not None
    assert subject.key is not None
    anchor = checkpoint(database, tmp_path / "audit")
    done = erase(database, "Ada Lovelace", actor="master")
    assert (done.principal, done.subject) == (made.id, subject.id)
    with database.read() as transaction:
        found = shown(transaction, audit.entries(transaction))
    assert [one.detail.get("private") for one in found] == ["erased", {"name": "Grace"}, "erased", None]
    assert check(database, tmp_path, anchors={"a": anchor}).sound
    with pytest.raises(NotFound):
        erase(database, "Ada Lovelace", actor="master")
    database.close()
    left = b"".join(file.read_bytes() for file in tmp_path.glob("mesh.db*"))
    assert subject.key not in left
    assert b"Ada Lovelace" not in left
    assert b"Grace" in left


def test_what_was_exported_is_verified_without_the_database(database: Database, tmp_path: Path):
    fill(database, tmp_path)
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"".join(lines(database)))
    report = verify_entries(*read_export(file), tmp_path / "audit")
    assert (report.sound, report.entries, report.checkpoints) == (True, 5, 1)
    file.write_bytes(file.read_bytes().replace(b'"actor":"master"', b'"actor":"nobody"', 1))
    assert not verify_entries(*read_export(file), tmp_path / "audit").sound


def test_hostile_words_are_words(database: Database, tmp_path: Path):
    words = "';--\0\"\\\ud800\u202e\U0001f600"
    with database.begin() as transaction:
        record(transaction, words, "key.created", words, detail={"a": [words], "b": {words: 1.5}, "c": None})
    assert check(database, tmp_path).sound
    with database.read() as transaction:
        (entry,) = shown(transaction, audit.entries(transaction))
    assert entry.actor == "';--\N{REPLACEMENT CHARACTER}\"\\?\u202e\U0001f600"
