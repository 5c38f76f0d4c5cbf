"""The Responses API: what it can carry comes back as it was, what it cannot is named, and no bytes break it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import assume, example, given
from hypothesis import strategies as st

from meshwright.types.content import Opaque, Part, Reasoning
from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamError, UpstreamProtocol
from meshwright.types.request import Adaptation, Request, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.wire.fold import fold, unfold
from meshwright.wire.openai_responses import DIALECT
from tests.wire.strategies import changed_fields, json_values, requests, responses, splits
from tests.wire.strategies_responses import ASKED, THEIRS, carried_requests, carried_responses

replace = msgspec.structs.replace


def _named(adaptations: Iterable[Adaptation]) -> set[str]:
    found = [one.field for one in adaptations]
    assert len(found) == len(set(found))
    return {field.split(".")[0] for field in found} | set(found)


@given(carried_requests())
def test_a_request_that_it_can_carry_comes_back_as_it_was(request: Request) -> None:
    encoded = DIALECT.encode_request(request, THEIRS)
    assert encoded.adaptations == ()
    again = DIALECT.decode_request(encoded.body)
    assert changed_fields(request, again) == set()
    assert DIALECT.encode_request(again, THEIRS).body == encoded.body


def _required(request: Request) -> Request:
    """With what this API must be told: what a schema and a file are called, and that a function is not strict."""

    def tool(one: ToolSpec) -> ToolSpec:
        return one if one.strict is not None or one.kind != "function" else replace(one, strict=False)

    output = request.output
    if output is not None and output.kind == "schema":
        output = replace(output, name=output.name or "answer", schema=output.schema)
    usage = request.stream
    n = None if request.n == 1 else request.n
    modalities = () if request.modalities == ("text",) else request.modalities
    return replace(
        request, tools=tuple(map(tool, request.tools)), output=output, stream_usage=usage, n=n, modalities=modalities
    )


@given(requests())
def test_whatever_a_request_loses_is_named(request: Request) -> None:
    encoded = DIALECT.encode_request(request, THEIRS)
    if b'"input":[]' in encoded.body:  # no message was left
        assert "messages" in _named(encoded.adaptations)
        return
    again = DIALECT.decode_request(encoded.body)
    lost = changed_fields(_required(request), again, ignore=("model", "extra"))
    lost |= {one.kind for one in request.extra if one not in again.extra}
    assert lost <= _named(encoded.adaptations)


@given(carried_responses())
def test_an_answer_that_it_can_carry_comes_back_as_it_was(response: Response) -> None:
    encoded = DIALECT.encode_response(response, ASKED)
    assert encoded.adaptations == ()
    again = DIALECT.decode_response(encoded.body, THEIRS)
    assert changed_fields(response, again) == set()
    assert DIALECT.encode_response(again, ASKED).body == encoded.body


def _nameless(response: Response) -> Response:
    """The answer without the names of those who made its thoughts."""
    choices = []
    for choice in response.choices:
        parts = (replace(one, origin="") if isinstance(one, Reasoning) else one for one in choice.message.parts)
        choices.append(replace(choice, message=replace(choice.message, parts=tuple(parts))))
    return replace(response, choices=tuple(choices))


@given(responses())
def test_whatever_an_answer_loses_is_named(response: Response) -> None:
    encoded = DIALECT.encode_response(response, ASKED)
    again = DIALECT.decode_response(encoded.body, THEIRS) if _ended_well(response) else Response()
    # Who answered is told by where the answer came from, not by its bytes.
    known, again = _nameless(response), _nameless(again)
    lost = changed_fields(known, again, ignore=("extra", *(() if _ended_well(response) else STATED)))
    lost |= {one.kind for one in response.extra if _ended_well(response) and one not in again.extra}
    assert lost <= _named(encoded.adaptations)


STATED = ("id", "model", "created", "choices", "usage", "service_tier")


def _ended_well(response: Response) -> bool:
    """Whether the answer is not one that says that the model failed: such a one is raised, not read."""
    return not response.choices or response.choices[0].finish != "error"


def _streamed(response: Response) -> Response:
    """What a stream tells of it: not the message's own id; and members in no order of their own."""

    def by_kind(extra: tuple[Opaque, ...]) -> tuple[Opaque, ...]:
        return tuple(sorted(extra, key=lambda one: one.kind))

    def late(part: Part) -> Part:
        # The id of a thought with summaries comes too late to be its item's, and deltas know no origin.
        if not isinstance(part, Reasoning):
            return part
        return replace(part, origin="", id="" if part.summary else part.id)

    def told(choice: Choice) -> Choice:
        message = choice.message
        parts = tuple(map(late, message.parts))
        return replace(choice, message=replace(message, id="", extra=by_kind(message.extra), parts=parts))

    return replace(response, choices=tuple(map(told, response.choices)), extra=by_kind(response.extra), source=None)


