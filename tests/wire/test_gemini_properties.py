"""What generateContent carries comes back as it was; what it cannot carry is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Message, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamProtocol
from meshwright.types.request import ReasoningControl, Request
from meshwright.types.response import Response
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.gemini import DIALECT
from tests.wire.strategies import changed_fields, json_values, requests, responses, splits
from tests.wire.strategies_anthropic_any import any_answers, anything
from tests.wire.strategies_gemini import answers, carried

TARGET = Target("m", "p/m")
GEMINIS = ["gemini-2.0-flash", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-3.1-flash"]
REQUEST = Request(model="m", stream=True)
slow = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


def bare(request: Request) -> Request:
    """Without its bytes, and with its extra members in one order."""
    extra = tuple(sorted(request.extra, key=lambda one: one.kind))
    return msgspec.structs.replace(request, source=None, extra=extra)


@slow
@given(carried)
def test_what_the_dialect_can_carry_comes_back_without_a_note(request: Request) -> None:
    encoded = DIALECT.encode_request(request, TARGET)
    assert encoded.adaptations == ()
    assert bare(DIALECT.decode_request(encoded.body)) == bare(request)


@slow
@given(carried)
def test_an_unchanged_request_goes_out_with_its_own_bytes(request: Request) -> None:
    body = DIALECT.encode_request(request, TARGET).body
    again = DIALECT.encode_request(DIALECT.decode_request(body), TARGET)
    assert again.body == body
    assert again.adaptations == ()


def snake(value: Any, above: str = "") -> Any:
    """The same JSON with the members of the dialect in their other spelling."""
    if isinstance(value, list):
        return [snake(one, above) for one in value]
    if not isinstance(value, dict) or above in ("args", "response", "parametersJsonSchema", "responseJsonSchema"):
        return value
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in k): snake(v, k) for k, v in value.items()}


@slow
@given(carried.filter(lambda request: not request.extra))
def test_both_spellings_mean_the_same(request: Request) -> None:
    parts = [part for message in request.messages for part in message.parts]
    if any(isinstance(part, Opaque) for part in parts) or any(tool.extra or tool.hosted for tool in request.tools):
        return
    if any(message.extra for message in request.messages):
        return
    body = msgspec.json.decode(DIALECT.encode_request(request, TARGET).body)
    assert bare(DIALECT.decode_request(msgspec.json.encode(snake(body)))) == bare(request)


def plain(request: Request) -> dict[str, Any]:
    """A request's fields in a form where equal meanings are equal values."""
    fields = {name: getattr(request, name) for name in Request.__struct_fields__}
    for name in ("source", "stream", "stream_usage", "model"):
        del fields[name]
    fields["messages"] = [_plain_message(message) for message in joined(request.messages)]
    fields["tools"] = [
        msgspec.structs.replace(tool, strict=None) if tool.strict is False else tool for tool in request.tools
    ]
    fields["store"] = fields["store"] or None
    fields["parallel_tools"] = None if request.parallel_tools is not False else False
    if request.output is not None and request.output.strict:
        fields["output"] = msgspec.structs.replace(request.output, strict=None)
    if request.reasoning == ReasoningControl():
        fields["reasoning"] = None
    return fields


def joined(messages: tuple[Message, ...]) -> list[Message]:
    """Without messages that say nothing; consecutive tool messages are one."""
    found: list[Message] = []
    for message in messages:
        parts = tuple(part for part in message.parts if part != Text("") and part != Refusal(""))
        if not parts:
            continue
        if message.role == "tool" and found and found[-1].role == "tool":
            found[-1] = msgspec.structs.replace(found[-1], parts=found[-1].parts + parts)
        else:
            found.append(msgspec.structs.replace(message, parts=parts))
    return found


def _plain_message(message: Message) -> Message:
    return msgspec.structs.replace(message, parts=tuple(map(_plain_part, message.parts)))


def _plain_part(part: Any) -> Any:
    if isinstance(part, ToolCall) and not part.arguments.strip():
        return msgspec.structs.replace(part, arguments="{}")
    if isinstance(part, Reasoning):
        return msgspec.structs.replace(part, origin="")
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(one for one in part.parts if one != Text("")))
    return part


