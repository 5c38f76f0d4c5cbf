"""The same dialect on both sides: what nobody here knows passes through untouched, both ways."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from meshwright.sim import Say
from meshwright.types.content import Message, Opaque, Text
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import DIALECTS, KEY, PROVIDER, Desk
from tests.clients.speakers import SPEAKERS

dialects = pytest.mark.parametrize("dialect", DIALECTS)
Fields = dict[str, msgspec.Raw]
FIELDS: msgspec.json.Decoder[Fields] = msgspec.json.Decoder(Fields)
NEW = {
    "x_new_feature": {"z": 1, "a": [1.50, None, "ü \u2028"], "deep": {"b": True}},
    "x_nothing": None,
    "x_count": 12345678901234567890123,
    "x_small": 1e-7,
}
ANSWERED = b'{"z":1,  "numbers":[1.50,1e400,12345678901234567890123],"text":"\\u00fc / \\/"}'


class Tape:
    """The bytes that a client sent and got, as they were on the wire."""

    def __init__(self) -> None:
        self.sent = b""
        self.got = b""


@contextmanager
def _taped(client: Any) -> Iterator[Tape]:
    """Listen at the client's own HTTP."""
    tape = Tape()

    def sent(request: Any) -> None:
        tape.sent = request.read()

    def got(response: Any) -> None:
        body = response.iter_raw

        def listening(*given: Any) -> Iterator[bytes]:
            for piece in body(*given):
                tape.got += piece
                yield piece

        response.iter_raw = listening

    client._client.event_hooks = {"request": [sent], "response": [got]}
    yield tape
    assert not tape.got.startswith(gzip.compress(b"")[:2])


def _fields(body: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in FIELDS.decode(body).items()}


@dialects
@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_unknown_in_a_request_arrives_byte_for_byte(desk: Desk, dialect: str, streamed: bool):
    speaker = SPEAKERS[dialect]
    prompt = desk.say(Say(text="heard"), 'Grüße \u2028 \\ / " \t.')
    content = [{"type": "text", "text": prompt, "x_mark": [1.0, {"y": None}]}]
    words: dict[str, Any] = {**speaker.words(desk.model(dialect), prompt, "Be brief."), "extra_body": NEW}
    if dialect == "openai_responses":
        words["input"] = [{"role": "user", "content": [{**content[0], "type": "input_text"}], "x_turn": 7}]
    else:
        words["messages"] = [{"role": "user", "content": content, "x_turn": 7}]
    if streamed and dialect == "openai_chat":
        words["stream_options"] = {"include_usage": True, "x_obfuscation": False}
    with speaker.open(desk.gateway.url) as client, _taped(client) as tape:
        if streamed:
            list(speaker.create(client)(**words, stream=True))
        else:
            speaker.create(client)(**words)
    sent, arrived = _fields(tape.sent), _fields(desk.seen(dialect, prompt)[-1].body)
    assert list(arrived) == list(sent)
    assert arrived.pop("model") == b'"m"'
    sent.pop("model")
    if streamed and dialect == "openai_chat":
        assert json.loads(arrived.pop("stream_options")) == json.loads(sent.pop("stream_options"))
    assert arrived == sent
    assert set(NEW) <= set(arrived)


@dialects
@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_unknown_in_an_answer_arrives_byte_for_byte(desk: Desk, dialect: str, streamed: bool):
    speaker = SPEAKERS[dialect]
    prompt = desk.say(Say(response=_unknown(dialect)))
    words = speaker.words(desk.model(dialect), prompt)
    if streamed and dialect == "openai_chat":
        words["stream_options"] = {"include_usage": True}
    if dialect == "openai_responses":
        words["store"] = False  # one that is kept has our name
    with speaker.open(desk.gateway.url) as client, _taped(client) as through:
        _ask(speaker, client, words, streamed)
    url = desk.sim.url(PROVIDER[dialect]).removesuffix("/v1")
    with speaker.client(url, default_headers={"api-key": KEY}) as client, _taped(client) as direct:
        _ask(speaker, client, {**words, "model": "m"}, streamed)
    assert through.got
    assert through.got == direct.got
    assert ANSWERED in through.got or streamed


def _ask(speaker: Any, client: Any, words: dict[str, Any], streamed: bool) -> None:
    if streamed:
        list(speaker.create(client)(**words, stream=True))
    else:
        speaker.create(client)(**words)


def _unknown(dialect: str) -> Response:
    return Response(
        id="id_0123",
        model="m",
        created=1_700_000_000,
        choices=(Choice(message=Message("assistant", (Text("Known words."),)), finish="stop"),),
        usage=Usage(input=3, output=2),
        extra=(Opaque(dialect, "x_new_member", msgspec.Raw(ANSWERED)),),
    )


@dialects
def test_a_client_that_did_not_ask_for_usage_gets_the_stream_without_it(desk: Desk, dialect: str):
    """Only Chat Completions has such clients; the usage is counted all the same."""
    speaker = SPEAKERS[dialect]
    prompt = desk.say(Say(text="Some words.", usage=Usage(input=40, output=2)))
    with speaker.open(desk.gateway.url) as client, _taped(client) as tape:
        _ask(speaker, client, speaker.words(desk.model(dialect), prompt), True)
    assert (b'"usage":{' in tape.got) == (dialect != "openai_chat")
    assert desk.latest()["usage"] == {"input": 40, "output": 2}


@dialects
def test_the_clients_beta_header_reaches_its_own_dialect_only(desk: Desk, dialect: str):
    name = "anthropic-beta" if dialect == "anthropic_messages" else "openai-beta"
    speaker = SPEAKERS[dialect]
    for upstream in DIALECTS:
        prompt = desk.say(Say(text="beta"))
        speaker.ask(desk.gateway.url, desk.model(upstream), prompt, extra_headers={name: "new-thing-2026"})
        seen = desk.seen(upstream, prompt)[-1]
        assert seen.header(name) == ("new-thing-2026" if upstream == dialect else "")
        assert "anything" not in str(seen.headers)