@given(carried_responses(), st.lists(st.integers(0), max_size=6))
def test_a_stream_comes_back_as_it_was_however_its_bytes_are_split(response: Response, cuts: list[int]) -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    stream = b"".join(encoder.feed((delta,)) for delta in unfold(response))
    assert {one.field for one in encoder.adaptations} <= {"choices.reasoning.id", "choices.reasoning"}
    decoder = DIALECT.stream_decoder(THEIRS)
    deltas = [delta for piece in splits(stream, cuts) for delta in decoder.feed(piece)]
    assert decoder.ended
    if not encoder.adaptations:
        assert _streamed(fold(deltas)) == _streamed(response)


@given(carried_responses())
def test_a_stream_ends_in_the_same_answer_as_a_whole_one(response: Response) -> None:
    # Probabilities of an answer without a word travel on a part of their own, which this dialect shows.
    assume(all(choice.logprobs is None or choice.message.text.strip("\n") for choice in response.choices))
    encoder = DIALECT.stream_encoder(ASKED)
    stream = encoder.feed(unfold(response))
    last = stream.rstrip().rpartition(b"data: ")[2]
    ended = msgspec.json.decode(last)["response"]
    whole = msgspec.json.decode(DIALECT.encode_response(response, ASKED).body)
    for items in (ended["output"], whole["output"]):
        for item in items:
            if item["type"] in ("message", "reasoning"):
                del item["id"]
            item.pop("status", None)
    if not encoder.adaptations:
        assert ended == whole


@given(responses().filter(_ended_well))
def test_whatever_a_stream_loses_is_named(response: Response) -> None:
    before = fold(unfold(response))
    encoder = DIALECT.stream_encoder(ASKED)
    again = fold(DIALECT.stream_decoder(THEIRS).feed(encoder.feed(unfold(response))))
    lost = changed_fields(_streamed(before), _streamed(again), ignore=("extra",))
    lost |= {one.kind for one in before.extra if one not in again.extra}
    assert lost <= _named(encoder.adaptations)


@given(carried_responses(), st.lists(st.integers(0), max_size=6))
def test_a_tap_lets_the_same_bytes_through_however_they_are_split(response: Response, cuts: list[int]) -> None:
    stream = DIALECT.stream_encoder(ASKED).feed(unfold(response))
    tap = DIALECT.tap(ASKED)
    assert b"".join(map(tap.feed, splits(stream, cuts))) == stream
    finish = response.choices[0].finish
    assert (tap.ended, tap.failed, tap.usage, tap.finish) == (True, "", response.usage, finish)
    assert (tap.id, tap.model) == (response.id, response.model)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_named_mistake(body: bytes) -> None:
    try:
        DIALECT.decode_request(body)
    except (InvalidRequest, TooLarge):
        pass


_MEMBERS = st.sampled_from(
    [
        "role", "content", "type", "text", "call_id", "tools", "tool_choice", "name", "arguments", "output", "input",
        "include", "reasoning", "summary", "encrypted_content", "model", "id", "status", "format", "schema", "mode",
        "input_audio", "image_url", "file_data", "annotations", "logprobs", "instructions", "refusal", "phase",
    ]
)  # fmt: skip
_WORDS = st.sampled_from(
    [
        "user", "assistant", "message", "input_text", "output_text", "input_image", "input_file", "function_call",
        "function_call_output", "custom_tool_call", "reasoning", "function", "custom", "allowed_tools", "json_schema",
        "mesh-1.e30=", "url_citation", "summary_text", "web_search_call", "incomplete", "refusal", "input_audio",
    ]
)  # fmt: skip
_SHAPES = st.recursive(
    json_values | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(_MEMBERS, _SHAPES), st.lists(st.dictionaries(_MEMBERS, _SHAPES, max_size=5), max_size=3))
