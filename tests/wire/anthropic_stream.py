"""Pieces of a stream of the Messages API, and the ways through the dialect."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
from anthropic.types import RawMessageStreamEvent
from hypothesis import HealthCheck, settings
from pydantic import TypeAdapter

from meshwright.types.request import Request
from meshwright.types.response import (
    Delta,
    Response,
)
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.dialect import Target

TARGET = Target("m", "p/m")
REQUEST = Request(model="auto", stream=True)
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def line(**event: Any) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def begin(**message: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], **message}
    head.setdefault("usage", {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1})
    return line(type="message_start", message=head)


def start(index: int, **block: Any) -> bytes:
    return line(type="content_block_start", index=index, content_block=block)


def piece(index: int, **delta: Any) -> bytes:
    return line(type="content_block_delta", index=index, delta=delta)


def stop(index: int) -> bytes:
    return line(type="content_block_stop", index=index)


def close(reason: str | None = "end_turn", **usage: int) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return line(type="message_delta", delta=delta, usage=usage or {"output_tokens": 20})


END = line(type="message_stop")
CITED = {
    "type": "char_location", "cited_text": "q", "document_index": 0, "document_title": None, "start_char_index": 1,
    "end_char_index": 2,
}  # fmt: skip
STREAM = (
    begin()
    + line(type="ping")
    + start(0, type="thinking", thinking="", signature="")
    + piece(0, type="thinking_delta", thinking="hm")
    + piece(0, type="signature_delta", signature="sig")
    + stop(0)
    + start(1, type="redacted_thinking", data="zz")
    + stop(1)
    + start(2, type="text", text="")
    + piece(2, type="text_delta", text="Hel")
    + piece(2, type="text_delta", text="lo")
    + piece(2, type="citations_delta", citation=CITED)
    + stop(2)
    + start(3, type="tool_use", id="t1", name="get", input={})
    + piece(3, type="input_json_delta", partial_json="")
    + piece(3, type="input_json_delta", partial_json='{"a"')
    + piece(3, type="input_json_delta", partial_json=": 1}")
    + stop(3)
    + start(4, type="tool_use", id="t2", name="now", input={}, caller={"type": "direct"})
    + stop(4)
    + start(5, type="server_tool_use", id="s1", name="web_search", input={})
    + piece(5, type="input_json_delta", partial_json='{"query":"x"}')
    + stop(5)
    + start(6, type="web_search_tool_result", tool_use_id="s1", content=[{"x": 1}])
    + stop(6)
    + close("tool_use", input_tokens=11, output_tokens=30)
    + END
)


def decoded(*pieces: bytes) -> list[Delta]:
    decoder = DIALECT.stream_decoder(TARGET)
    return [delta for data in pieces for delta in decoder.feed(data)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(marks)]


def in_order(response: Response) -> Response:
    """With its extra members in one order: a stream tells them in another than a whole answer."""
    return msgspec.structs.replace(response, extra=tuple(sorted(response.extra, key=lambda one: one.kind)))


def written(deltas: Any, request: Request = REQUEST) -> tuple[bytes, dict[str, str]]:
    encoder = DIALECT.stream_encoder(request)
    data = encoder.feed(deltas)
    return data, {note.field: note.action for note in encoder.adaptations}
