"""Every dialect to every other: a rich conversation survives, and whatever does not is named."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from meshwright.types.content import Citation, Image, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Adaptation, OutputFormat, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect, Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.gemini.address import with_model
from meshwright.wire.strictness import ALWAYS
from tests.wire.alike import plain_part, unlike
from tests.wire.strategies import changed_fields, raw, requests, responses

ORIGIN = "somebody/model"
THEIRS = Target("claude-sonnet-4-5", ORIGIN, max_output=8192)
PAIRS = [pytest.param(*pair, id=" to ".join(pair)) for pair in itertools.permutations(CODECS, 2)]
CHATS = [name for name in CODECS if name != "openai_completions"]  # one prompt, one text: no conversation survives that
RICH_PAIRS = [pytest.param(*pair, id=" to ".join(pair)) for pair in itertools.permutations(CHATS, 2)]
slow = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)

# An id has the form of its dialect, and Messages has no place for the time. Neither is the caller's.
UNTOLD = {"id", "created"}
# What a dialect has no place for, of the conversation below; that it is named is tested with any values further down.
WITHOUT_ADDRESSES = {"bedrock_converse", "ollama"}  # of pictures
WITHOUT_CACHE_COUNTS = {"ollama"}
WITHOUT_CITATIONS = {"ollama", "openai_completions"}
NAMELESS = {"bedrock_converse"}  # answers do not say which model made them
ALWAYS_STRICT = {"bedrock_converse"}  # a schema is always kept to, without saying so
SCHEMA = raw({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CITIES = raw(
    {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"], "additionalProperties": False}
)
RICH = Request(
    model=THEIRS.model,
    messages=(
        Message("system", (Text("Be brief."),)),
        Message(
            "user", (Text("Which is warmer, and what is this?"), Image(data="iVBORw0KGgo=", media_type="image/png"))
        ),
        Message(
            "assistant",
            (
                Text("I look it up."),
                ToolCall(id="call_1", name="weather", arguments='{"city":"Lyon"}'),
                ToolCall(id="call_2", name="weather", arguments='{"city":"Oslo"}'),
            ),
        ),
        Message(
            "tool",
            (
                ToolResult(call_id="call_1", parts=(Text("21 degrees"),)),
                ToolResult(call_id="call_2", parts=(Text("8 degrees"),)),
            ),
        ),
        Message("user", (Text("And? See also"), Image(url="https://example.org/cat.png"))),
    ),
    max_tokens=2000,
    temperature=0.5,
    tools=(
        ToolSpec(name="weather", description="The weather of a city.", schema=SCHEMA),
        ToolSpec(name="clock", schema=SCHEMA),
    ),
    tool_choice=ToolChoice("auto"),
    parallel_tools=True,
    output=OutputFormat(kind="schema", name="answer", schema=CITIES, strict=True),
    stream=True,
    stream_usage=True,
)
ANSWER = Response(
    id="answer_1",
    model="model",
    created=1700000000,
    choices=(
        Choice(
            message=Message(
                "assistant",
                (
                    Reasoning(text="Lyon is south."),
                    Text("Both:"),
                    ToolCall(id="call_1", name="weather", arguments='{"city":"Lyon"}'),
                    ToolCall(id="call_2", name="weather", arguments='{"city":"Oslo"}'),
                ),
            ),
            finish="tool_calls",
        ),
    ),
    usage=Usage(input=10, cache_read=4, output=7),
)


def named(adaptations: Iterable[Adaptation]) -> set[str]:
    return {one.field.split("[")[0].split(".")[0] for one in adaptations}


def untold(name: str) -> set[str]:
    """The fields of an answer that this dialect has no place for, and that no client misses."""
    return UNTOLD | {"model"} if name in NAMELESS else UNTOLD


def sayable(parts: Iterable[object], *names: str) -> list[object]:
    """The parts that each of these dialects can say."""
    silent = not WITHOUT_ADDRESSES.isdisjoint(names)
    return [part for part in parts if not (silent and isinstance(part, Image) and part.url)]


def counted(usage: Usage | None, *names: str) -> Usage | None:
    """The usage as each of these dialects can tell it."""
    if usage is None or WITHOUT_CACHE_COUNTS.isdisjoint(names):
        return usage
    return Usage(input=usage.total_input, output=usage.total_output)


def understood(dialect: Dialect, body: bytes, request: Request) -> Request:
    """The body as the dialect's server means it, with what the path says where the dialect says it there."""
    meant = dialect.decode_request(body)
    return meant if dialect.path_of is None else with_model(meant, THEIRS.model, request.stream)