def check_losses(request: Request, model: str) -> None:
    encoded = DIALECT.encode_request(request, Target(model, "p/m"))
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    assert all(note.reason.endswith(".") for note in encoded.adaptations)
    assert {one.kind.partition(".")[0] for one in request.extra if one.dialect != "gemini"} <= named
    try:
        back = DIALECT.decode_request(encoded.body)
    except InvalidRequest:
        assert "messages" in named or not joined(request.messages)
        return
    before, after = plain(request), plain(back)
    for field, value in before.items():
        if field != "extra" and after[field] != value:
            assert field in named, (field, value, after[field])


@slow
@given(anything, st.sampled_from(["m", *GEMINIS]))
def test_whatever_is_lost_is_named(request: Request, model: str) -> None:
    check_losses(request, model)


@slow
@given(requests(), st.sampled_from(["m", *GEMINIS]))
def test_whatever_usual_requests_lose_is_named(request: Request, model: str) -> None:
    check_losses(request, model)


@slow
@given(st.binary(max_size=80))
def test_any_bytes_are_a_request_or_a_clear_refusal(body: bytes) -> None:
    with pytest.raises((InvalidRequest, TooLarge)):
        DIALECT.decode_request(body)


members = st.sampled_from(
    [
        "text", "thought", "thoughtSignature", "functionCall", "function_response", "inlineData", "fileData",
        "executableCode", "partMetadata",
    ]
)  # fmt: skip
inner = st.dictionaries(
    st.sampled_from(["name", "id", "args", "response", "parts", "data", "mimeType", "mime_type", "fileUri", "x"]),
    json_values,
)
wild_parts = st.dictionaries(members, json_values | inner, max_size=3)
wild_turns = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "model", "x"]) | json_values,
        "parts": st.lists(wild_parts) | wild_parts,
    },
)
wild = st.fixed_dictionaries(
    {"contents": st.lists(wild_turns, max_size=3) | json_values},
    optional={
        "generationConfig": st.dictionaries(
            st.sampled_from(
                [
                    "temperature", "topK", "top_p", "stopSequences", "responseMimeType", "responseSchema",
                    "responseJsonSchema", "thinkingConfig", "speechConfig", "responseModalities", "x",
                ]
            ),
            json_values | st.fixed_dictionaries({"thinkingBudget": json_values}),
        ),
        "tools": st.lists(
            st.dictionaries(
                st.sampled_from(["functionDeclarations", "function_declarations", "googleSearch"]),
                json_values | st.lists(st.fixed_dictionaries({"name": json_values, "parameters": json_values})),
            )
        )
        | json_values,
        "toolConfig": json_values | st.fixed_dictionaries({"functionCallingConfig": json_values}),
        **dict.fromkeys(["systemInstruction", "safetySettings", "serviceTier", "model", "x"], json_values),
    },
)  # fmt: skip


@slow
@given(wild)
@example({"contents": [{"parts": {"text": "a"}}]})
def test_any_json_is_a_request_or_a_clear_refusal(body: Any) -> None:
    try:
        request = DIALECT.decode_request(msgspec.json.encode(body))
    except (InvalidRequest, TooLarge):
        return
    again = DIALECT.encode_request(bare(request), TARGET)
    assert all(note.reason for note in again.adaptations)


@slow
@given(answers)
def test_an_answer_that_the_dialect_can_carry_comes_back_without_a_note(response: Response) -> None:
    encoded = DIALECT.encode_response(response, REQUEST)
    assert encoded.adaptations == ()
    back = DIALECT.decode_response(encoded.body, TARGET)
    assert DIALECT.encode_response(back, REQUEST).body == encoded.body
    assert in_order(back) == in_order(response)


def in_order(response: Response) -> Response:
    """Without its bytes, and with its extra members in one order."""
    choices = tuple(
        msgspec.structs.replace(
            choice,
            message=msgspec.structs.replace(
                choice.message, extra=tuple(sorted(choice.message.extra, key=lambda one: one.kind))
            ),
        )
        for choice in response.choices
    )
    extra = tuple(sorted(response.extra, key=lambda one: one.kind))
    return msgspec.structs.replace(response, choices=choices, extra=extra, source=None)


@slow
@given(answers, st.lists(st.integers(0, 10_000), max_size=5), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_brings_the_same_answer_however_it_is_cut(response: Response, cuts: list[int], newline: bytes) -> None:
    encoder = DIALECT.stream_encoder(REQUEST)
    data = encoder.feed(unfold(response)).replace(b"\n", newline)
    assert encoder.adaptations == []
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)
    pieces = splits(data, cuts)
    deltas = [delta for piece in pieces for delta in decoder.feed(piece)]
    assert decoder.ended
    assert in_order(fold(deltas, "p/m")) == in_order(response)
    assert b"".join(map(tap.feed, pieces)) == data
    assert (tap.ended, tap.id, tap.model, tap.failed) == (True, response.id, response.model, "")
    assert (tap.usage, tap.finish) == (response.usage, response.choices[0].finish)


