"""The official Python client talks to what our encoders emit, and our decoders read what it sends."""

from __future__ import annotations

import base64
import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import boto3
import botocore.session
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, Phase, given, settings

from meshwright.net.sigv4 import sign
from meshwright.types.content import File, Image, Message, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, LimitReached, MeshError
from meshwright.types.request import Request, ToolChoice
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse import DIALECT
from meshwright.wire.bedrock_converse.address import path, with_model
from meshwright.wire.bedrock_converse.stream_in import Decoder
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from tests.wire.strategies_bedrock import answers, carried

MODEL = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3"
TARGET = Target(MODEL, "bedrock/m")
ASKED = Request(model=MODEL)
# Examples of the documentation: they open nothing.
ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ANSWER = Response(
    model=MODEL,
    choices=(
        Choice(
            message=Message(
                "assistant",
                (
                    Reasoning(text="Lyon is south.", signature="c2ln", origin="bedrock/m"),
                    Text("Both:"),
                    ToolCall(id="call_1", name="weather", arguments='{"city":"Lyon"}'),
                    ToolCall(id="call_2", name="clock", arguments="{}"),
                ),
            ),
            finish="tool_calls",
        ),
    ),
    usage=Usage(input=10, cache_read=4, cache_write=2, cache_write_1h=3, output=7),
)
slow = settings(
    suppress_health_check=list(HealthCheck), deadline=None, max_examples=50, phases=[Phase.generate, Phase.shrink]
)


class Upstream:
    """Answers every request with `answer`, and remembers the last one."""

    def __init__(self) -> None:
        self.answer: tuple[int, str, bytes] = (200, "application/json", b"{}")
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        upstream = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                upstream.path = self.path
                upstream.headers = {name.lower(): value for name, value in self.headers.items()}
                upstream.body = self.rfile.read(int(self.headers["content-length"]))
                status, kind, body = upstream.answer
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def asked(self) -> Request:
        """The last request as our decoder reads it."""
        _, _, model, method = self.path.split("/")
        return with_model(DIALECT.decode_request(self.body), unquote(model), method == "converse-stream")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def client(upstream: Upstream) -> Iterator[Any]:
    found = boto3.client(
        "bedrock-runtime",
        endpoint_url=upstream.address,
        region_name="eu-west-1",
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        aws_session_token="token",
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    yield found
    found.close()


RICH: dict[str, Any] = {
    "modelId": MODEL,
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "Which is warmer?"},
                {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
                {"document": {"format": "pdf", "name": "Report", "source": {"bytes": b"%PDF"}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": b"\x00\x01"}},
                {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Lyon", "n": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "call_1",
                        "content": [{"json": {"degrees": 21}}, {"text": "warm"}],
                    }
                },
                {"guardContent": {"text": {"text": "And?", "qualifiers": ["query"]}}},
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.5, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "weather", "description": "W", "inputSchema": {"json": {"type": "object"}}}},
            {"cachePoint": {"type": "default"}},
            {"systemTool": {"name": "nova_grounding"}},
        ],
        "toolChoice": {"any": {}},
    },
    "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
    "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2000}, "x": 1},
    "requestMetadata": {"team": "a"},
    "performanceConfig": {"latency": "optimized"},
    "serviceTier": {"type": "flex"},
    "outputConfig": {
        "textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"schema": '{"type":"object","additionalProperties":false}', "name": "answer"}},
        },
    },
}


