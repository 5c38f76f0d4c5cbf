"""A whole answer and a stream of the Responses API, as its documentation shows them, and what they mean."""

from __future__ import annotations

from typing import Any

import msgspec

from meshwright.types.content import Citation, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from tests.wire.strategies import raw
from tests.wire.strategies_responses import NAME, ORIGIN

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [
        {
            "type": "output_text",
            "text": "Sunny.",
            "annotations": [
                {"type": "url_citation", "url": "https://example.org", "title": "W", "start_index": 0, "end_index": 5},
                {"type": "container_file_citation", "container_id": "c", "file_id": "f", "filename": "n",
                 "start_index": 0, "end_index": 1},
            ],
            "logprobs": [{"token": "Sunny", "logprob": -0.1, "bytes": [83], "top_logprobs": []}],
        }
    ],
}  # fmt: skip
REASONING: dict[str, Any] = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}],
    "encrypted_content": "sealed",
}
CALL: dict[str, Any] = {
    "id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f",
    "arguments": '{"a": 1}',
}  # fmt: skip
SEARCH: dict[str, Any] = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "x"},
}
ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_760_000_000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": "Be brief.",
    "model": "model-1",
    "output": [REASONING, SEARCH, MESSAGE, CALL],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "service_tier": "default",
    "billing": {"payer": "developer"},
    "usage": {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1, "x": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 17,
    },
}
READ = Response(
    id="resp_1",
    model="model-1",
    created=1_760_000_000,
    service_tier="default",
    choices=(
        Choice(
            message=Message(
                "assistant",
                (
                    Reasoning(summary=("First.",), encrypted="sealed", id="rs_1", origin=ORIGIN),
                    Opaque(NAME, "item.web_search_call", raw(SEARCH)),
                    Text(
                        "Sunny.",
                        citations=(
                            Citation(kind="url", url="https://example.org", title="W", start=0, end=5),
                            Citation(
                                kind="file",
                                file_id="f",
                                title="n",
                                start=0,
                                end=1,
                                raw=Opaque(
                                    NAME, "container_file_citation", raw(MESSAGE["content"][0]["annotations"][1])
                                ),
                            ),
                        ),
                    ),
                    ToolCall(id="call_1", name="f", arguments='{"a": 1}', item_id="fc_1"),
                ),
                id="msg_1",
                extra=(Opaque(NAME, "phase", raw("final_answer")),),
            ),
            finish="tool_calls",
            logprobs=(TokenProbability(token="Sunny", logprob=-0.1, bytes=(83,)),),
        ),
    ),
    usage=Usage(input=5, cache_read=4, cache_write=1, output=4, reasoning=3),
    extra=(
        Opaque(NAME, "billing", raw({"payer": "developer"})),
        Opaque(NAME, "usage", raw({"input_tokens_details": {"x": 1}})),
    ),
)


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: " + event["type"].encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n" for event in events
    )


BEGAN = {"type": "response.created", "response": {**ANSWER, "status": "in_progress", "output": [], "usage": None}}
COMPLETED = {"type": "response.completed", "response": ANSWER}


def recorded() -> bytes:
    """A stream as the API's documentation shows it, with everything in it."""
    text = {"output_index": 2, "content_index": 0, "item_id": "msg_1"}
    (whole,) = MESSAGE["content"]
    begun = {**MESSAGE, "content": [], "status": "in_progress"}
    return stream(
        BEGAN,
        {**BEGAN, "type": "response.in_progress"},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {**REASONING, "summary": [], "encrypted_content": "par"}},
        {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "item_id": "rs_1"},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Fir",
         "obfuscation": "a"},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "st."},
        {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "First."},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
        {"type": "response.output_item.added", "output_index": 1, "item": {**SEARCH, "status": "in_progress"}},
        {"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1", "sequence_number": 7},
        {"type": "response.output_item.done", "output_index": 1, "item": SEARCH},
        {"type": "response.output_item.added", "output_index": 2, "item": begun},
        {"type": "response.content_part.added", **text, "part": {"type": "output_text", "text": "", "annotations": []}},
        {"type": "response.output_text.delta", **text, "delta": "Sun", "logprobs": whole["logprobs"]},
        {"type": "response.output_text.delta", **text, "delta": "ny.", "logprobs": []},
        {"type": "response.output_text.annotation.added", **text, "annotation_index": 0,
         "annotation": whole["annotations"][0]},
        {"type": "response.output_text.done", **text, "text": "Sunny."},
        {"type": "response.content_part.done", **text, "part": whole},
        {"type": "response.output_item.done", "output_index": 2, "item": MESSAGE},
        {"type": "response.output_item.added", "output_index": 3, "item": {**CALL, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 3, "item_id": "fc_1", "delta": '{"a": 1}'},
        {"type": "response.function_call_arguments.done", "output_index": 3, "arguments": '{"a": 1}'},
        {"type": "response.output_item.done", "output_index": 3, "item": CALL},
        COMPLETED,
    )  # fmt: skip