@slow
@given(answers)
def test_deltas_one_by_one_make_the_same_answer(response: Response) -> None:
    encoder, decoder = DIALECT.stream_encoder(REQUEST), DIALECT.stream_decoder(TARGET)
    deltas = [got for delta in unfold(response) for got in decoder.feed(encoder.feed([delta]))]
    assert decoder.ended
    assert in_order(fold(deltas, "p/m")) == in_order(response)


def said(response: Response) -> list[Any]:
    """The choices in a form where equal meanings are equal values."""
    found = []
    for choice in response.choices:
        parts = tuple(
            _plain_part(part) for part in choice.message.parts if part not in (Text(""), Refusal(""), Reasoning())
        )
        message = msgspec.structs.replace(choice.message, parts=parts, extra=())
        found.append(msgspec.structs.replace(choice, message=message))
    return found


@slow
@given(responses() | any_answers)
def test_whatever_an_answer_loses_is_named(response: Response) -> None:
    encoded = DIALECT.encode_response(response, REQUEST)
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    back = DIALECT.decode_response(encoded.body, TARGET)
    lost = changed_fields(response, back, ("extra", "created"))
    if said(response) == said(back):
        lost.discard("choices")
    if not response.model:
        lost.discard("model")
    assert {one.kind for one in response.extra} <= {note.field for note in encoded.adaptations}
    assert lost <= named


@slow
@given(responses() | any_answers)
def test_whatever_a_stream_loses_is_named(response: Response) -> None:
    encoder, decoder = DIALECT.stream_encoder(REQUEST), DIALECT.stream_decoder(TARGET)
    back = fold(decoder.feed(encoder.feed(unfold(response))))
    given_response = fold(unfold(response))
    named = {note.field.partition(".")[0] for note in encoder.adaptations}
    lost = changed_fields(given_response, back, ("extra", "created"))
    if joined_words(given_response) == joined_words(back):
        lost.discard("choices")
    if not response.model:
        lost.discard("model")
    assert lost <= named


def joined_words(response: Response) -> list[Any]:
    """What the choices say; texts in a row are one, as every stream joins them."""
    found = []
    for choice, one in zip(response.choices, said(response), strict=True):
        parts: list[Any] = []
        for part in one.message.parts:
            last = parts[-1] if parts else None
            if isinstance(part, Text) and isinstance(last, Text):
                parts[-1] = Text(last.text + part.text, citations=last.citations + part.citations)
            elif isinstance(part, Reasoning) and isinstance(last, Reasoning) and not last.signature:
                parts[-1] = Reasoning(text=last.text + part.text, signature=part.signature)
            else:
                parts.append(part)
        if parts or choice.finish or choice.logprobs:
            found.append((choice.index, parts, choice.finish, choice.stop, choice.logprobs))
    return found


chunks = st.dictionaries(
    st.sampled_from(["candidates", "promptFeedback", "usageMetadata", "error", "modelVersion", "responseId", "x"]),
    json_values
    | st.lists(
        st.dictionaries(
            st.sampled_from(
                ["content", "index", "finishReason", "groundingMetadata", "logprobsResult", "citationMetadata"]
            ),
            json_values
            | st.fixed_dictionaries({"parts": st.lists(wild_parts)})
            | st.fixed_dictionaries({"groundingChunks": json_values, "groundingSupports": json_values}),
        ),
        max_size=2,
    ),
    max_size=3,
)


@slow
@given(st.binary(max_size=60) | chunks.map(lambda value: b"data: " + msgspec.json.encode(value) + b"\n\n"))
def test_any_bytes_are_a_stream_or_a_broken_promise(data: bytes) -> None:
    for listener in (DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)):
        try:
            listener.feed(data)
        except UpstreamProtocol:
            continue


@slow
@given(st.binary(max_size=60) | chunks.map(msgspec.json.encode))
def test_any_bytes_are_an_answer_or_a_broken_promise(data: bytes) -> None:
    try:
        response = DIALECT.decode_response(data, TARGET)
    except UpstreamProtocol:
        return
    DIALECT.encode_response(msgspec.structs.replace(response, source=None), REQUEST)
