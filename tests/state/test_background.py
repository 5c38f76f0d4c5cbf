"""Answers in the background: polled, followed, cancelled; and what survives a worker's death."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import openai
import pytest
from openai import OpenAI

from meshwright.kernel.arrival import Arrival
from meshwright.ledger.digest import digest
from meshwright.server.background import _Run
from meshwright.server.gate import Gate
from meshwright.server.keeping import Keeping
from meshwright.sim import Say
from meshwright.store import keys
from meshwright.store.database import Database, sqlite_url
from meshwright.store.rows import Key
from meshwright.types.errors import StoreError
from tests.clients.desk import DIALECTS, Desk
from tests.gateway import Gateway


def _until(client: OpenAI, id: str, *states: str) -> Any:
    """The response, once it is in one of these states."""
    deadline = time.monotonic() + 30
    while (found := client.responses.retrieve(id)).status not in states:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_is_made_while_nobody_waits(desk: Desk, client: OpenAI, dialect: str):
    made = client.responses.create(model=desk.model(dialect), input=desk.say(Say(text="Later.")), background=True)
    assert made.status == "queued"
    assert made.background
    assert _until(client, made.id, "completed").output_text == "Later."


@pytest.mark.parametrize("dialect", DIALECTS)
def test_its_events_can_be_followed_again_from_any_number_on(desk: Desk, client: OpenAI, dialect: str):
    prompt = desk.say(Say(text="One two three."))
    asking: Any = {"model": desk.model(dialect), "input": prompt, "background": True, "stream": True}
    first = list(client.responses.create(**asking))
    assert first[-1].type == "response.completed"
    assert [one.sequence_number for one in first] == list(range(len(first)))
    id = first[-1].response.id
    again = list(client.responses.retrieve(id, stream=True))
    assert [one.to_dict() for one in again] == [one.to_dict() for one in first]
    rest = list(client.responses.retrieve(id, stream=True, starting_after=3))
    assert [one.sequence_number for one in rest] == list(range(4, len(first)))


def test_one_that_fails_says_so(desk: Desk, client: OpenAI):
    model = desk.model("openai_chat", "status_400")
    made = client.responses.create(model=model, input=desk.say(Say()), background=True)
    failed = _until(client, made.id, "failed")
    assert failed.error is not None
    events = list(client.responses.create(model=model, input=desk.say(Say()), background=True, stream=True))
    assert events[-1].type == "response.failed"


@pytest.mark.parametrize("streamed", [False, True])
def test_one_is_cancelled_and_its_provider_is_stopped(desk: Desk, client: OpenAI, streamed: bool):
    prompt = desk.say(Say(text="Never all of this."))
    model = desk.model("openai_chat", "stall_mid" if streamed else "stall_before_head")
    extra: Any = {"stream": True} if streamed else {}
    made = client.responses.create(model=model, input=prompt, background=True, **extra)
    id = next(iter(made)).response.id if streamed else made.id
    seen = desk.run(desk.asked("openai_chat", prompt))
    assert client.responses.cancel(id).status == "cancelled"
    desk.over(seen)
    assert client.responses.retrieve(id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.responses.retrieve(id, stream=True, starting_after=-5)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers, and two keys."""
    folder: Path = tmp_path_factory.mktemp("shared")
    database = Database(sqlite_url(folder / "state" / "mesh.db"))
    database.migrate()
    with database.begin() as transaction:
        for name in ("ada", "bob"):
            secret = f"mesh-test-key-of-{name}-0123456789"
            keys.put(transaction, Key(id=name, prefix="mesh-test", hash=digest(secret), name=name))
    database.close()
    with Gateway(folder, "[server]\nworkers = 2\n", key="mesh-test-master-key-0001") as running:
        yield running


def _as(gateway: Gateway, name: str) -> OpenAI:
    key = f"mesh-test-key-of-{name}-0123456789"
    return OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


def test_a_key_never_sees_what_another_keeps(shared: Gateway):
    with _as(shared, "ada") as ada, _as(shared, "bob") as bob:
        made = ada.responses.create(model="builtin/echo", input="secret")
        talk = ada.conversations.create()
        chat = ada.chat.completions.create(
            model="builtin/echo", messages=[{"role": "user", "content": "s"}], store=True
        )
        for attempt in (
            lambda: bob.responses.retrieve(made.id),
            lambda: bob.responses.delete(made.id),
            lambda: bob.responses.cancel(made.id),
            lambda: bob.responses.input_items.list(made.id),
            lambda: bob.responses.create(model="builtin/echo", input="x", previous_response_id=made.id),
            lambda: bob.responses.create(model="builtin/echo", input="x", conversation=talk.id),
            lambda: bob.conversations.retrieve(talk.id),
            lambda: bob.conversations.delete(talk.id),
            lambda: bob.conversations.items.list(talk.id),
            lambda: bob.chat.completions.retrieve(chat.id),
            lambda: bob.chat.completions.delete(chat.id),
            lambda: bob.chat.completions.list(after=chat.id),
        ):
            with pytest.raises(openai.NotFoundError):
                attempt()
        assert bob.chat.completions.list().data == []
        assert ada.responses.retrieve(made.id).output_text.endswith("secret")


def test_every_worker_finds_at_once_what_any_has_answered_and_a_kill_loses_nothing(shared: Gateway):
    kept: list[str] = []
    for turn in range(12):  # a connection each: they fall to either worker
        with _as(shared, "ada") as ada:
            before: Any = {"previous_response_id": kept[-1]} if kept else {}
            kept.append(ada.responses.create(model="builtin/echo", input=f"turn {turn}", **before).id)
    shared.kill()
    shared.start()
    with _as(shared, "ada") as ada:
        for turn, id in enumerate(kept):
            assert ada.responses.retrieve(id).output_text.endswith(f"turn {turn}")
        on = ada.responses.create(model="builtin/echo", input="on", previous_response_id=kept[-1])
        assert on.output_text.endswith("on")


async def test_events_that_could_not_be_kept_are_kept_with_the_next_ones():
    kept: list[object] = []

    def alive(_: str, events: object) -> bool:
        kept.append(events)
        return True

    async def shelf(work: Callable[[Any], object]) -> object:
        if not kept:
            kept.append(None)
            raise StoreError("The database is busy.")
        return work(SimpleNamespace(alive=alive))

    keeping = cast(Keeping, SimpleNamespace(id="resp_mesh1"))
    run = _Run(cast(Gate, SimpleNamespace(shelf=shelf)), cast(Arrival, None), keeping, b"{}")
    run._made += [b"first ", b"second "]
    with pytest.raises(StoreError):
        await run._alive()
    run._made.append(b"third")
    assert await run._alive()
    assert kept[1:] == [(0, b"first second third")]
