"""Google's own client over a small server that speaks through the dialect, and its types over what is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from google import genai
from google.genai import errors, models, types
from hypothesis import HealthCheck, given, settings

from meshwright.types.content import Citation, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.errors import LimitReached, MeshError
from meshwright.types.request import Request
from meshwright.types.response import Choice, Delta, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.gemini import DIALECT
from meshwright.wire.gemini.address import path, with_model
from tests.wire.strategies_gemini import answers, carried

TARGET = Target("m", "p/m")
SIGNATURE = "c2lnbmF0dXJl"
slow = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


class Desk:
    """What the server was asked, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer = Response()
        self.deltas: Sequence[Delta] = ()
        self.error: MeshError | None = None
        self.broken: MeshError | None = None

    def reply(self, request: Request) -> tuple[int, str, bytes]:
        self.requests.append(request)
        if self.error is not None:
            return self.error.status, "application/json", DIALECT.encode_error(self.error)
        if not request.stream:
            return 200, "application/json", DIALECT.encode_response(self.answer, request).body
        encoder = DIALECT.stream_encoder(request)
        data = b"".join(encoder.feed([delta]) for delta in self.deltas)
        return 200, DIALECT.event_stream, data + (encoder.fail(self.broken) if self.broken else b"")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> Iterator[genai.Client]:
    class Counter(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            _, version, collection, rest = self.path.split("/")  # the version is the client's choice
            model, _, method = rest.partition(":")
            stream = method.startswith("stream")
            assert f"/{collection}/{rest}" == path(model, stream)
            assert version.startswith("v1")
            status, kind, answer = desk.reply(with_model(DIALECT.decode_request(body), model, stream))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    options = types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_port}")
    made = genai.Client(api_key="key", vertexai=False, http_options=options)
    yield made
    made.close()
    server.shutdown()
    thread.join()
    server.server_close()


WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="The weather of a city.",
            parameters=types.Schema(
                type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
            ),
        )
    ]
)
CALL = Response(
    id="r1",
    model="gemini-x-001",
    choices=(
        Choice(
            message=Message(
                "assistant",
                (
                    Reasoning(text="Lyon, then."),
                    Text("I look it up."),
                    Reasoning(signature=SIGNATURE),
                    ToolCall(id="c1", name="weather", arguments='{"city":"Lyon"}'),
                ),
            ),
            finish="tool_calls",
        ),
    ),
    usage=Usage(input=10, cache_read=4, output=7, reasoning=3),
)


def test_a_tool_is_called_and_answered_with_its_signature(desk: Desk, client: genai.Client) -> None:
    desk.answer = CALL
    chat = client.chats.create(
        model="gemini-x",
        config=types.GenerateContentConfig(
            system_instruction="Be brief.",
            tools=[WEATHER],
            temperature=0.5,
            top_k=40,
            thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW, include_thoughts=True),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        ),
    )
    picture = types.Part.from_bytes(data=b"\xff\xfe\xfd", mime_type="image/png")
    response = chat.send_message(["What is the weather?", picture])
    assert response.text == "I look it up."
    assert response.function_calls is not None
    (call,) = response.function_calls
    assert (call.id, call.name, call.args) == ("c1", "weather", {"city": "Lyon"})
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (14, 4)
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (7, 3, 24)
    (first,) = desk.requests
    assert first.messages[0] == Message("system", (Text("Be brief."),))
    assert first.messages[1].parts[1] == Image(data="//79", media_type="image/png")
    assert (first.model, first.temperature, first.top_k) == ("gemini-x", 0.5, 40)
    assert msgspec.json.decode(first.tools[0].schema or b"")["type"] == "object"

    desk.answer = Response(model="m", choices=(Choice(message=Message("assistant", (Text("21."),)), finish="stop"),))
    again = chat.send_message(types.Part.from_function_response(name="weather", response={"output": "21 degrees"}))
    assert again.text == "21."
    told = desk.requests[1].messages
    assert told[2].parts == (
        Reasoning(text="Lyon, then."),
        Text("I look it up."),
        Reasoning(signature=SIGNATURE),
        ToolCall(id="c1", name="weather", arguments='{"city": "Lyon"}'),
    )
    assert told[3].parts == (ToolResult(call_id="c1", parts=(Text("21 degrees"),)),)


