"""What has expired goes, and what nobody makes any more ends with words; everything else stays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.server.sweep import SILENT_SECONDS, sweep
from meshwright.store import answers, conversations
from meshwright.store.database import Database
from meshwright.store.rows import Conversation, KeptAnswer, KeptItem
from meshwright.types.errors import NotFound
from tests.store.databases import fresh

DAY = 86_400.0
ADA = "ada"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = fresh(tmp_path)
    yield opened
    opened.close()


def kept(id: str, *, status: str = "completed", expires: float = DAY, silent: float = 0.0) -> KeptAnswer:
    """An answer that expires in so many seconds, whose maker was last alive so many seconds ago."""
    now = time.time()
    return KeptAnswer(
        id=id,
        owner=ADA,
        kind="response",
        created=now - DAY,
        expires=now + expires,
        status=status,
        body=json.dumps({"id": id, "object": "response", "status": status, "output": [], "error": None}).encode(),
        touched=now - silent,
    )


def found(database: Database, *kept_answers: KeptAnswer) -> dict[str, KeptAnswer | None]:
    """What is left of these answers once it has been swept."""
    with database.begin() as transaction:
        for one in kept_answers:
            answers.put(transaction, one)
    sweep(database)
    with database.read() as transaction:
        return {one.id: answers.get(transaction, ADA, one.id) for one in kept_answers}


def test_an_answer_goes_when_its_time_is_over_and_no_sooner(database: Database) -> None:
    left = found(database, kept("old", expires=-1), kept("young", expires=60))
    assert left["old"] is None
    assert left["young"] is not None


def test_the_events_of_an_answer_go_with_it(database: Database) -> None:
    with database.begin() as transaction:
        answers.put(transaction, kept("old", expires=-1))
        answers.add_events(transaction, "old", 0, b"event: x\ndata: {}\n\n")
    sweep(database)
    with database.read() as transaction:
        assert answers.events(transaction, "old", -1) == ()


def test_a_conversation_goes_with_what_was_said_in_it(database: Database) -> None:
    now = time.time()
    with database.begin() as transaction:
        for id, expires in (("old", now - 1), ("young", now + 60)):
            conversations.put(transaction, Conversation(id=id, owner=ADA, created=now, expires=expires))
            item = KeptItem(id=f"{id}-1", body=b'{"type":"message"}', served="a/m")
            conversations.append(transaction, ADA, id, [item], expires)
    sweep(database)
    with database.read() as transaction:
        with pytest.raises(NotFound):
            conversations.get(transaction, ADA, "old")
        assert [one.id for one in conversations.items(transaction, ADA, "young", 1_000)] == ["young-1"]


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_whose_maker_has_fallen_silent_has_failed_and_says_why(database: Database, status: str) -> None:
    left = found(database, kept("lost", status=status, silent=SILENT_SECONDS + 5), kept("alive", status=status))
    lost, alive = left["lost"], left["alive"]
    assert lost is not None
    assert lost.status == "failed"
    told = json.loads(lost.body)
    assert told["status"] == "failed"
    assert told["error"]["code"] == "server_error"
    assert "stopped" in told["error"]["message"]
    assert alive is not None
    assert alive.status == status


def test_an_answer_that_is_complete_is_never_called_abandoned(database: Database) -> None:
    left = found(database, kept("done", silent=DAY))["done"]
    assert left is not None
    assert left.status == "completed"