@example({"tools": [{"type": "custom", "name": "x", "format": 3}]}, [{"role": "user", "content": "x"}])
@example({}, [{"type": "reasoning", "encrypted_content": "mesh-1.e30=", "content": [{"text": "a"}, {"text": "b"}]}])
@example({}, [{"role": "user", "content": None}, {"role": "assistant", "content": []}])
def test_any_json_is_a_request_or_a_named_mistake(fields: dict[str, object], items: list[dict[str, object]]) -> None:
    body = msgspec.json.encode({"model": "m", "input": items, **fields})
    try:
        request = DIALECT.decode_request(body)
    except (InvalidRequest, TooLarge):
        return
    DIALECT.encode_request(request, THEIRS)
    DIALECT.encode_request(replace(request, source=None), THEIRS)
    DIALECT.encode_response(Response(), request)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_an_error(body: bytes) -> None:
    try:
        DIALECT.decode_response(body, THEIRS)
    except UpstreamError:
        pass


_KINDS = st.sampled_from(
    [
        "response.created", "response.output_item.added", "response.output_item.done", "response.output_text.delta",
        "response.refusal.delta", "response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
        "response.output_text.annotation.added", "response.completed", "response.incomplete", "response.failed",
        "response.web_search_call.searching", "error", "response.content_part.added", "response.x_new",
    ]
)  # fmt: skip
_ANSWERS = st.sampled_from(
    ["output", "usage", "error", "status", "incomplete_details", "id", "model", "item", "response", "delta", "x_new"]
)
_ANSWER_SHAPES = st.recursive(
    json_values | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANSWERS | _MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_ANSWERS, _ANSWER_SHAPES, max_size=5))
def test_any_json_is_an_answer_or_an_error(value: dict[str, object]) -> None:
    try:
        response = DIALECT.decode_response(msgspec.json.encode({"output": [], **value}), THEIRS)
    except UpstreamError:
        return
    DIALECT.encode_response(replace(response, source=None), ASKED)


_EVENTS = st.lists(
    st.builds(
        lambda kind, place, fields: {"type": kind, "output_index": place, **fields},
        _KINDS,
        st.integers(0, 2),
        st.dictionaries(_ANSWERS, _ANSWER_SHAPES, max_size=4),
    ),
    max_size=5,
)


@given(_EVENTS)
@example(
    [{"type": "response.output_item.added", "item": {"type": "function_call"}}, {"type": "response.output_text.delta"}]
)
def test_any_events_are_a_stream_or_a_protocol_error(events: list[dict[str, object]]) -> None:
    stream = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    tap = DIALECT.tap(ASKED)
    try:
        tap.feed(stream)
    except UpstreamError:
        pass
    try:
        deltas = DIALECT.stream_decoder(THEIRS).feed(stream)
    except UpstreamProtocol:
        return
    DIALECT.stream_encoder(ASKED).feed(deltas)


_SCRAPS = [b"data: ", b"\n\n", b"\r\n", b"[DONE]", b'{"type":"response.completed",', b": ping\n\n"]


@given(st.lists(st.binary(max_size=60) | st.sampled_from(_SCRAPS), max_size=8))
def test_any_bytes_are_a_stream_or_a_protocol_error(pieces: list[bytes]) -> None:
    for feed in (DIALECT.stream_decoder(THEIRS).feed, DIALECT.tap(ASKED).feed):
        try:
            for piece in pieces:
                feed(piece)
        except UpstreamError:
            pass


@given(st.dictionaries(st.text("xyz", min_size=1), json_values), json_values)
def test_unknown_members_of_an_unchanged_request_keep_their_bytes(members: dict[str, object], inner: object) -> None:
    item = {"role": "user", "content": "hello", "x_inner": inner}
    body = msgspec.json.encode({**members, "model": "m", "input": [item], "temperature": 1})
    sent = DIALECT.encode_request(DIALECT.decode_request(body), THEIRS).body
    assert sent == body.replace(b'"model":"m"', b'"model":"model-of-theirs"')


@given(st.dictionaries(st.text("xyz", min_size=1), json_values, max_size=3), json_values)
def test_unknown_members_of_a_changed_request_come_back_too(members: dict[str, object], inner: object) -> None:
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "x_inner": inner}
    body = msgspec.json.encode({**members, "model": "m", "input": [item]})
    sent = DIALECT.encode_request(replace(DIALECT.decode_request(body), source=None), THEIRS)
    assert sent.adaptations == ()
    told = {name: value for name, value in members.items() if value is not None}
    item = item if inner is not None else {name: value for name, value in item.items() if name != "x_inner"}
    assert msgspec.json.decode(sent.body) == {**told, "model": "model-of-theirs", "input": [item]}
