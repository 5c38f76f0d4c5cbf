"""What the Responses dialect says to clients is what OpenAI's own library and the Open Responses types expect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from meshwright.types.content import Citation, Message, Opaque, Reasoning, Refusal, Text, ToolCall
from meshwright.types.errors import InvalidRequest, LimitReached, StreamCut, Unauthenticated
from meshwright.types.request import Request
from meshwright.types.response import Choice, Delta, Failed, Finish, Response, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire.fold import unfold
from meshwright.wire.openai_responses import DIALECT
from tests.wire.strategies import raw
from tests.wire.strategies_responses import carried_requests, carried_responses

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ASKED = DIALECT.decode_request(
    msgspec.json.encode(
        {
            "model": "auto",
            "instructions": "Answer briefly.",
            "input": [{"role": "user", "content": "What is the weather in Oslo?"}],
            "stream": True,
            "tools": [
                {
                    "type": "function",
                    "name": "weather",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": False,
                },
                {
                    "type": "custom",
                    "name": "shell",
                    "format": {"type": "grammar", "syntax": "regex", "definition": "a+"},
                },
                {"type": "web_search"},
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "weather"}],
            },
            "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}, "verbosity": "low"},
            "reasoning": {"effort": "low", "summary": "auto"},
            "truncation": "auto",
            "metadata": {"a": "b"},
            "conversation": "conv_1",
        }
    )
)
SEARCH = raw(
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
)


def answer(*parts: Any, finish: Finish = "stop", **more: Any) -> Response:
    choice = Choice(message=Message("assistant", parts), finish=finish, **more)
    return Response(
        id="resp_1",
        model="model-1",
        created=1_760_000_000,
        choices=(choice,),
        usage=Usage(input=9, cache_read=3, output=4, reasoning=2),
    )


EVERYTHING = answer(
    Reasoning(text="Hm.", summary=("First.", "Second."), encrypted="sealed", id="rs_1"),
    Text("Sunny.", citations=(Citation(kind="url", url="https://example.org", title="W", start=0, end=5),)),
    Refusal("No more."),
    ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}'),
    ToolCall(id="call_2", name="shell", arguments="ls", kind="custom"),
    Opaque(DIALECT.name, "item.web_search_call", SEARCH),
    finish="tool_calls",
    logprobs=(TokenProbability(token="Sunny", logprob=-0.1, top=(TokenProbability(token="Rain", logprob=-3.0),)),),
)
ANSWERS = [
    EVERYTHING,
    answer(Text("Half an ans"), finish="length"),
    answer(Text(""), finish="content_filter"),
    answer(ToolCall(id="call_1", name="weather", arguments='{"ci'), finish="length"),
    answer(finish="stop"),
    answer(Reasoning(signature="signed", text="Hm."), Text("Yes.")),
]


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The events, each checked for its frame: its name is its type, on one line."""
    found = []
    for block in stream.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        event = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


@pytest.mark.parametrize("response", ANSWERS)
def test_a_whole_answer_is_a_response_object(response: Response) -> None:
    body = msgspec.json.decode(DIALECT.encode_response(response, ASKED).body)
    read = OpenAIResponse.model_validate(body, strict=True)
    assert read.model_extra == {"store": False, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    assert all((item.model_extra or {}).keys() <= {"status"} for item in read.output)
    assert read.usage is not None
    assert read.usage.total_tokens == 18
    assert read.instructions == "Answer briefly."
    assert read.output_text == response.text


@pytest.mark.parametrize("response", ANSWERS)
def test_every_event_of_a_stream_is_one_that_the_library_knows(response: Response) -> None:
    events = events_of(DIALECT.stream_encoder(ASKED).feed(unfold(response)))
    for event in events:
        EVENTS.validate_python(event, strict=True)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] in ("response.completed", "response.incomplete")