def test_what_the_client_sends_is_read(upstream: Upstream, client: Any) -> None:
    upstream.answer = (200, "application/json", DIALECT.encode_response(ANSWER, ASKED).body)
    client.converse(**RICH)
    asked = upstream.asked()
    assert upstream.path == path(MODEL, stream=False)
    assert (asked.model, asked.stream, asked.max_tokens, asked.temperature, asked.top_p, asked.stop) == (
        MODEL, False, 100, 0.5, 0.5, ("END",),
    )  # fmt: skip
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool", "user"]
    assert asked.messages[0].parts == (Text("Be brief.", "1h"),)
    assert asked.messages[1].parts[1:] == (
        Image(data=base64.b64encode(b"\x89PNG").decode(), media_type="image/png"),
        File(data=base64.b64encode(b"%PDF").decode(), media_type="application/pdf", name="Report"),
    )
    assert asked.messages[2].parts[:2] == (Reasoning(text="hm", signature="c2ln"), Reasoning(encrypted="AAE="))
    result = asked.messages[3].parts[0]
    assert isinstance(result, ToolResult)
    assert [part.text for part in result.parts if isinstance(part, Text)] == ['{"degrees": 21}', "warm"]
    assert asked.messages[4].text == "And?"
    assert [(tool.name, tool.kind, tool.cache) for tool in asked.tools] == [
        ("weather", "function", "5m"),
        ("systemTool", "hosted", None),
    ]
    assert asked.tool_choice == ToolChoice("required")
    assert (asked.top_k, asked.reasoning and asked.reasoning.budget, asked.service_tier) == (5, 2000, "flex")
    assert {one.kind for one in asked.extra} == {
        "guardrailConfig", "performanceConfig", "additionalModelRequestFields.x",
    }  # fmt: skip
    assert asked.output is not None
    assert (asked.output.kind, asked.output.name) == ("schema", "answer")


def test_what_was_read_is_sent_as_it_was(upstream: Upstream, client: Any) -> None:
    upstream.answer = (200, "application/json", DIALECT.encode_response(ANSWER, ASKED).body)
    # Claude's models think beside neither a tool that they must call nor a temperature.
    more = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "x": 1}
    tools = {**RICH["toolConfig"], "toolChoice": {"auto": {}}}
    inference = {"maxTokens": 4000, "stopSequences": ["END"]}
    client.converse(**{**RICH, "toolConfig": tools, "inferenceConfig": inference, "additionalModelRequestFields": more})
    asked = msgspec.structs.replace(upstream.asked(), source=None)
    again = DIALECT.encode_request(asked, Target("claude-opus-4-6", "p/m"))
    assert again.adaptations == ()
    assert msgspec.json.decode(again.body) == msgspec.json.decode(upstream.body)


def test_the_client_signs_as_we_do(upstream: Upstream, client: Any) -> None:
    upstream.answer = (200, "application/json", DIALECT.encode_response(ANSWER, ASKED).body)
    client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}])
    theirs = upstream.headers["authorization"]
    names = theirs.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    at = dt.datetime.strptime(upstream.headers["x-amz-date"], "%Y%m%dT%H%M%S%z").timestamp()
    ours = sign(
        "POST", upstream.address + upstream.path, [(name, upstream.headers[name]) for name in names], upstream.body,
        access_key=ACCESS, secret_key=SECRET, session_token="token", region="eu-west-1", service="bedrock",
        now=at,
    )  # fmt: skip
    assert dict(ours)["authorization"] == theirs
    assert "%3A" in upstream.path


def test_the_client_reads_our_answer(upstream: Upstream, client: Any) -> None:
    upstream.answer = (200, "application/json", DIALECT.encode_response(ANSWER, ASKED).body)
    read = client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}])
    assert read["output"]["message"] == {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "Lyon is south.", "signature": "c2ln"}}},
            {"text": "Both:"},
            {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Lyon"}}},
            {"toolUse": {"toolUseId": "call_2", "name": "clock", "input": {}}},
        ],
    }
    assert read["stopReason"] == "tool_use"
    assert read["usage"] == {
        "inputTokens": 10,
        "outputTokens": 7,
        "totalTokens": 26,
        "cacheReadInputTokens": 4,
        "cacheWriteInputTokens": 5,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 2}],
    }


