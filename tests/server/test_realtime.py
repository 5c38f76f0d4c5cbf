"""OpenAI's client talks in real time through the gateway: messages both ways, closes, refusals, and the ledger."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import connect

from tests.gateway import Gateway

KEY = "mesh-test-master-key-0001"
DONE = {
    "type": "response.done",
    "event_id": "e9",
    "response": {
        "id": "r1",
        "object": "realtime.response",
        "usage": {
            "input_tokens": 50,
            "output_tokens": 30,
            "total_tokens": 80,
            "input_token_details": {
                "cached_tokens": 20,
                "text_tokens": 10,
                "audio_tokens": 40,
                "cached_tokens_details": {"text_tokens": 5, "audio_tokens": 15},
            },
            "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
        },
    },
}


class Talker:
    """A provider of the realtime API, by script: it repeats, tells usage, sends bytes, or closes."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.codes: list[int | None] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: Server | None = None

    def __enter__(self) -> Talker:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self._server = await serve(self._one, "127.0.0.1", 0, process_request=self._seen, max_size=None)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _seen(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return connection.respond(429, "slow down") if "model=busy" in request.path else None

    async def _one(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                event = json.loads(message) if isinstance(message, str) and message.startswith("{") else {}
                if event.get("type") == "response.create":
                    await connection.send(json.dumps(DONE))
                elif event.get("type") == "close":
                    await connection.close(event["code"], event["reason"])
                else:
                    await connection.send(message)
        except ConnectionClosed:
            return
        finally:
            self.codes.append(connection.close_code)


@pytest.fixture(scope="module")
def talker() -> Iterator[Talker]:
    """One provider."""
    with Talker() as running:
        yield running


def voices(talker: Talker) -> str:
    """The provider, in mesh.toml."""
    return f"""
[providers.voices]
base_url = "http://127.0.0.1:{talker.port}/v1"
key_env = "VOICE_KEY"
[models."voices/talk"]
upstream = "gpt-talk-2"
price = [{{ input = 1, output = 2, cache_read = 1, audio_input = 10, audio_output = 20 }}]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, talker: Talker) -> Iterator[Gateway]:
    """Keys are required."""
    folder = tmp_path_factory.mktemp("realtime")
    with Gateway(folder, voices(talker), {"VOICE_KEY": "sk-up"}, key=KEY) as running:
        yield running
        assert "Traceback" not in running.log()


def address(gateway: Gateway, query: str = "model=voices/talk", path: str = "/v1/realtime") -> str:
    """The WebSocket's address."""
    return f"{gateway.url.replace('http', 'ws', 1)}{path}?{query}"


def latest(gateway: Gateway) -> dict[str, Any]:
    """The newest trace."""
    status, _, body = gateway.call("/v1/decisions?limit=1")
    assert status == 200
    id = json.loads(body)["data"][0]["id"]
    return dict(json.loads(gateway.call(f"/v1/decisions/{id}")[2])["trace"])


# OpenAI's client opens it in the way that `websockets` has deprecated.
@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used as a context manager:DeprecationWarning")
def test_openais_client_talks_and_its_answers_are_in_the_ledger(gateway: Gateway, talker: Talker):
    talker.requests.clear()
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY) as client,
        client.realtime.connect(model="voices/talk") as connection,
    ):
        connection.session.update(session={"type": "realtime", "instructions": "Be kind. ☺"})
        assert json.loads(connection.recv_bytes())["session"]["instructions"] == "Be kind. ☺"
        connection.response.create()
        connection.response.create()
        events = [connection.recv(), connection.recv()]
        assert [event.type for event in events] == ["response.done", "response.done"]
    assert talker.requests[0].path == "/v1/realtime?model=gpt-talk-2"
    assert talker.requests[0].headers["authorization"] == "Bearer sk-up"
    trace = latest(gateway)
    usage = {"input": 10, "cache_read": 40, "audio_input": 50, "output": 20, "audio_output": 40}
    assert (trace["served"], trace["outcome"], trace["usage"]) == ("voices/talk", "ok", usage)
    assert trace["cost"] == 10_000 + 40_000 + 500_000 + 40_000 + 800_000


def test_messages_pass_as_they_are_texts_and_bytes(gateway: Gateway):
    with connect(address(gateway), additional_headers={"authorization": f"Bearer {KEY}"}, max_size=None) as socket:
        for message in ('{ "odd" :1.50 }', b"\x00\xff" * 70_000, "☺" * 300_000, ""):
            socket.send(message)
            assert socket.recv() == message


def test_a_provider_that_closes_for_a_reason_is_quoted_before_the_end(gateway: Gateway):
    with connect(address(gateway), additional_headers={"authorization": f"Bearer {KEY}"}) as socket:
        socket.send(json.dumps({"type": "close", "code": 4000, "reason": "enough"}))
        told = json.loads(socket.recv())
        assert (told["type"], told["error"]["code"], told["error"]["message"]) == ("error", "4000", "enough")
        with pytest.raises(ConnectionClosed):
            socket.recv()
    with connect(address(gateway), additional_headers={"authorization": f"Bearer {KEY}"}) as socket:
        socket.send(json.dumps({"type": "close", "code": 1000, "reason": ""}))
        with pytest.raises(ConnectionClosed):
            socket.recv()


