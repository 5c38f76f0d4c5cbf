"""Streams that go out under our own name: what is no event of the API passes as it came, and ends no stream."""

from __future__ import annotations

import pytest

from meshwright.types.request import Request
from meshwright.wire.openai_chat.kept import RenamedChat
from meshwright.wire.openai_responses.renamed import RenamedResponse

DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = (DEEP, b'"\xff"', b'"a', b"1,2")
DONE = b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"theirs"}}\n\n'


def _said(value: bytes) -> list[bytes]:
    """Events with this value where the API has another."""
    return [
        b'data: {"type":' + value + b',"response":{"id":"theirs"}}\n\n',
        b'data: {"response":' + value + b"}\n\n",
        b'data: {"response":{"\xff":' + value + b"}}\n\n",
        b'data: {"choices":' + value + b"}\n\n",
        b'data: {"\xff":1,"choices":[],"x":' + value + b"}\n\n",
    ]


@pytest.mark.parametrize("value", BROKEN, ids=["deep", "no UTF-8", "cut off", "two values"])
def test_what_cannot_be_read_does_not_end_the_stream(value: bytes) -> None:
    for odd in _said(value):
        response = RenamedResponse({"id": "ours"})
        assert response.feed(odd).endswith(b"\n\n")
        assert b'"id":"ours"' in response.feed(DONE)
        assert response.end == b'{"id":"ours"}'
        chat = RenamedChat({"id": "ours"}, Request(model="m", messages=()))
        assert chat.feed(odd).endswith(b"\n\n")
        assert b'"id":"ours"' in chat.feed(b'data: {"id":"theirs","choices":[]}\n\n')


def test_an_event_on_several_lines_stands_on_one() -> None:
    response = RenamedResponse({"id": "ours"})
    several = b'event: response.created\r\ndata: {"type":"response.created",\r\ndata: "response":{"id":"a"}}\r\n\r\n'
    assert response.feed(several) == (
        b'event: response.created\ndata: {"type":"response.created","response":{"id":"ours"}}\n\n'
    )
    cut_off = b'data: {"response":\r\ndata: {\r\n\r\n'
    assert response.feed(cut_off) == b'data: {"response": {\n\n'
