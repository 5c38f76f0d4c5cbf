"""A stream that passes through unchanged with an event that is not JSON: the bytes go on, and the listener says it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from meshwright.types.content import Message, Text
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from meshwright.wire.bedrock_converse.eventstream import event
from meshwright.wire.dialect import Target
from meshwright.wire.fold import unfold

REQUEST = Request(model="m", stream=True, stream_usage=True)
ANSWER = Response(
    id="a",
    model="m",
    choices=(Choice(message=Message("assistant", (Text("one two three"),)), finish="stop"),),
    usage=Usage(input=3, output=4),
)
BROKEN = {
    "openai_chat": b'data: {"choices":[{"delta":{"content":"x}]}\n\n',
    "openai_responses": b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",\n\n',
    "anthropic_messages": b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,\n\n',
    "bedrock_converse": event("contentBlockDelta", b'{"delta":{"text":'),
    "ollama": b'{"message":{"role":"assistant","content":"x}\n',
    "cohere": b'event: content-delta\ndata: {"type":"content-delta","index":0,\n\n',
}


def streamed(name: str) -> list[bytes]:
    encoder = CODECS[name].stream_encoder(REQUEST)
    return [piece for delta in unfold(ANSWER) if (piece := encoder.feed((delta,)))]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_event_passes_and_is_told(name: str) -> None:
    first, *rest = streamed(name)
    tap = CODECS[name].tap(REQUEST)
    pieces = [first, BROKEN[name], *rest]
    assert b"".join(map(tap.feed, pieces)) == b"".join(pieces)
    assert "not JSON" in tap.failed
    assert tap.ended
    assert tap.usage == ANSWER.usage


@pytest.mark.parametrize("name", CODECS)
def test_a_sound_stream_is_not_accused(name: str) -> None:
    tap = CODECS[name].tap(REQUEST)
    pieces = streamed(name)
    assert b"".join(map(tap.feed, pieces)) == b"".join(pieces)
    assert (tap.failed, tap.ended) == ("", True)


def test_words_that_only_look_like_the_chunk_before_are_looked_at() -> None:
    tap = CODECS["openai_chat"].tap(REQUEST)
    chunk = b'data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    for word in (b"one", b"two", b"three"):
        tap.feed(chunk % word)
    assert tap.failed == ""
    tap.feed(chunk % b"four\\")
    assert "not JSON" in tap.failed


@pytest.mark.parametrize("name", CODECS)
def test_a_byte_that_is_no_text_wherever_it_stands_is_read_over_or_a_broken_promise(name: str) -> None:
    whole = b"".join(streamed(name))
    readers = (lambda: CODECS[name].tap(REQUEST), lambda: CODECS[name].stream_decoder(Target("m", "p", None)))
    for place in range(len(whole)):
        for reader in readers:
            with suppress(UpstreamProtocol):
                reader().feed(whole[:place] + b"\xff" + whole[place + 1 :])