@given(carried_requests(), carried_responses())
def test_whatever_was_asked_and_answered_the_object_is_valid(request: Request, response: Response) -> None:
    known = tuple(part for part in response.choices[0].message.parts if not isinstance(part, Opaque))
    tools = tuple(tool for tool in request.tools if tool.hosted is None)
    request = msgspec.structs.replace(request, tools=tools, extra=())
    choice = msgspec.structs.replace(response.choices[0], message=Message("assistant", known))
    response = msgspec.structs.replace(response, choices=(choice,), extra=())
    OpenAIResponse.model_validate_json(DIALECT.encode_response(response, request).body, strict=True)
    for event in events_of(DIALECT.stream_encoder(request).feed(unfold(response))):
        EVENTS.validate_python(event, strict=True)


OPEN_RESPONSES = {
    "response.created": "ResponseCreatedStreamingEvent",
    "response.in_progress": "ResponseInProgressStreamingEvent",
    "response.completed": "ResponseCompletedStreamingEvent",
    "response.incomplete": "ResponseIncompleteStreamingEvent",
    "response.failed": "ResponseFailedStreamingEvent",
    "response.output_item.added": "ResponseOutputItemAddedStreamingEvent",
    "response.output_item.done": "ResponseOutputItemDoneStreamingEvent",
    "response.content_part.added": "ResponseContentPartAddedStreamingEvent",
    "response.content_part.done": "ResponseContentPartDoneStreamingEvent",
    "response.output_text.delta": "ResponseOutputTextDeltaStreamingEvent",
    "response.output_text.done": "ResponseOutputTextDoneStreamingEvent",
    "response.output_text.annotation.added": "ResponseOutputTextAnnotationAddedStreamingEvent",
    "response.refusal.delta": "ResponseRefusalDeltaStreamingEvent",
    "response.refusal.done": "ResponseRefusalDoneStreamingEvent",
    "response.function_call_arguments.delta": "ResponseFunctionCallArgumentsDeltaStreamingEvent",
    "response.function_call_arguments.done": "ResponseFunctionCallArgumentsDoneStreamingEvent",
    "response.reasoning_summary_part.added": "ResponseReasoningSummaryPartAddedStreamingEvent",
    "response.reasoning_summary_part.done": "ResponseReasoningSummaryPartDoneStreamingEvent",
    "response.reasoning_summary_text.delta": "ResponseReasoningSummaryDeltaStreamingEvent",
    "response.reasoning_summary_text.done": "ResponseReasoningSummaryDoneStreamingEvent",
}


def test_the_open_responses_types_accept_answer_and_stream() -> None:
    # Not every machine that tests this has them: a second opinion, no requirement.
    types = pytest.importorskip("openresponses_types")
    asked = DIALECT.decode_request(
        b'{"model":"auto","input":"hi","tools":[{"type":"function","name":"weather","parameters":{}}]}'
    )
    response = answer(
        Reasoning(summary=("First.",), encrypted="sealed", id="rs_1"),
        Text("Sunny.", citations=(Citation(kind="url", url="https://example.org", title="W", start=0, end=5),)),
        Refusal("No."),
        ToolCall(id="call_1", name="weather", arguments="{}"),
        finish="tool_calls",
    )
    response = msgspec.structs.replace(response, service_tier="default")
    types.ResponseResource.model_validate(msgspec.json.decode(DIALECT.encode_response(response, asked).body))
    for event in events_of(DIALECT.stream_encoder(asked).feed(unfold(response))):
        getattr(types, OPEN_RESPONSES[event["type"]]).model_validate(event)


def one_by_one(response: Response, size: int = 2) -> list[Delta]:
    """The deltas of an answer with its words in small pieces."""
    pieces: list[Delta] = []
    for delta in unfold(response):
        name = "text" if hasattr(delta, "text") else "arguments"
        words = getattr(delta, name, "")
        if not words:
            pieces.append(delta)
        for start in range(0, len(words), size):
            cut = {name: words[start : start + size]}
            if start and hasattr(delta, "logprobs"):
                cut["logprobs"] = ()
            pieces.append(msgspec.structs.replace(delta, **cut))
    return pieces


