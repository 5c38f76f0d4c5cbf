"""Answers and streams of generateContent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Audio, Citation, Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall
from meshwright.types.errors import InvalidRequest, UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import (
    Began,
    Choice,
    Delta,
    Ended,
    Failed,
    Finished,
    ReasoningDelta,
    Response,
    TextDelta,
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.gemini import DIALECT

TARGET = Target("gemini-x", "google/x")
REQUEST = Request(model="auto", stream=True)
SIGNATURE = "c2lnbmF0dXJl"
COUNTED = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}


def answer(*parts: Any, finish: str = "STOP", **candidate: Any) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, **candidate}],
        "usageMetadata": COUNTED,
        "modelVersion": "gemini-x-001",
        "responseId": "r1",
    }


def decoded(body: dict[str, Any]) -> Response:
    return DIALECT.decode_response(msgspec.json.encode(body), TARGET)


def again(response: Response) -> tuple[Any, dict[str, str]]:
    found = DIALECT.encode_response(msgspec.structs.replace(response, source=None), REQUEST)
    return msgspec.json.decode(found.body), {note.field: note.action for note in found.adaptations}


def line(**chunk: Any) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n"


def piece(*parts: Any, finish: str | None = None, **more: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return line(candidates=[candidate], modelVersion="gemini-x-001", responseId="r1", **more)


def test_an_answer_is_read_with_its_counts() -> None:
    body = answer({"text": "hm", "thought": True}, {"text": "Hello"}, safetyRatings=[], index=0)
    body["usageMetadata"] = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 30,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 11,
        "totalTokenCount": 138,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}, {"modality": "TEXT", "tokenCount": 20}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    }
    response = decoded(body)
    assert response.usage == Usage(input=47, cache_read=30, audio_input=30, output=15, reasoning=11, audio_output=5)
    assert (response.id, response.model) == ("r1", "gemini-x-001")
    (choice,) = response.choices
    assert choice.message.parts == (Reasoning(text="hm"), Text("Hello"))
    assert choice.message.extra == (Opaque("gemini", "choice.safetyRatings", msgspec.Raw(b"[]")),)
    assert DIALECT.encode_response(response, REQUEST).body == msgspec.json.encode(body)
    written, noted = again(response)
    assert noted == {}
    assert written["candidates"] == body["candidates"]
    assert written["usageMetadata"]["promptTokenCount"] == 100
    assert written["usageMetadata"]["toolUsePromptTokenCount"] == 7
    assert written["usageMetadata"]["totalTokenCount"] == 138


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("OTHER", "unknown"),
        ("SOMETHING_NEW", "unknown"),
    ],
)
def test_every_reason_to_end_has_its_meaning_and_survives(word: str, finish: str) -> None:
    response = decoded(answer({"text": "a"}, finish=word))
    assert response.choices[0].finish == finish
    written, noted = again(response)
    assert written["candidates"][0]["finishReason"] == word
    assert noted == {}


def test_an_answer_that_calls_a_tool_ends_with_it() -> None:
    response = decoded(answer({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE}))
    (choice,) = response.choices
    assert choice.finish == "tool_calls"
    signature, call = choice.message.parts
    assert signature == Reasoning(signature=SIGNATURE, origin="google/x")
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("f", '{"a":1}')
    written, noted = again(response)
    assert written["candidates"][0]["content"]["parts"] == [
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE}
    ]
    assert noted == {}


def test_ids_that_we_gave_differ_from_answer_to_answer() -> None:
    body = answer({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}})
    ids = [part.id for part in decoded(body).choices[0].message.parts if isinstance(part, ToolCall)]
    body["responseId"] = "r2"
    ids += [part.id for part in decoded(body).choices[0].message.parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 4


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    body = {
        "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Not this."},
        "usageMetadata": {"promptTokenCount": 4},
    }
    response = decoded(body)
    (choice,) = response.choices
    assert (choice.finish, choice.message.parts) == ("content_filter", (Refusal("Not this."),))
    written, noted = again(response)
    assert "candidates" not in written
    assert written["promptFeedback"] == body["promptFeedback"]
    assert noted == {}
    data = line(**body)
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)
    streamed = fold(decoder.feed(data))
    assert tap.feed(data) == data
    assert (decoder.ended, tap.ended, tap.finish) == (True, True, "content_filter")
    assert streamed == msgspec.structs.replace(response, source=None)


def test_grounding_is_cited_in_characters_and_kept_whole() -> None:
    grounding = {
        "webSearchQueries": ["q"],
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"web": {"uri": "https://b.example", "title": "B"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 6, "text": "héllo"}, "groundingChunkIndices": [0, 1]},
        ],
    }
    response = decoded(answer({"text": "héllo there"}, groundingMetadata=grounding))
    (text,) = response.choices[0].message.parts
    assert text == Text(
        "héllo there",
        citations=(
            Citation(kind="url", url="https://a.example", title="A", start=0, end=5),
            Citation(kind="url", url="https://b.example", title="B", start=0, end=5),
        ),
    )
    written, noted = again(response)
    assert written["candidates"][0]["groundingMetadata"] == grounding
    assert noted == {}


def test_recitations_are_cited() -> None:
    sources = [{"startIndex": 4, "endIndex": 7, "uri": "https://a.example", "license": "mit"}]
    response = decoded(answer({"text": "abc"}, {"text": "defgh"}, citationMetadata={"citationSources": sources}))
    text = response.choices[0].message.parts[1]
    assert isinstance(text, Text)
    assert [(one.url, one.start, one.end) for one in text.citations] == [("https://a.example", 1, 4)]
    written, noted = again(response)
    assert written["candidates"][0]["citationMetadata"] == {"citationSources": sources}
    assert noted == {}


def test_probabilities_are_read_and_their_numbers_kept() -> None:
    result = {
        "chosenCandidates": [{"token": "a", "tokenId": 5, "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "b", "tokenId": 6, "logProbability": -1.5}]}],
    }
    response = decoded(answer({"text": "a"}, logprobsResult=result, avgLogprobs=-0.5))
    assert response.choices[0].logprobs == (
        TokenProbability(token="a", logprob=-0.5, top=(TokenProbability(token="b", logprob=-1.5),)),
    )
    written, noted = again(response)
    assert written["candidates"][0]["logprobsResult"] == result
    assert noted == {}


@pytest.mark.parametrize(
    "body", [{"error": {"code": 500, "message": "x"}}, {"candidates": 5}, {"candidates": [{"content": 5}]}]
)
def test_what_is_no_answer_is_a_broken_promise(body: Any) -> None:
    with pytest.raises(UpstreamProtocol):
        decoded(body)


STREAM = (
    piece({"text": "think", "thought": True})
    + piece({"text": "Hel"}, usageMetadata={"promptTokenCount": 4})
    + piece({"text": "lo"})
    + piece({"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE})
    + piece({"functionCall": {"id": "c2", "name": "f", "args": {}}})
    + piece({"text": ""}, finish="STOP", usageMetadata=COUNTED)
)


def test_every_chunk_has_its_deltas() -> None:
    decoder = DIALECT.stream_decoder(TARGET)
    assert list(decoder.feed(STREAM)) == [
        Began(id="r1", model="gemini-x-001"),
        ReasoningDelta(part=0, text="think"),
        TextDelta(part=1, text="Hel"),
        UsageDelta(Usage(input=4)),
        TextDelta(part=1, text="lo"),
        ReasoningDelta(part=2, signature=SIGNATURE, origin="google/x"),
        ToolCallDelta(part=3, id="c1", name="f", arguments='{"a":1}'),
        ToolCallDelta(part=4, id="c2", name="f", arguments="{}"),
        TextDelta(part=5, text=""),
        Finished(finish="tool_calls"),
        UsageDelta(Usage(input=4, output=2)),
        Ended(),
    ]
    assert decoder.ended


def test_a_stream_is_over_when_it_told_why_and_how_much() -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)
    for data in (piece({"text": "a"}), piece({"text": "b"}, finish="STOP")):
        decoder.feed(data)
        tap.feed(data)
    assert (decoder.ended, tap.ended, tap.finish) == (False, False, "stop")
    last = line(usageMetadata=COUNTED)
    assert decoder.feed(last) == (UsageDelta(Usage(input=4, output=2)), Ended())
    tap.feed(last)
    assert tap.ended


@pytest.mark.parametrize(
    "error",
    [
        line(error={"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}),
        b'{\n  "error": {\n    "code": 503,\n    "message": "Overloaded",\n    "status": "UNAVAILABLE"\n  }\n}\n',
        b'[{"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}]',
    ],
)
def test_an_error_in_the_stream_fails_it_however_it_comes(error: bytes) -> None:
    data = piece({"text": "a"}) + error
    for size in (1, 50, len(data)):
        decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        deltas = [delta for one in pieces for delta in decoder.feed(one)]
        assert deltas[-1] == Failed("Overloaded", kind="UNAVAILABLE")
        assert decoder.ended
        passed = b"".join(map(tap.feed, pieces))
        assert passed.strip() == data.strip()
        assert (tap.failed, tap.ended) == ("Overloaded", True)


def test_sound_and_pictures_stream() -> None:
    data = (
        piece({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})
        + piece({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}})
        + piece({"inlineData": {"mimeType": "audio/wav", "data": "BBBB"}}, finish="STOP", usageMetadata=COUNTED)
    )
    deltas = DIALECT.stream_decoder(TARGET).feed(data)
    image, sound = fold(deltas).choices[0].message.parts
    assert image == Image(data="AAAA", media_type="image/png")
    assert sound == Audio(data="AAAABBBB")
    encoder = DIALECT.stream_encoder(REQUEST)
    written = encoder.feed(deltas)
    assert encoder.adaptations == []
    assert fold(DIALECT.stream_decoder(TARGET).feed(written)) == fold(deltas)
    assert written.count(b"audio/wav") == 2


def test_what_types_cannot_hold_of_a_stream_goes_through_the_same_dialect() -> None:
    data = line(
        candidates=[
            {
                "content": {"parts": [{"text": "a", "partMetadata": {"x": 1}}, {"executableCode": {"code": "1"}}]},
                "safetyRatings": [{"category": "x"}],
                "newMember": 1,
            }
        ],
        newTop={"y": 2},
        responseId="r1",
        modelVersion="m",
    ) + piece(
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        finish="PROHIBITED_CONTENT",
        usageMetadata={"trafficType": "ON_DEMAND", **COUNTED},
    )
    deltas = DIALECT.stream_decoder(TARGET).feed(data)
    encoder = DIALECT.stream_encoder(REQUEST)
    written = encoder.feed(deltas)
    assert encoder.adaptations == []
    for word in (b'"partMetadata":{"x":1}', b'"newMember":1', b'"newTop":{"y":2}', b"PROHIBITED_CONTENT", b"ON_DEMAND"):
        assert word in written
    before, after = fold(deltas), fold(DIALECT.stream_decoder(TARGET).feed(written))
    assert after.choices[0].message.parts == before.choices[0].message.parts
    assert set(map(msgspec.json.encode, after.extra)) == set(map(msgspec.json.encode, before.extra))


def test_calls_of_another_dialect_that_come_interleaved_go_out_whole() -> None:
    encoder = DIALECT.stream_encoder(REQUEST)
    deltas: list[Delta] = [
        Began(id="a", model="m"),
        ToolCallDelta(part=0, id="c1", name="f", arguments='{"a'),
        ToolCallDelta(part=1, id="c2", name="g", arguments='{"b"'),
        ToolCallDelta(part=0, arguments='":1}'),
        ToolCallDelta(part=1, arguments=":2}"),
        Finished(finish="tool_calls"),
        UsageDelta(Usage(input=1)),
        Ended(),
    ]
    written = b"".join(encoder.feed([delta]) for delta in deltas)
    calls = fold(DIALECT.stream_decoder(TARGET).feed(written)).choices[0].message.parts
    assert calls == (
        ToolCall(id="c1", name="f", arguments='{"a":1}'),
        ToolCall(id="c2", name="g", arguments='{"b":2}'),
    )
    assert encoder.adaptations == []


def test_a_failure_is_told_in_band() -> None:
    encoder = DIALECT.stream_encoder(REQUEST)
    encoder.feed(unfold(Response(choices=(Choice(message=Message("assistant", (Text("a"),))),)))[:-1])
    data = encoder.fail(InvalidRequest("It broke."))
    assert data.startswith(b'data: {"error":')
    (failed,) = DIALECT.stream_decoder(TARGET).feed(data)
    assert failed == Failed("It broke.", kind="INVALID_ARGUMENT", code="invalid_request")


def test_moments_are_seconds_and_back() -> None:
    body = answer({"text": "a"})
    body["createTime"] = "2026-02-28T23:59:59Z"
    response = decoded(body)
    assert response.created == 1_772_323_199
    assert again(response)[0]["createTime"] == body["createTime"]
    body["createTime"] = "2024-02-29T00:00:00.123456Z"
    response = decoded(body)
    assert response.created == 1_709_164_800
    assert again(response)[0]["createTime"] == body["createTime"]