def test_a_stream_is_read_piece_by_piece(desk: Desk, client: genai.Client) -> None:
    desk.deltas = unfold(CALL)
    chunks = list(client.models.generate_content_stream(model="gemini-x", contents="Weather?"))
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or ()
        for part in (candidate.content.parts if candidate.content else None) or ()
    ]
    assert [(part.text, part.thought, part.function_call and part.function_call.args) for part in parts] == [
        ("Lyon, then.", True, None),
        ("I look it up.", None, None),
        (None, None, {"city": "Lyon"}),
    ]
    assert parts[2].thought_signature == b"signature"
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.total_token_count == 24
    assert {(chunk.response_id, chunk.model_version) for chunk in chunks} == {("r1", "gemini-x-001")}
    assert desk.requests[0].stream


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
async def test_the_asynchronous_client_streams_too(desk: Desk, client: genai.Client) -> None:
    desk.deltas = unfold(CALL)
    stream = await client.aio.models.generate_content_stream(model="gemini-x", contents="Weather?")
    said = "".join([chunk.text or "" async for chunk in stream if chunk.candidates])
    await client.aio.aclose()
    assert said == "I look it up."


def test_an_error_is_raised_with_its_status(desk: Desk, client: genai.Client) -> None:
    desk.error = LimitReached("Too much at once.", retry_after=2.0)
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-x", contents="Hello")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert "Too much at once." in (caught.value.message or "")


def test_a_stream_that_breaks_raises(desk: Desk, client: genai.Client) -> None:
    desk.deltas, desk.broken = unfold(CALL)[:3], LimitReached("It broke.")
    with pytest.raises(errors.ClientError, match="It broke"):
        list(client.models.generate_content_stream(model="gemini-x", contents="Hello"))


def test_structured_output_and_grounding_reach_the_client(desk: Desk, client: genai.Client) -> None:
    text = Text('{"a": 1}', citations=(Citation(kind="url", url="https://a.example", title="A", start=0, end=3),))
    desk.answer = Response(model="m", choices=(Choice(message=Message("assistant", (text,)), finish="stop"),))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    response = client.models.generate_content(
        model="gemini-x",
        contents="Hello",
        config=types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema),
    )
    assert response.parsed == {"a": 1}
    assert response.candidates is not None
    grounding = response.candidates[0].grounding_metadata
    assert grounding is not None
    assert grounding.grounding_supports is not None
    segment = grounding.grounding_supports[0].segment
    assert segment is not None
    assert (segment.start_index, segment.end_index, segment.text) == (0, 3, '{"a')
    output = desk.requests[0].output
    assert output is not None
    assert msgspec.json.decode(output.schema or b"") == schema


@slow
@given(carried)
def test_what_is_sent_is_what_the_types_of_the_official_client_take(request: Request) -> None:
    if any(isinstance(part, Opaque) for message in request.messages for part in message.parts):
        return
    bare = msgspec.structs.replace(
        request,
        extra=(),
        messages=tuple(msgspec.structs.replace(message, extra=()) for message in request.messages),
        tools=tuple(msgspec.structs.replace(tool, extra=()) for tool in request.tools if tool.kind == "function"),
    )
    body = msgspec.json.decode(DIALECT.encode_request(bare, TARGET).body)
    for turn in body.pop("contents"):
        types.Content.model_validate(turn)
    types.Content.model_validate(body.pop("systemInstruction", {}))
    types.GenerationConfig.model_validate(body.pop("generationConfig", {}))
    types.ToolConfig.model_validate(body.pop("toolConfig", {}))
    for tool in body.pop("tools", ()):
        types.Tool.model_validate(tool)
    types.ServiceTier(body.pop("serviceTier", "flex"))
    assert body == {}


@slow
@given(answers)
def test_what_is_answered_is_what_the_types_of_the_official_client_take(response: Response) -> None:
    choices = tuple(
        msgspec.structs.replace(choice, message=Message("assistant", tuple(plain(choice.message.parts))))
        for choice in response.choices
    )
    bare = msgspec.structs.replace(response, choices=choices, extra=())
    body = DIALECT.encode_response(bare, Request(model="m")).body
    read(msgspec.json.decode(body))
    data = DIALECT.stream_encoder(Request(model="m")).feed(unfold(bare))
    for line in data.splitlines():
        if line.startswith(b"data: "):
            read(msgspec.json.decode(line[6:]))
    assert fold(DIALECT.stream_decoder(TARGET).feed(data)).usage == response.usage


def plain(parts: Sequence[Any]) -> Iterator[Any]:
    return (part for part in parts if not isinstance(part, Opaque))


def read(body: Any) -> types.GenerateContentResponse:
    """The way of the client from a body to its value."""
    found = models._GenerateContentResponse_from_mldev(body)
    return types.GenerateContentResponse.model_validate(found)