def relayed(request: Request, first: Dialect, second: Dialect) -> tuple[Request, Request, set[str]]:
    """The request as the first dialect's client means it, as the second's provider reads it, and what was lost."""
    sent = first.encode_request(msgspec.structs.replace(request, source=None), THEIRS)
    meant = understood(first, sent.body, request)
    encoded = second.encode_request(meant, THEIRS)
    return meant, understood(second, encoded.body, request), named(encoded.adaptations)


def shown(parts: Iterable[object]) -> list[object]:
    """Parts by what they say: calls with their arguments as values."""
    found: list[object] = []
    for part in parts:
        match part:
            case ToolCall():
                found.append((part.id, part.name, msgspec.json.decode(part.arguments)))
            case ToolResult():
                found.append((part.call_id, "".join(one.text for one in part.parts if isinstance(one, Text))))
            case Image():
                found.append(part.url or (part.data, part.media_type))
            case Text() | Refusal():
                found.append(part.text)
            case Reasoning():
                found.append(("thought", part.text or "\n\n".join(part.summary)))
    return found


@pytest.mark.parametrize(("one", "other"), RICH_PAIRS)
def test_a_rich_request_survives(one: str, other: str) -> None:
    meant, read, lost = relayed(RICH, CODECS[one], CODECS[other])
    assert [(turn.role, shown(turn.parts)) for turn in read.messages] == [
        (turn.role, shown(sayable(turn.parts, one, other))) for turn in RICH.messages
    ]
    assert (read.model, read.stream, read.max_tokens, read.temperature) == (THEIRS.model, True, 2000, 0.5)
    assert [(tool.name, tool.description) for tool in read.tools] == [
        ("weather", "The weather of a city."),
        ("clock", ""),
    ]
    assert [msgspec.json.decode(tool.schema or b"") for tool in read.tools] == [msgspec.json.decode(SCHEMA)] * 2
    assert read.output is not None
    assert msgspec.json.decode(read.output.schema or b"") == msgspec.json.decode(CITIES)
    assert changed_fields(meant, read, ("messages", "tools", "output", "tool_choice", "parallel_tools")) <= lost


@pytest.mark.parametrize(("one", "other"), RICH_PAIRS)
def test_a_rich_answer_survives(one: str, other: str) -> None:
    first, second = CODECS[one], CODECS[other]
    answer = first.decode_response(first.encode_response(ANSWER, RICH).body, THEIRS)
    encoded = second.encode_response(answer, RICH)
    read = second.decode_response(encoded.body, THEIRS)
    assert shown(read.choices[0].message.parts) == shown(ANSWER.choices[0].message.parts)
    assert (read.choices[0].finish, read.usage) == ("tool_calls", counted(ANSWER.usage, one, other))
    assert changed_fields(answer, read) <= named(encoded.adaptations) | untold(other)


