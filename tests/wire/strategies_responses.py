"""Hypothesis strategies for what the Responses API can carry."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.openai_responses.request_in import INSTRUCTIONS
from tests.wire.strategies import (
    EFFORTS,
    addresses,
    base64s,
    counts,
    maybe_words,
    names,
    raw,
    raw_objects,
    schemas,
    words,
)
from tests.wire.strategies import arguments as json_texts
from tests.wire.strategies import ids as call_ids
from tests.wire.strategies_schemas import kept_schemas

NAME = "openai_responses"
ORIGIN = "somebody/model"
THEIRS = Target("model-of-theirs", ORIGIN)
ASKED = Request(model="m", messages=(Message("user", (Text("hi"),)),), stream=True, stream_usage=True)

own = st.just(NAME)
item_numbers = st.integers(0, 999)
message_ids = st.just("") | item_numbers.map(lambda number: f"msg_{number}")
thought_ids = item_numbers.map(lambda number: f"rs_{number}")

images = st.one_of(
    st.builds(Image, url=addresses, detail=st.sampled_from(["", "low", "auto"])),
    st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/jpeg"])),
    st.builds(Image, file_id=call_ids, detail=st.sampled_from(["", "high"])),
)
files = st.one_of(
    st.builds(File, data=base64s, media_type=st.sampled_from(["", "application/pdf"]), name=names),
    st.builds(File, url=addresses, name=st.just("") | names),
    st.builds(File, file_id=call_ids),
)
sounds = st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3"]))
plain = st.builds(Text, maybe_words)
citations = st.one_of(
    st.builds(
        Citation,
        kind=st.just("url"),
        url=addresses,
        title=maybe_words,
        start=st.integers(0, 9),
        end=st.integers(0, 9),
    ),
    st.builds(Citation, kind=st.just("file"), file_id=call_ids, title=maybe_words, start=st.integers(0, 9)),
)
said = st.one_of(
    st.builds(Text, maybe_words, citations=st.lists(citations, max_size=2).map(tuple)), st.builds(Refusal, maybe_words)
)


def content(*kinds: str) -> st.SearchStrategy[Opaque]:
    """A content part of a type that nobody knows yet."""
    found = st.sampled_from(kinds or ("x_new",))
    return st.builds(lambda kind, word: Opaque(NAME, kind, raw({"type": kind, "x": word})), found, words)


def items(*kinds: str) -> st.SearchStrategy[Opaque]:
    """An item of a hosted tool."""
    found = st.sampled_from(kinds)
    return st.builds(
        lambda kind, word: Opaque(NAME, f"item.{kind}", raw({"type": kind, "id": word, "status": "completed"})),
        found,
        words,
    )


made_items = items("web_search_call", "code_interpreter_call", "mcp_call", "x_new_call")
given_items = items("computer_call_output", "local_shell_call_output", "mcp_approval_response")
thoughts = st.one_of(
    st.builds(
        Reasoning,
        text=maybe_words,
        summary=st.lists(maybe_words, max_size=2).map(tuple),
        encrypted=st.just("") | call_ids,
        id=thought_ids,
    ),
    st.builds(Reasoning, summary=st.lists(words, max_size=2).map(tuple), encrypted=call_ids),
)
calls = st.one_of(
    st.builds(
        ToolCall,
        id=call_ids,
        name=names,
        arguments=json_texts,
        item_id=st.just("") | item_numbers.map(lambda number: f"fc_{number}"),
    ),
    st.builds(
        ToolCall,
        id=call_ids,
        name=names,
        arguments=maybe_words,
        kind=st.just("custom"),
        item_id=st.just("") | item_numbers.map(lambda number: f"ctc_{number}"),
    ),
)
results = st.builds(
    ToolResult,
    call_id=call_ids,
    parts=st.lists(st.one_of(plain, images, files, content()), max_size=2).map(tuple),
    kind=st.sampled_from(["function", "custom"]),
)
phases = st.just(()) | st.sampled_from(["commentary", "final_answer"]).map(
    lambda phase: (Opaque(NAME, "phase", raw(phase)),)
)


def _turn(parts: list[Part], id: str, extra: tuple[Opaque, ...]) -> Message:
    """A turn with an id and members of its own only if it holds a message item that can bear them."""
    speaks = any(_said(part) for part in parts)
    return Message("assistant", tuple(parts), id=id if speaks else "", extra=extra if speaks else ())


def _said(part: Part) -> bool:
    return isinstance(part, Text | Refusal) or (isinstance(part, Opaque) and not part.kind.startswith("item."))


turns = st.builds(
    _turn,
    st.lists(st.one_of(said, content(), thoughts, calls, made_items), min_size=1, max_size=4),
    message_ids,
    phases,
)


def _apart(messages: list[Message]) -> tuple[Message, ...]:
    """Turns of the assistant or of tools do not follow one another: the flat list would make one of them."""
    kept = [messages[0]]
    for before, message in itertools.pairwise(messages):
        if message.role not in ("assistant", "tool") or message.role != before.role:
            kept.append(message)
        else:
            kept += [Message("user", (Text("and"),)), message]
    return tuple(kept)


def _instructed(messages: tuple[Message, ...], instructions: str) -> tuple[Message, ...]:
    if not instructions:
        return messages
    return (Message("system", (Text(instructions),), extra=(INSTRUCTIONS,)), *messages)


def conversations() -> st.SearchStrategy[tuple[Message, ...]]:
    """What `instructions` and `input` can hold."""
    given = st.builds(
        Message,
        st.sampled_from(["user", "system", "developer"]),
        st.lists(st.one_of(plain, images, files, sounds, content()), max_size=3).map(tuple),
        id=message_ids,
    )
    tool = st.builds(
        Message, st.just("tool"), st.lists(st.one_of(results, given_items), min_size=1, max_size=3).map(tuple)
    )
    some = st.lists(st.one_of(given, turns, tool), min_size=1, max_size=4).map(_apart)
    return st.builds(_instructed, some, st.just("") | words)


functions = st.builds(
    ToolSpec,
    name=names,
    description=maybe_words,
    schema=st.none() | schemas,
    strict=st.just(False),  # strict schemas are narrowed: see test_strictness
    extra=st.just(()) | st.just((Opaque(NAME, "defer_loading", raw(True)),)),
)
customs = st.builds(
    ToolSpec,
    name=names,
    description=maybe_words,
    kind=st.just("custom"),
    grammar=st.none() | st.just(raw({"type": "grammar", "syntax": "regex", "definition": "a+"})),
)
hosted = content("web_search", "file_search").map(lambda tool: ToolSpec(name=tool.kind, kind="hosted", hosted=tool))
choices = st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
    st.builds(ToolChoice, st.just("tool"), st.tuples(names)),
    st.builds(ToolChoice, st.sampled_from(["auto", "required"]), st.lists(names, min_size=1, max_size=2).map(tuple)),
)
formats = st.one_of(
    st.builds(OutputFormat, kind=st.sampled_from(["text", "json"])),
    st.builds(
        OutputFormat,
        kind=st.just("schema"),
        name=names,
        description=maybe_words,
        schema=kept_schemas,
        strict=st.none() | st.booleans(),
    ),
)
members = st.dictionaries(
    st.sampled_from(["background", "truncation", "conversation", "prompt", "safety_identifier", "x_new"]),
    raw_objects,
    max_size=2,
).map(lambda found: tuple(Opaque(NAME, name, found[name]) for name in sorted(found)))


def _choosing(request: Request) -> Request:
    """Without a wish for a tool where there is none."""
    wished = request.tool_choice is not None and request.tool_choice.mode in ("required", "tool")
    return msgspec.structs.replace(request, tool_choice=None) if wished and not request.tools else request


@st.composite
def carried_requests(draw: st.DrawFn) -> Request:
    """A request of which nothing is lost. A stream always tells its usage."""
    stream = draw(st.booleans())
    maybe = st.none
    return draw(
        st.builds(
            Request,
            model=st.just("model-of-theirs"),
            messages=conversations(),
            stream=st.just(stream),
            stream_usage=st.just(stream),
            max_tokens=maybe() | st.integers(16, 4096),
            temperature=maybe() | st.sampled_from([0.0, 0.5, 2.0]),
            top_p=maybe() | st.sampled_from([0.25, 1.0]),
            logprobs=st.booleans(),
            top_logprobs=maybe() | st.integers(0, 20),
            tools=st.lists(st.one_of(functions, customs, hosted), max_size=3, unique_by=lambda one: one.name).map(
                tuple
            ),
            tool_choice=maybe() | choices,
            parallel_tools=maybe() | st.booleans(),
            output=maybe() | formats,
            reasoning=maybe()
            | st.builds(
                ReasoningControl, effort=maybe() | st.sampled_from(EFFORTS), summary=st.sampled_from(["", "auto"])
            ),
            verbosity=st.sampled_from(["", "low"]),
            user=st.just("") | names,
            metadata=maybe() | st.dictionaries(names, names, max_size=2).map(raw),
            cache_key=st.just("") | names,
            service_tier=st.sampled_from(["", "flex"]),
            store=maybe() | st.booleans(),
            previous_response_id=st.just("") | call_ids,
            extra=members,
        ).map(_choosing)
    )


probabilities = st.builds(
    TokenProbability,
    token=words,
    logprob=st.sampled_from([-0.5, -2.0]),
    bytes=st.none() | st.just((104, 105)),
    top=st.lists(st.builds(TokenProbability, token=words, logprob=st.just(-1.0)), max_size=2).map(tuple),
)
usages = st.builds(
    Usage, input=counts, cache_read=counts, cache_write=counts, output=counts, reasoning=st.just(0) | counts
)


def _answer(message: Message, finish: str, heard: tuple[TokenProbability, ...]) -> Choice:
    bound = tuple(
        msgspec.structs.replace(part, origin=ORIGIN) if isinstance(part, Reasoning) and part.encrypted else part
        for part in message.parts
    )
    calls_tools = any(isinstance(part, ToolCall) for part in bound)
    speaks = any(isinstance(part, Text) for part in bound)
    return Choice(
        message=msgspec.structs.replace(message, parts=bound),
        finish="tool_calls" if calls_tools and finish == "stop" else finish,  # type: ignore[arg-type]
        logprobs=heard if speaks and heard else None,
    )


def carried_responses() -> st.SearchStrategy[Response]:
    """An answer of which nothing is lost: its sealed thoughts have the id that their maker gave them."""
    thought = thoughts.filter(lambda one: bool(one.id))
    message = st.builds(
        _turn, st.lists(st.one_of(said, content(), thought, calls, made_items), max_size=4), message_ids, phases
    )
    choice = st.builds(
        _answer,
        message,
        st.sampled_from(["stop", "length", "content_filter"]),
        st.lists(probabilities, max_size=2).map(tuple),
    )
    extra = st.dictionaries(st.sampled_from(["billing", "moderation", "x_new"]), raw_objects, max_size=2)
    return st.builds(
        Response,
        id=call_ids.map("resp_{}".format),
        model=names,
        created=counts,
        choices=st.tuples(choice),
        usage=st.none() | usages,
        service_tier=st.sampled_from(["default", "flex"]),
        extra=extra.map(lambda found: tuple(Opaque(NAME, name, found[name]) for name in sorted(found))),
    )