@pytest.mark.parametrize(
    ("query", "path", "key", "status"),
    [
        ("model=voices/talk", "/v1/realtime", "wrong", 401),
        ("model=voices/talk", "/v1/realtime", "", 401),
        ("model=voices/busy", "/v1/realtime", KEY, 429),
        ("model=a&model=b", "/v1/realtime", KEY, 400),
        ("", "/v1/elsewhere", KEY, 404),
    ],
)
def test_what_may_not_be_is_a_status_before_the_connection_is_open(gateway, query, path, key, status):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with pytest.raises(InvalidStatus) as refused, connect(address(gateway, query, path), additional_headers=headers):
        pass
    assert refused.value.response.status_code == status


def test_a_gateway_that_is_told_to_stop_tells_the_provider_and_settles(tmp_path: Path, talker: Talker):
    toml = voices(talker) + "[server]\ndrain_seconds = 0.5\n"
    gateway = Gateway(tmp_path, toml, {"VOICE_KEY": "sk-up"}, key=KEY)
    gateway.start()
    assert gateway.process is not None
    talker.codes.clear()
    try:
        with connect(address(gateway), additional_headers={"authorization": f"Bearer {KEY}"}) as client:
            client.send("before")
            assert client.recv(20) == "before"
            client.send(json.dumps({"type": "response.create"}))
            assert json.loads(client.recv(20))["type"] == "response.done"
            gateway.process.send_signal(signal.SIGTERM)
            with suppress(ConnectionClosed):
                while True:  # why it is over, if the server that is stopping still carries it
                    assert "shutting down" in client.recv(20)
        gateway.process.wait(30)
    finally:
        ended = gateway.stop()
    assert ended == 0
    (trace,) = gateway.stored()
    assert trace["outcome"] == "cancelled"
    assert trace["attempts"][0]["usage"]["output"] == 10, "what was heard before the end is in the ledger"
    deadline = time.monotonic() + 40
    while not talker.codes:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert talker.codes == [1001]


GUARDED = """
[guards]
on = ["pii", "topics"]
[guards.rules.topics]
phrases = ["Project Falcon"]
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, talker: Talker) -> Iterator[Gateway]:
    """The same with guards in both directions."""
    with Gateway(
        tmp_path_factory.mktemp("guarded"), voices(talker) + GUARDED, {"VOICE_KEY": "sk-up"}, key=KEY
    ) as running:
        yield running
        assert "Traceback" not in running.log()


def said(text: str) -> str:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return json.dumps({"type": "conversation.item.create", "item": item})


def words(kind: str, **more: Any) -> str:
    place = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    return json.dumps({"type": f"response.output_text.{kind}", **place, **more})


def test_what_a_client_says_is_gone_over_and_he_talks_on(guarded: Gateway):
    with connect(address(guarded), additional_headers={"authorization": f"Bearer {KEY}"}) as socket:
        socket.send(said("I am bob@example.com"))
        assert json.loads(socket.recv())["item"]["content"][0]["text"] == "I am <EMAIL_1>"
        socket.send(said("Tell me of Project Falcon"))
        told = json.loads(socket.recv())
        assert (told["type"], told["error"]["code"]) == ("error", "blocked")
        sound = json.dumps({"type": "input_audio_buffer.append", "audio": "bob@example.com"})
        socket.send(sound)
        assert json.loads(socket.recv()) == json.loads(sound)
    actions = [(one["action"], one["place"]) for one in latest(guarded)["guards"]]
    assert actions.count(("mask", "user")) == 1
    assert ("block", "user") in actions
    assert ("allow", "user") in actions  # sound is not read, and that is told


def test_what_the_provider_says_is_gone_over_before_a_client_hears_it(guarded: Gateway):
    # The provider repeats: what is sent here is what it says. A forbidden phrase comes in pieces.
    with connect(address(guarded), additional_headers={"authorization": f"Bearer {KEY}"}) as socket:
        heard = ""
        for piece in ("All is ", "well with ", "the weather", " today, and ", "tomorrow too."):
            socket.send(words("delta", delta=piece))
        socket.send(words("done", text="All is well with the weather today, and tomorrow too."))
        while (event := json.loads(socket.recv()))["type"].endswith("delta"):
            heard += event["delta"]
        assert event["text"] == heard == "All is well with the weather today, and tomorrow too."
        for piece in ("It is called ", "Project ", "Fal", "con, and ", "that is all of it."):
            socket.send(words("delta", delta=piece))
        events: list[dict[str, Any]] = []
        with suppress(ConnectionClosed):
            while True:
                events.append(json.loads(socket.recv()))
        heard = "".join(event.get("delta", "") for event in events)
        assert events[-1]["error"]["code"] == "1008"
        assert "Project" not in heard


def test_a_rule_that_lets_nothing_pass_unread_refuses_conversations(tmp_path: Path, talker: Talker):
    toml = voices(talker) + GUARDED + 'unseen = "block"\n'
    with Gateway(tmp_path, toml, {"VOICE_KEY": "sk-up"}, key=KEY) as gateway:
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(address(gateway), additional_headers={"authorization": f"Bearer {KEY}"}),
        ):
            pass
        assert refused.value.response.status_code == 403