class Upstream:
    """Answers every call with the same bytes."""

    def __init__(self) -> None:
        self.status, self.type, self.body = 200, "application/json", b""
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(outer.status)
                self.send_header("content-type", outer.type)
                self.send_header("content-length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Answers)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    one = Upstream()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


@pytest.fixture
def client(upstream: Upstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url=upstream.address, max_retries=0) as one:
        yield one


def test_the_library_reads_a_whole_answer(upstream: Upstream, client: openai.OpenAI) -> None:
    upstream.body = DIALECT.encode_response(EVERYTHING, ASKED).body
    read = client.responses.create(model="auto", input="hi")
    assert read.output_text == "Sunny."
    assert [item.type for item in read.output] == [
        "reasoning", "message", "function_call", "custom_tool_call", "web_search_call",
    ]  # fmt: skip


def test_the_library_adds_a_stream_up_to_the_same_answer(upstream: Upstream, client: openai.OpenAI) -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    upstream.type, upstream.body = "text/event-stream", b"".join(encoder.feed((one,)) for one in one_by_one(EVERYTHING))
    words, arguments = "", ""
    with client.responses.stream(model="auto", input="hi") as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                words += event.delta
                assert event.snapshot == words
            elif event.type == "response.function_call_arguments.delta":
                arguments += event.delta
        read = stream.get_final_response()
    assert words == read.output_text == "Sunny."
    assert arguments == '{"city": "Oslo"}'
    whole = OpenAIResponse.model_validate_json(DIALECT.encode_response(EVERYTHING, ASKED).body)
    told = [item.to_dict() for item in read.output]
    for item in told:
        item.pop("parsed_arguments", None)
    assert [item["type"] for item in told] == [item.type for item in whole.output]
    assert read.usage == whole.usage


def test_the_library_parses_the_answer_by_its_schema(upstream: Upstream, client: openai.OpenAI) -> None:
    from pydantic import BaseModel  # a class of the test's own

    class City(BaseModel):
        name: str

    upstream.type = "text/event-stream"
    upstream.body = DIALECT.stream_encoder(ASKED).feed(one_by_one(answer(Text('{"name": "Oslo"}'))))
    with client.responses.stream(model="auto", input="hi", text_format=City) as stream:
        assert stream.get_final_response().output_parsed == City(name="Oslo")


def test_a_stream_that_breaks_is_never_taken_for_a_finished_one(upstream: Upstream, client: openai.OpenAI) -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    begun = encoder.feed(unfold(answer(Text("Half an ans")))[:2])
    upstream.type, upstream.body = "text/event-stream", begun + encoder.fail(StreamCut("The stream ended too early."))
    assert encoder.fail(StreamCut("again")) == b""
    events = events_of(upstream.body)
    for event in events:
        EVENTS.validate_python(event, strict=True)
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    with client.responses.stream(model="auto", input="hi") as stream, pytest.raises(openai.APIError, match="too early"):
        stream.get_final_response()


def test_a_failure_that_the_provider_reported_fails_the_clients_stream_too() -> None:
    stream = DIALECT.stream_encoder(ASKED).feed(
        (*unfold(answer(Text("Half an ans")))[:2], Failed(message="boom", code="server_error"))
    )
    error, failed = events_of(stream)[-2:]
    assert (error["message"], error["code"]) == ("boom", "server_error")
    assert failed["response"]["error"] == {"code": "server_error", "message": "boom"}


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InvalidRequest("No.", field="input[0].role", fix="Do."), openai.BadRequestError),
        (Unauthenticated("Who?"), openai.AuthenticationError),
        (LimitReached("Slow down."), openai.RateLimitError),
    ],
)
def test_the_library_raises_our_errors_as_its_own(
    upstream: Upstream, client: openai.OpenAI, error: Any, raised: type[openai.APIStatusError]
) -> None:
    upstream.status, upstream.body = error.status, DIALECT.encode_error(error)
    with pytest.raises(raised) as caught:
        client.responses.create(model="auto", input="hi")
    assert (caught.value.code, caught.value.param) == (error.code, error.field)
    assert str(error) in caught.value.message


@given(st.lists(st.integers(1, 5), max_size=3))
def test_the_same_deltas_give_the_same_bytes(sizes: list[int]) -> None:
    for size in sizes:
        first, second = (DIALECT.stream_encoder(ASKED).feed(one_by_one(EVERYTHING, size)) for _ in range(2))
        assert first == second
