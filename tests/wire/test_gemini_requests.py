"""Requests of generateContent: what clients send, and what is sent to providers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from google.genai import types

from meshwright.types.content import Audio, File, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, TooLarge
from meshwright.types.request import OutputFormat, ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.wire.dialect import Target
from meshwright.wire.gemini import DIALECT
from meshwright.wire.gemini.address import path, with_model
from tests.wire.strategies import raw

TARGET = Target("gemini-2.5-flash", "google/flash")
SIGNATURE = "c2lnbmF0dXJl"


def decoded(**body: Any) -> Request:
    body.setdefault("contents", [{"role": "user", "parts": [{"text": "hi"}]}])
    return DIALECT.decode_request(msgspec.json.encode(body))


def encoded(request: Request, model: str = TARGET.model, origin: str = TARGET.origin) -> tuple[Any, dict[str, str]]:
    found = DIALECT.encode_request(msgspec.structs.replace(request, source=None), Target(model, origin))
    return msgspec.json.decode(found.body), {note.field: note.action for note in found.adaptations}


def asked(*parts: Any, **more: Any) -> Request:
    return Request(model="m", messages=(Message("user", tuple(parts) or (Text("hi"),)),), **more)


def test_the_path_holds_the_model_and_the_method_percent_encoded() -> None:
    assert path("gemini-2.5-flash", stream=False) == "/models/gemini-2.5-flash:generateContent"
    assert path("models/gemini-x@001", stream=True) == "/models/gemini-x@001:streamGenerateContent?alt=sse"
    assert path("tunedModels/mine", stream=False) == "/tunedModels/mine:generateContent"
    assert path("a/b?c#d:é", stream=False) == "/models/a%2Fb%3Fc%23d%3A%C3%A9:generateContent"
    assert DIALECT.path_of is path


def test_what_the_path_says_joins_a_request_that_keeps_its_bytes() -> None:
    request = with_model(decoded(), "models/gemini-x", stream=True)
    assert (request.model, request.stream, request.stream_usage) == ("gemini-x", True, True)
    assert request.source is not None
    assert DIALECT.encode_request(request, TARGET).body == request.source.body


def test_a_body_that_names_a_model_names_none_upstream() -> None:
    request = decoded(model="models/gemini-x", extra_member={"a": 1})
    assert request.model == "gemini-x"
    assert msgspec.json.decode(DIALECT.encode_request(request, TARGET).body).keys() == {"contents", "extra_member"}


def test_every_usual_part_is_read() -> None:
    request = decoded(
        systemInstruction={"role": "user", "parts": {"text": "Be brief."}},
        contents=[
            {
                "parts": [
                    {"text": "look"},
                    {"inlineData": {"mimeType": "image/png", "data": "_-8="}},
                    {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf"}},
                    {"videoMetadata": {"fps": 1}, "fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}},
                ]
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": SIGNATURE},
                    {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
                    {"functionCall": {"name": "g"}},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "one"}}},
                    {"functionResponse": {"name": "g", "response": {"degrees": 21}}},
                    {"text": "go on"},
                ],
            },
        ],
    )
    system, user, model, tool, last = request.messages
    assert system == Message("system", (Text("Be brief."),))
    assert user.parts == (
        Text("look"),
        Image(data="/+8=", media_type="image/png"),
        Audio(data="AAAA", format="mp3"),
        File(url="gs://b/a.pdf", media_type="application/pdf"),
        File(url="gs://b/v", media_type="video/mp4"),
    )
    assert user.extra == (Opaque("gemini", "parts[4].videoMetadata", msgspec.Raw(b'{"fps":1}')),)
    unnamed = model.parts[3]
    assert isinstance(unnamed, ToolCall)
    assert unnamed.id
    assert model.parts == (
        Reasoning(text="hm", signature=SIGNATURE),
        Reasoning(signature=SIGNATURE),
        ToolCall(id="c1", name="f", arguments='{"a":1}'),
        ToolCall(id=unnamed.id, name="g", arguments="{}"),
        Opaque("gemini", "executableCode", msgspec.Raw(b'{"executableCode":{"language":"PYTHON","code":"1"}}')),
    )
    assert tool.parts == (
        ToolResult(call_id="c1", parts=(Text("one"),)),
        ToolResult(call_id=unnamed.id, parts=(Text('{"degrees":21}'),)),
    )
    assert last == Message("user", (Text("go on"),))
    check_that_it_goes_out_again(request)


def check_that_it_goes_out_again(request: Request) -> None:
    body, noted = encoded(request)
    assert noted == {}
    call, other = body["contents"][1]["parts"][1:3]
    assert call == {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE}
    assert other == {"functionCall": {"name": "g", "args": {}}}
    assert body["contents"][2]["parts"][1] == {"functionResponse": {"name": "g", "response": {"degrees": 21}}}


def test_every_usual_option_is_read() -> None:
    request = decoded(
        generation_config={
            "temperature": 0.5, "topP": 0.25, "top_k": 40.0, "candidateCount": 2, "maxOutputTokens": 9,
            "stopSequences": ["x"], "seed": 3, "presencePenalty": 0.5, "frequency_penalty": -0.5,
            "responseLogprobs": True, "logprobs": 2, "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
            "responseModalities": ["TEXT", "AUDIO"], "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "speechConfig": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
            "thinkingConfig": {"thinkingBudget": 512, "includeThoughts": True},
        },
        safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        cachedContent="cachedContents/1",
        serviceTier="flex",
        tools=[
            {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}, "behavior": "BLOCKING"}]},
            {"googleSearch": {}, "codeExecution": {}},
        ],
        toolConfig={"functionCallingConfig": {"mode": "any", "allowedFunctionNames": ["f"]}},
    )  # fmt: skip
    assert (request.temperature, request.top_p, request.top_k, request.n, request.max_tokens) == (0.5, 0.25, 40, 2, 9)
    assert (request.stop, request.seed, request.presence_penalty, request.frequency_penalty) == (("x",), 3, 0.5, -0.5)
    assert (request.logprobs, request.top_logprobs, request.modalities) == (True, 2, ("text", "audio"))
    assert request.speech == SpokenOutput(msgspec.Raw(b'"Kore"'), "pcm16")
    assert request.reasoning == ReasoningControl(mode="on", budget=512, summary="auto")
    assert request.output is not None
    assert request.output.kind == "schema"
    assert msgspec.json.decode(request.output.schema or b"") == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}},
    }
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("f", "function"),
        ("googleSearch", "hosted"),
        ("codeExecution", "hosted"),
    ]
    assert request.tool_choice == ToolChoice("tool", ("f",))
    assert {one.kind for one in request.extra} == {
        "safetySettings",
        "cachedContent",
        "generationConfig.mediaResolution",
    }
    body, noted = encoded(request)
    assert noted == {}
    assert body["safetySettings"][0]["threshold"] == "BLOCK_NONE"
    assert body["generationConfig"]["mediaResolution"] == "MEDIA_RESOLUTION_LOW"


def called(**call: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [{"functionCall": call}]}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contents": []}, "contents"),
        ({"contents": None}, "contents"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text"),
        (called(name="f", args=[]), "contents[0].parts[0].functionCall.args"),
        (called(args={}), "contents[0].parts[0].functionCall.name"),
        ({"generationConfig": {"temperature": -1}}, "generationConfig.temperature"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"candidateCount": 0}}, "generationConfig.candidateCount"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}},
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        ({"generationConfig": {"topP": 0.5, "top_p": 0.5}}, "generationConfig"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"tools": 5}, "tools"),
        ({"toolConfig": {"functionCallingConfig": {"mode": 1}}}, "toolConfig.functionCallingConfig.mode"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(body: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**body)
    assert caught.value.field == field


def test_a_body_that_nests_without_end_is_refused() -> None:
    deep = b'{"contents":' + b"[" * 5000 + b"]" * 5000 + b"}"
    with pytest.raises((InvalidRequest, TooLarge)):
        DIALECT.decode_request(deep)


def test_a_conversation_of_another_dialect_becomes_turns() -> None:
    picture = Image(data="iVBORw0KGgo=", media_type="image/png")
    request = Request(
        model="m",
        messages=(
            Message("developer", (Text("Be brief."),)),
            Message("user", (Text("Weather?"),)),
            Message("assistant", (ToolCall(id="call_1", name="weather", arguments='{"city":"Oslo"}'),)),
            Message("tool", (ToolResult(call_id="call_1", parts=(Text("8"), picture)),)),
        ),
        tools=(ToolSpec(name="weather", strict=True, schema=raw({"type": "object"})),),
        tool_choice=ToolChoice("auto", ("weather",)),
        output=OutputFormat(kind="schema", name="n", schema=raw({"type": "string", "pattern": "a"})),
        parallel_tools=False,
    )  # fmt: skip
    body, noted = encoded(request, "gemini-3-pro-preview")
    types.Content.model_validate(body["systemInstruction"])
    assert [types.Content.model_validate(turn).role for turn in body["contents"]] == ["user", "model", "user"]
    call, result = body["contents"][1]["parts"][0], body["contents"][2]["parts"][0]["functionResponse"]
    assert call["thoughtSignature"] == "skip_thought_signature_validator"
    assert result == {
        "id": "call_1",
        "name": "weather",
        "response": {"output": "8"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}],
    }
    assert body["toolConfig"]["functionCallingConfig"] == {
        "mode": "VALIDATED",
        "allowedFunctionNames": ["weather"],
    }
    assert noted == {
        "messages.role": "moved",
        "messages.reasoning": "changed",
        "tools.strict": "dropped",
        "parallel_tools": "dropped",
        "output.name": "dropped",
        "output.schema": "changed",
    }


def test_older_models_get_the_pictures_of_a_result_beside_it() -> None:
    result = ToolResult(call_id="c", parts=(Image(data="AAAA", media_type="image/png"),), is_error=True)
    request = Request(
        model="m",
        messages=(Message("assistant", (ToolCall(id="c", name="f"),)), Message("tool", (result,))),
    )
    body, noted = encoded(request, "gemini-2.5-flash")
    first, second = body["contents"][1]["parts"]
    assert first["functionResponse"]["response"] == {"error": ""}
    assert second == {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert noted == {"messages.tool_result": "moved"}


@pytest.mark.parametrize(
    ("model", "control", "sent", "noted"),
    [
        ("gemini-2.5-flash", {"effort": "high"}, {"thinkingBudget": 24_576}, {"reasoning"}),
        ("gemini-2.5-flash", {"mode": "off"}, {"thinkingBudget": 0}, set()),
        ("gemini-2.5-pro", {"mode": "off"}, {"thinkingBudget": 128}, {"reasoning"}),
        ("gemini-2.5-pro", {"mode": "on", "budget": 99_999}, {"thinkingBudget": 32_768}, {"reasoning.budget"}),
        ("gemini-3-pro-preview", {"effort": "low"}, {"thinkingLevel": "LOW"}, set()),
        ("gemini-3-pro-preview", {"effort": "medium"}, {"thinkingLevel": "LOW"}, {"reasoning.effort"}),
        ("gemini-3.1-pro-preview", {"effort": "medium"}, {"thinkingLevel": "MEDIUM"}, set()),
        ("gemini-3-flash-preview", {"effort": "max"}, {"thinkingLevel": "HIGH"}, {"reasoning.effort"}),
        ("gemini-3-flash-preview", {"effort": "none"}, {"thinkingLevel": "MINIMAL"}, {"reasoning"}),
        ("gemini-3-pro-preview", {"effort": "minimal"}, {"thinkingLevel": "LOW"}, {"reasoning.effort"}),
        ("gemini-2.0-flash", {"effort": "high"}, None, {"reasoning"}),
        ("m", {"effort": "xhigh", "summary": "auto"}, {"thinkingLevel": "XHIGH", "includeThoughts": True}, set()),
        ("m", {"mode": "adaptive", "hidden": True}, {"thinkingBudget": -1, "includeThoughts": False}, set()),
    ],
)
def test_thinking_is_said_as_the_model_takes_it(model: str, control: Any, sent: Any, noted: set[str]) -> None:
    body, notes = encoded(asked(reasoning=ReasoningControl(**control)), model)
    assert body.get("generationConfig", {}).get("thinkingConfig") == sent
    assert notes.keys() == noted
    types.GenerationConfig.model_validate(body.get("generationConfig", {}))


@pytest.mark.parametrize(
    ("calling", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}, ToolChoice("required", ("a", "b"))),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["a"]}, ToolChoice("auto", ("a",))),
        ({"mode": "VALIDATED"}, ToolChoice("auto")),
        ({"mode": "AUTO", "allowedFunctionNames": ["a"]}, ToolChoice("auto")),
        ({"mode": "NEW"}, None),
    ],
)
def test_every_mode_of_calling_survives(calling: Any, choice: ToolChoice | None) -> None:
    tools = [{"functionDeclarations": [{"name": "a"}]}]
    request = decoded(tools=tools, toolConfig={"functionCallingConfig": calling})
    assert request.tool_choice == choice
    body, noted = encoded(request)
    assert body["toolConfig"]["functionCallingConfig"] == calling
    assert noted == {}


def test_signatures_stay_with_the_one_who_signed() -> None:
    parts = (Reasoning(signature=SIGNATURE, origin="google/flash"), ToolCall(id="c", name="f", arguments="{}"))
    request = Request(model="m", messages=(Message("user", (Text("a"),)), Message("assistant", parts)))
    own, noted = encoded(request)
    assert own["contents"][1]["parts"][0]["thoughtSignature"] == SIGNATURE
    assert noted == {}
    foreign, noted = encoded(request, origin="vertex/other")
    assert "thoughtSignature" not in foreign["contents"][1]["parts"][0]
    assert noted == {"messages.reasoning": "dropped"}


def test_a_signature_on_an_empty_text_does_not_wander_to_the_next_part() -> None:
    parts = [{"text": "", "thoughtSignature": SIGNATURE}, {"text": "x"}, {"text": "", "thoughtSignature": SIGNATURE}]
    body, noted = encoded(decoded(contents=[{"parts": [{"text": "q"}]}, {"role": "model", "parts": parts}]))
    assert body["contents"][1]["parts"] == parts
    assert noted == {}


def test_media_find_their_form() -> None:
    body, noted = encoded(
        asked(
            Image(url="data:image/png;base64,iVBORw0KGgo="),
            Image(url="https://example.org/a.webp?x=1"),
            File(text="# Notes", name="notes.md"),
            File(data="JVBERi0=", name="a"),
            Image(file_id="file-1"),
        )
    )
    parts = body["contents"][0]["parts"]
    assert [next(iter(part.values()))["mimeType"] for part in parts] == [
        "image/png",
        "image/webp",
        "text/plain",
        "application/pdf",
    ]
    assert noted == {
        "messages.media_type": "changed",
        "messages.file": "changed",
        "messages.image": "dropped",
    }
    for part in parts:
        types.Part.model_validate(part)


def test_results_without_ids_stand_in_the_order_of_their_calls() -> None:
    calls = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {"b": 2}}}]
    request = decoded(contents=[{"role": "model", "parts": calls}])
    first, second = (part for part in request.messages[0].parts if isinstance(part, ToolCall))
    answers = Message(
        "tool",
        (ToolResult(call_id=second.id, parts=(Text("two"),)), ToolResult(call_id=first.id, parts=(Text("one"),))),
    )
    body, _ = encoded(msgspec.structs.replace(request, messages=(*request.messages, answers)))
    said = [part["functionResponse"]["response"]["output"] for part in body["contents"][1]["parts"]]
    assert said == ["one", "two"]
