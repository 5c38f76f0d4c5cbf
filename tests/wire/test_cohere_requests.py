"""Requests, answers and streams in the forms that Cohere's documentation shows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Citation, File, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, LimitReached, UpstreamProtocol
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import (
    Began,
    CitationDelta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.cohere import DIALECT
from meshwright.wire.dialect import Target
from meshwright.wire.sse import event

TARGET = Target("command-a-03-2025", "p/m")
ASKED = Request(model="m", stream=True)
NULL = msgspec.Raw(b"null")
BODY: dict[str, Any] = {
    "model": "command-a-03-2025",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Weather?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I look it up.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "w", "arguments": '{"a": 1}'}}],
        },
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "document", "document": {"data": {"t": 3}, "id": "1"}}],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "plain"},
        {"role": "user", "content": "And?"},
    ],
    "documents": ["alone", {"id": "d", "data": {"title": "T", "text": "words"}}, {"data": {"other": 1}}],
    "tools": [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}],
    "strict_tools": True,
    "tool_choice": "REQUIRED",
    "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
    "thinking": {"type": "enabled", "token_budget": 99},
    "p": 0.5,
    "k": 7,
    "stop_sequences": ["END"],
    "safety_mode": "STRICT",
}
DONE = {"input_tokens": 20, "output_tokens": 5}


def decoded(**changes: Any) -> Request:
    return DIALECT.decode_request(msgspec.json.encode({**BODY, **changes}))


def test_every_member_has_its_place() -> None:
    request = decoded()
    assert not request.stream
    assert (request.top_p, request.top_k, request.stop) == (0.5, 7, ("END",))
    assert request.tool_choice == ToolChoice("required")
    assert request.tools == (ToolSpec(name="w", schema=msgspec.Raw(b'{"type":"object"}'), strict=True),)
    assert request.output == OutputFormat(kind="schema", schema=msgspec.Raw(b'{"type":"object"}'))
    assert request.reasoning == ReasoningControl(mode="on", budget=99)
    assert request.extra == (Opaque("cohere", "safety_mode", msgspec.Raw(b'"STRICT"')),)
    assert request.messages[1].parts[1] == Image(data="iVBORw0KGgo=", media_type="image/png", detail="low")
    assert request.messages[2] == Message(
        "assistant",
        (Reasoning(text="I look it up."), ToolCall(id="c1", name="w", arguments='{"a": 1}')),
        extra=(Opaque("cohere", "content[0].tool_plan", NULL),),
    )
    assert request.messages[3].parts == (
        ToolResult(call_id="c1", parts=(Text('{"t":3}'),)),
        ToolResult(call_id="c2", parts=(Text("plain"),)),
    )


def test_documents_are_files_before_the_last_words_and_go_back_beside_the_messages() -> None:
    request = decoded()
    assert request.messages[4].parts == (
        File(text="alone", media_type="text/plain", cite=True),
        File(text="words", name="T", media_type="text/plain", cite=True),
        File(text='{"other":1}', media_type="application/json", cite=True),
        Text("And?"),
    )
    encoded = DIALECT.encode_request(msgspec.structs.replace(request, source=None), TARGET)
    assert encoded.adaptations == ()
    sent = msgspec.json.decode(encoded.body)
    assert sent["documents"] == [
        {"data": {"text": "alone"}},
        {"data": {"title": "T", "text": "words"}, "id": "d"},
        {"data": {"other": 1}},
    ]
    assert {**sent, "documents": BODY["documents"]} == {**BODY, "stream": False}


def test_an_unchanged_request_keeps_its_bytes() -> None:
    body = b'{"model": "auto", "messages":[{"role":"user","content":"a"}], "x":  {"y": 1}}'
    sent = DIALECT.encode_request(DIALECT.decode_request(body), TARGET)
    assert sent.adaptations == ()
    assert sent.body == b'{"model":"command-a-03-2025","messages":[{"role":"user","content":"a"}],"x":{"y": 1}}'


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "x", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": 5}]}]}, "messages[0].tool_calls[0].id"),
        ({"documents": [5]}, "documents[0]"),
        ({"tool_choice": "w"}, "tool_choice"),
        ({"thinking": {"type": "enabled", "token_budget": 0}}, "thinking.token_budget"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"p": 2}, "p"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**changes)
    assert caught.value.field == field


def test_what_has_no_place_is_named() -> None:
    request = Request(
        model="m",
        messages=(
            Message("user", (Text("a"), File(text="w", media_type="text/plain"), File(url="https://x/y.pdf"))),
            Message("assistant", (Reasoning(text="t", signature="s", origin="q/m"), Text("b", cache="5m"))),
        ),
        tools=(ToolSpec(name="f"), ToolSpec(name="g", strict=True)),
        reasoning=ReasoningControl(effort="low"),
        top_p=1.0,
        frequency_penalty=-1.0,
        n=2,
    )
    encoded = DIALECT.encode_request(request, TARGET)
    sent = msgspec.json.decode(encoded.body)
    assert sent["thinking"] == {"type": "enabled", "token_budget": 2048}
    assert (sent["p"], sent["frequency_penalty"], sent["citation_options"]) == (0.99, 0.0, {"mode": "OFF"})
    assert {one.field: one.action for one in encoded.adaptations} == {
        "messages.documents": "moved",
        "messages.file": "dropped",
        "messages.reasoning": "dropped",
        "messages.cache": "dropped",
        "messages.cite": "moved",
        "tools.strict": "changed",
        "reasoning": "changed",
        "top_p": "changed",
        "frequency_penalty": "changed",
        "n": "dropped",
    }


ANSWER: dict[str, Any] = {
    "id": "a1",
    "finish_reason": "COMPLETE",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Oslo is cold."}],
        "citations": [
            {
                "start": 0,
                "end": 4,
                "text": "Oslo",
                "sources": [
                    {
                        "type": "document",
                        "id": "doc:1",
                        "document": {"id": "doc:1", "snippet": "Oslo...", "title": "T"},
                    },
                    {"type": "tool", "id": "c1:0", "tool_output": {"t": 3}},
                ],
                "content_index": 1,
                "type": "TEXT_CONTENT",
            }
        ],
    },
    "usage": {"billed_units": {"input_tokens": 8, "output_tokens": 5}, "tokens": DONE, "cached_tokens": 6},
}


def test_an_answer_has_its_citations_and_its_counts() -> None:
    body = msgspec.json.encode(ANSWER)
    answer = DIALECT.decode_response(body, TARGET)
    assert answer.usage == Usage(input=14, cache_read=6, output=5)
    assert [one.kind for one in answer.extra] == ["usage.billed_units"]
    text = answer.choices[0].message.parts[1]
    assert isinstance(text, Text)
    first, second = text.citations
    assert (first.document, first.quote, first.title, first.start, first.end) == (1, "Oslo...", "T", 0, 4)
    assert (second.file_id, second.start) == ("c1:0", 0)
    assert DIALECT.encode_response(answer, ASKED).body == body
    again = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), ASKED)
    assert again.adaptations == ()
    assert msgspec.json.decode(again.body) == {**ANSWER, "model": "m"}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("COMPLETE", "stop"), ("MAX_TOKENS", "length"), ("TOOL_CALL", "tool_calls"), ("ERROR", "error"),
     ("STOP_SEQUENCE", "stop"), ("TIMEOUT", "error"), ("NEW", "unknown")],
)  # fmt: skip
def test_a_reason_comes_back_as_it_was(reason: str, finish: str) -> None:
    answer = DIALECT.decode_response(msgspec.json.encode({**ANSWER, "finish_reason": reason}), TARGET)
    assert answer.choices[0].finish == finish
    again = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), ASKED)
    assert msgspec.json.decode(again.body)["finish_reason"] == reason


def test_the_numbers_of_tokens_are_kept() -> None:
    chunks = [{"text": "Oslo is", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}]
    answer = DIALECT.decode_response(msgspec.json.encode({**ANSWER, "logprobs": chunks}), TARGET)
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs[0].logprob == -0.75
    again = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), ASKED)
    assert msgspec.json.decode(again.body)["logprobs"] == chunks


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"message":"no","id":"x"}', b'{"message":{"role":7}}', b"\xff"])
def test_what_is_no_answer_is_a_broken_promise(body: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, TARGET)


def line(kind: str, **members: Any) -> bytes:
    return event(msgspec.json.encode({"type": kind, **members}), kind.encode())


def message(**members: Any) -> dict[str, Any]:
    return {"message": members}


CITED = {"start": 0, "end": 2, "text": "Hi", "sources": [{"type": "document", "id": "d", "document": {"id": "d"}}]}
STREAM = (
    line("message-start", id="a1", delta=message(role="assistant", content=[]))
    + line("tool-plan-delta", delta=message(tool_plan="Plan."))
    + line("content-start", index=0, delta=message(content={"type": "thinking", "thinking": ""}))
    + line("content-delta", index=0, delta=message(content={"thinking": "hm"}))
    + line("content-end", index=0)
    + line("content-start", index=0, delta=message(content={"type": "text", "text": ""}))
    + line("content-delta", index=0, delta=message(content={"text": "Hi"}))
    + line("citation-start", index=0, delta=message(citations=CITED))
    + line("citation-end", index=0)
    + line("content-end", index=0)
    + line("tool-call-start", index=0, delta=message(tool_calls={"id": "c1", "function": {"name": "w"}}))
    + line("tool-call-delta", index=0, delta=message(tool_calls={"function": {"arguments": '{"a"'}}))
    + line("tool-call-delta", index=0, delta=message(tool_calls={"function": {"arguments": ":1}"}}))
    + line("tool-call-end", index=0)
    + line("x-new", y=1)
)
END = line("message-end", delta={"finish_reason": "TOOL_CALL", "usage": {"tokens": DONE}}) + b"data: [DONE]\n\n"


def test_every_event_has_its_delta() -> None:
    decoder = DIALECT.stream_decoder(TARGET)
    assert list(decoder.feed(STREAM + END)) == [
        Began(id="a1"),
        OpaqueDelta(value=Opaque("cohere", "message.content[0].tool_plan", NULL)),
        ReasoningDelta(part=0, text="Plan."),
        ReasoningDelta(part=1, text="hm"),
        PartEnded(1),
        TextDelta(part=2, text="Hi"),
        CitationDelta(citation=Citation(kind="document", file_id="d", start=0, end=2), part=2),
        PartEnded(2),
        ToolCallDelta(part=3, id="c1", name="w"),
        ToolCallDelta(part=3, arguments='{"a"'),
        ToolCallDelta(part=3, arguments=":1}"),
        PartEnded(3),
        OpaqueDelta(value=Opaque("cohere", "event.x-new", msgspec.Raw(b'{"type":"x-new","y":1}'))),
        UsageDelta(Usage(input=20, output=5)),
        Finished(finish="tool_calls"),
        Ended(),
    ]
    assert decoder.ended


def test_a_stream_without_its_end_mark_was_cut() -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    decoder.feed(STREAM + END[:20])
    assert tap.feed(STREAM + END[:20]) == STREAM
    assert not decoder.ended
    assert not tap.ended


def test_an_error_at_the_end_fails_the_stream() -> None:
    failed = DIALECT.stream_encoder(ASKED).fail(LimitReached("Too many."))
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    assert decoder.feed(STREAM + failed)[-1] == Failed("Too many.", kind="ERROR")
    assert tap.feed(STREAM + failed) == STREAM + failed
    assert (tap.ended, tap.failed, tap.finish) == (True, "Too many.", None)
    decoder = DIALECT.stream_decoder(TARGET)
    assert decoder.feed(b'data: {"message":"internal"}\n\n') == (Failed("internal"),)


def test_errors_are_read_and_told() -> None:
    assert DIALECT.decode_error(429, b'{"message":"slow down","id":"1"}', None).message == "slow down"
    told = msgspec.json.decode(DIALECT.encode_error(LimitReached("Too many.", fix="Wait.")))
    assert told == {"message": "Too many. Wait.", "code": "rate_limit_exceeded", "fix": "Wait."}