def test_the_client_reads_our_stream(upstream: Upstream, client: Any) -> None:
    upstream.answer = (200, DIALECT.event_stream, DIALECT.stream_encoder(ASKED).feed(unfold(ANSWER)))
    read = client.converse_stream(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}])
    events = list(read["stream"])
    assert upstream.asked().stream
    assert [next(iter(one)) for one in events][:4] == [
        "messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
    ]  # fmt: skip
    text, calls = "", {}
    for one in events:
        match one:
            case {"contentBlockStart": {"start": {"toolUse": call}, "contentBlockIndex": index}}:
                calls[index] = [call["toolUseId"], call["name"], ""]
            case {"contentBlockDelta": {"delta": {"text": words}}}:
                text += words
            case {"contentBlockDelta": {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": index}}:
                calls[index][2] += piece
    assert text == "Both:"
    assert list(calls.values()) == [["call_1", "weather", '{"city":"Lyon"}'], ["call_2", "clock", "{}"]]
    assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 26


@pytest.mark.parametrize(
    ("error", "code", "exception"),
    [
        (InvalidRequest("Wrong.", field="messages"), "ValidationException", "validationException"),
        (LimitReached("Slow down."), "ThrottlingException", "throttlingException"),
        (MeshError("It broke."), "InternalServerException", "internalServerException"),
    ],
)
def test_the_client_raises_our_errors(
    upstream: Upstream, client: Any, error: MeshError, code: str, exception: str
) -> None:
    upstream.answer = (error.status, "application/json", DIALECT.encode_error(error))
    with pytest.raises(ClientError) as raised:
        client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}])
    assert raised.value.response["Error"]["Code"] == code
    assert error.message in raised.value.response["Error"]["Message"]

    encoder = DIALECT.stream_encoder(ASKED)
    wire = encoder.feed(unfold(ANSWER)[:3]) + encoder.fail(error)
    upstream.answer = (200, DIALECT.event_stream, wire)
    read = client.converse_stream(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}])
    with pytest.raises(EventStreamError) as broken:
        list(read["stream"])
    assert broken.value.response["Error"]["Code"] == exception
    decoder = DIALECT.stream_decoder(TARGET)
    assert type(decoder.feed(wire)[-1]).__name__ == "Failed"
    assert decoder.ended


SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")


def official(value: Any, shape: Any) -> Any:
    """A JSON value as the client's users give it: bytes instead of base64."""
    match shape.type_name:
        case "blob":
            return base64.b64decode(value, validate=True)
        case "structure" if not getattr(shape, "is_document_type", False) and isinstance(value, dict):
            return {
                name: official(one, shape.members[name]) if name in shape.members else one
                for name, one in value.items()
            }
        case "list" if isinstance(value, list):
            return [official(one, shape.member) for one in value]
    return value


def known(value: Any) -> bool:
    """Whether no member was made up by a test."""
    return b"x_new" not in msgspec.json.encode(value)


@slow
@given(carried)
def test_the_client_would_send_what_we_send(request: Request) -> None:
    extra = tuple(one for one in request.extra if one.kind.startswith("additionalModelRequestFields."))
    encoded = DIALECT.encode_request(msgspec.structs.replace(request, extra=extra), Target("claude-opus-4-6", "p/m"))
    body = msgspec.json.decode(encoded.body)
    for turn in body["messages"]:
        turn["content"] = [block for block in turn["content"] if known(block) and next(iter(block)) not in MADE_UP]
        for block in turn["content"]:
            if "toolResult" in block:
                result = block["toolResult"]
                result["content"] = [one for one in result["content"] if next(iter(one)) not in (*MADE_UP, "x_new")]
    if "toolConfig" in body:
        body["toolConfig"]["tools"] = [one for one in body["toolConfig"]["tools"] if known(one)] or [
            {"systemTool": {"name": "a"}}
        ]
    shape = SERVICE.operation_model("Converse").input_shape
    report = ParamValidator().validate({"modelId": MODEL, **official(body, shape)}, shape)
    assert not report.has_errors(), report.generate_report()


MADE_UP = ("video", "searchResult", "toolAddition")


@slow
@given(answers)
def test_the_client_would_read_what_we_answer(answer: Response) -> None:
    body = msgspec.json.decode(DIALECT.encode_response(msgspec.structs.replace(answer, extra=()), ASKED).body)
    shape = SERVICE.operation_model("Converse").output_shape
    report = ParamValidator().validate({"stopReason": "end_turn", **official(body, shape)}, shape)
    assert not report.has_errors(), report.generate_report()


def test_our_own_stream_is_read_back_whole() -> None:
    decoder = Decoder(TARGET)
    assert fold(decoder.feed(DIALECT.stream_encoder(ASKED).feed(unfold(ANSWER))), "bedrock/m") == ANSWER