@pytest.mark.parametrize(("one", "other"), RICH_PAIRS)
@pytest.mark.parametrize("size", [1, 17, 100_000])
def test_a_rich_stream_survives_however_it_is_cut(one: str, other: str, size: int) -> None:
    first, second = CODECS[one], CODECS[other]
    encoder, decoder = first.stream_encoder(RICH), first.stream_decoder(THEIRS)
    stream = encoder.feed(unfold(ANSWER))
    towards = second.stream_encoder(RICH)
    out = b"".join(towards.feed(decoder.feed(stream[start : start + size])) for start in range(0, len(stream), size))
    assert decoder.ended
    last = second.stream_decoder(THEIRS)
    read = fold(last.feed(out))
    assert last.ended
    assert shown(read.choices[0].message.parts) == shown(ANSWER.choices[0].message.parts)
    assert (read.choices[0].finish, read.usage) == ("tool_calls", counted(ANSWER.usage, one, other))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_stream_that_fails_is_never_mistaken_for_a_finish(one: str, other: str) -> None:
    first, second = CODECS[one], CODECS[other]
    encoder, decoder, towards = first.stream_encoder(RICH), first.stream_decoder(THEIRS), second.stream_encoder(RICH)
    last = second.stream_decoder(THEIRS)
    opening = [delta for delta in unfold(ANSWER) if type(delta).__name__ not in ("Finished", "UsageDelta", "Ended")]
    read = list(last.feed(towards.feed(decoder.feed(encoder.feed(opening)))))
    failure = InvalidRequest("It broke.")
    read += last.feed(towards.feed(decoder.feed(encoder.fail(failure))))
    kinds = [type(delta).__name__ for delta in read]
    assert kinds[-1] == "Failed"
    assert "Finished" not in kinds
    assert "Ended" not in kinds


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_signed_thoughts_stay_with_the_one_who_signed_them(one: str, other: str) -> None:
    thought = Reasoning(text="Hidden.", signature="c2ln", encrypted="", origin=ORIGIN)
    request = Request(
        model=THEIRS.model,
        max_tokens=100,
        messages=(
            Message("user", (Text("a"),)),
            Message("assistant", (thought, Text("b"))),
            Message("user", (Text("c"),)),
        ),
    )
    encoded = CODECS[other].encode_request(request, Target("model", "another/model", max_output=100))
    if other != one:
        assert b"c2ln" not in encoded.body
        assert "messages" in named(encoded.adaptations)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_cited_page_is_cited_or_named(one: str, other: str) -> None:
    first, second = CODECS[one], CODECS[other]
    page = Citation(kind="url", url="https://example.org", title="T", start=0, end=3)
    answer = Response(
        id="a",
        model="m",
        choices=(Choice(message=Message("assistant", (Text("abc", citations=(page,)),)), finish="stop"),),
        usage=Usage(input=1, output=1),
    )
    cited = first.encode_response(answer, RICH)
    encoded = second.encode_response(first.decode_response(cited.body, THEIRS), RICH)
    read = second.decode_response(encoded.body, THEIRS)
    assert read.text == "abc"
    unsaid = cited if one in WITHOUT_CITATIONS else encoded
    assert b"https://example.org" in encoded.body or "choices" in named(unsaid.adaptations)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_whatever_a_request_loses_on_the_way_is_named(one: str, other: str) -> None:
    first, second = CODECS[one], CODECS[other]

    @slow
    @given(requests())
    def whatever(request: Request) -> None:
        try:
            meant = understood(first, first.encode_request(request, THEIRS).body, request)
        except InvalidRequest:
            return  # nothing that this dialect could carry was left
        encoded = second.encode_request(meant, THEIRS)
        lost = named(encoded.adaptations)
        try:
            read = understood(second, encoded.body, meant)
        except InvalidRequest:
            assert "messages" in lost or not meant.messages
            return
        unsaid = {one.kind for one in meant.extra} - {one.field for one in encoded.adaptations}
        assert unsaid == set()
        if other in ALWAYS_STRICT and meant.output is not None and meant.output.strict:
            meant = msgspec.structs.replace(meant, output=msgspec.structs.replace(meant.output, strict=None))
        form = meant.output
        if (
            one in ALWAYS
            and form is not None
            and form.strict is None
            and read.output is not None
            and read.output.strict
        ):
            # There a schema is kept to without a word for it. OpenAI's models are told, and an object that requires
            # nothing says so to them.
            form = msgspec.structs.replace(form, strict=True, schema=read.output.schema)
            meant = msgspec.structs.replace(meant, output=form)
        assert unlike(meant, read) <= lost

    whatever()


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_whatever_an_answer_loses_on_the_way_is_named(one: str, other: str) -> None:
    first, second = CODECS[one], CODECS[other]

    @slow
    @given(responses().filter(lambda answer: answer.choices[0].finish != "error"))
    def whatever(answer: Response) -> None:
        given_answer = first.decode_response(first.encode_response(answer, RICH).body, THEIRS)
        encoded = second.encode_response(given_answer, RICH)
        read = second.decode_response(encoded.body, THEIRS)
        lost = changed_fields(given_answer, read, ("extra", "usage", *untold(other)))
        if given_answer.choices and read.choices and words(given_answer) == words(read):
            lost.discard("choices")
        if not given_answer.service_tier:
            lost.discard("service_tier")
        unsaid = {one.kind for one in given_answer.extra} - {one.field for one in encoded.adaptations}
        assert unsaid == set()
        assert lost <= named(encoded.adaptations)

    whatever()


def words(answer: Response) -> list[object]:
    """The choices by what they say."""
    found: list[object] = []
    for choice in answer.choices:
        parts = [plain_part(part) for part in choice.message.parts if part not in (Text(""), Refusal(""))]
        found.append((choice.index, choice.finish, choice.stop, choice.logprobs, parts))
    return found
