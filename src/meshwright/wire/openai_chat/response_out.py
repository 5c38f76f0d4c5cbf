"""A Response as the body for a client.

Thoughts go out as `reasoning_content`: that is where clients of this dialect look for them, for OpenAI's own API never
shows any. `images` are OpenRouter's, `stop_reason` (the stop sequence) is vLLM's.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from meshwright.types.content import Audio, Image, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finish, Response, TokenProbability
from meshwright.wire.dialect import Encoded
from meshwright.wire.openai_chat.parts import Notes, citation_out, image_out, part_out
from meshwright.wire.openai_chat.shape import NAME
from meshwright.wire.openai_chat.sift import place
from meshwright.wire.openai_chat.turns_out import CALL, Json, call_out
from meshwright.wire.openai_chat.usage import usage_out

FIELD = "choices"

REASONS: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
    "refusal": "content_filter",
    "pause": "stop",
    "context": "length",
    "unknown": "stop",
}
_EXACT = frozenset(("stop", "length", "tool_calls", "content_filter", "error"))


def encode_response(response: Response, request: Request) -> Encoded:
    """The body for the client that sent `request`; the provider's own bytes when it spoke this dialect unchanged."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    legacy = request.source is not None and request.source.dialect == NAME and "functions" in request.source.fields
    body: Json = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": response.model,
        "choices": [_choice_out(choice, legacy, notes) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = usage_out(response.usage, notes)
    if response.service_tier:
        body["service_tier"] = response.service_tier
    for extra in response.extra:
        if extra.dialect != NAME or not place(body, extra.kind, extra.raw):
            notes.dropped(extra.kind, f"Only {extra.dialect} has this member of an answer.")
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def reason_out(finish: Finish | None, notes: Notes) -> str | None:
    """The `finish_reason` for our word."""
    if finish is None:
        return None
    if finish not in _EXACT:
        notes.changed(FIELD, f'Chat Completions has no finish "{finish}"; "{REASONS[finish]}" was sent.')
    return REASONS[finish]


def _choice_out(choice: Choice, legacy: bool, notes: Notes) -> Json:
    message = _message_out(choice.message, notes)
    reason = reason_out(choice.finish, notes)
    if legacy and "tool_calls" in message:
        _as_function_call(message, notes)
        reason = "function_call" if reason == "tool_calls" else reason
    body: Json = {"index": choice.index, "message": message, "finish_reason": reason, "logprobs": None}
    if choice.logprobs is not None or choice.refusal_logprobs is not None:
        body["logprobs"] = {
            "content": None if choice.logprobs is None else probabilities_out(choice.logprobs),
            "refusal": None if choice.refusal_logprobs is None else probabilities_out(choice.refusal_logprobs),
        }
    if choice.stop:
        body["stop_reason"] = choice.stop
    for extra in choice.message.extra:
        inner = extra.kind.removeprefix("choice.")
        where = message if inner == extra.kind else body
        if extra.dialect == NAME and inner == "finish_reason" and where is body:
            body["finish_reason"] = extra.raw
        elif extra.dialect != NAME or not place(where, inner, extra.raw):
            notes.dropped(FIELD, f"The member {inner} of an answer's message has its place in {extra.dialect} only.")
    return body


class _Message:
    """One message in the writing: this dialect has one place for each kind of part, in one order."""

    __slots__ = ("annotations", "audio", "calls", "content", "images", "notes", "rank", "refusals", "thoughts", "words")

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.rank = 0
        self.words: list[str] = []
        self.content: list[Json | Raw] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        self.annotations: list[Json] = []
        self.images: list[Json] = []
        self.calls: list[Json | Raw] = []
        self.audio: Json | None = None

    def add(self, part: Part) -> int:
        """Take one part; returns its rank in the order of this dialect."""
        notes = self.notes
        match part:
            case Reasoning():
                self.thoughts.append(thought_out(part, notes))
                return 0
            case Text():
                self._text(part)
            case Refusal():
                self.refusals.append(part.text)
                return 2
            case Image():
                image = image_out(part, notes, FIELD)
                if image is not None:
                    self.images.append(image)
                return 3
            case ToolCall():
                self.calls.append(call_out(part, notes, FIELD))
                return 4
            case Opaque(dialect=dialect, kind=kind, raw=raw) if dialect == NAME and kind.startswith(CALL):
                self.calls.append(raw)
                return 4
            case Audio():
                self._sound(part)
                return 5
            case _:
                out = part_out(part, notes, FIELD)
                if out is not None:
                    self.content.append(out)
        return 1

    def body(self) -> Json:
        """All words as one string, thoughts, calls and citations beside it."""
        notes = self.notes
        # Parts that are not text were in a list when they came (Mistral), and go out in one.
        listed = len(self.content) > len(self.words)
        if len(self.words) > 1 and not listed:
            notes.changed(FIELD, "An answer in Chat Completions has one text; several were joined.")
        if len(self.thoughts) > 1 or len(self.refusals) > 1:
            notes.changed(FIELD, "An answer in Chat Completions has one thought and one refusal; several were joined.")
        body: Json = {"role": "assistant", "content": None, "refusal": "".join(self.refusals) or None}
        if self.content:
            body["content"] = self.content if listed else "".join(self.words)
        thoughts = "".join(self.thoughts)
        if thoughts:
            body["reasoning_content"] = thoughts
        several = (("annotations", self.annotations), ("images", self.images), ("tool_calls", self.calls))
        body.update((name, value) for name, value in several if value)
        if self.audio is not None:
            body["audio"] = self.audio
        return body

    def _text(self, part: Text) -> None:
        shift = sum(map(len, self.words))
        for citation in part.citations:
            note = citation_out(citation, shift, self.notes, FIELD)
            if note is not None:
                self.annotations.append(note)
        if part.cache is not None:
            self.notes.dropped(FIELD, "An answer has no cache marks.")
        if not part.text:
            self.notes.dropped(FIELD, "A text without a word was left out.")
        self.words.append(part.text)
        self.content.append({"type": "text", "text": part.text})

    def _sound(self, part: Audio) -> None:
        if self.audio is not None:
            self.notes.dropped(FIELD, "An answer in Chat Completions has one sound.")
            return
        if part.format:
            self.notes.dropped(FIELD, "An answer in Chat Completions does not repeat the sound's format.")
        if part.expires_at is None:
            self.notes.changed(FIELD, "A sound in Chat Completions expires; 0 stands for a time that is not known.")
        self.audio = {
            "id": part.id,
            "data": part.data,
            "expires_at": part.expires_at or 0,
            "transcript": part.transcript,
        }


def _message_out(message: Message, notes: Notes) -> Json:
    if message.id or message.name:
        notes.dropped(FIELD, "An answer's message in Chat Completions has no id and no name.")
    writing = _Message(notes)
    for part in message.parts:
        rank = writing.add(part)
        if rank < writing.rank:
            notes.changed(FIELD, "A message in Chat Completions has its calls and sounds after its words.")
        writing.rank = max(writing.rank, rank)
    return writing.body()


def thought_out(part: Reasoning, notes: Notes) -> str:
    """The words of a thought, or of its summary where only that was given."""
    if part.signature or part.encrypted:
        notes.dropped(FIELD, "Chat Completions has no place for signed or encrypted reasoning.")
    if part.id or part.origin:
        notes.moved(FIELD, "Reasoning in Chat Completions is known by its place, not by an id.")
    if part.summary and part.text:
        notes.dropped(FIELD, "Chat Completions shows a thought or its summary, not both.")
    elif part.summary:
        notes.changed(FIELD, "A summary of the reasoning was sent as the reasoning.")
    elif not (part.text or part.signature or part.encrypted):
        notes.dropped(FIELD, "Reasoning without a word was left out.")
    return part.text or "\n\n".join(part.summary)


def _as_function_call(message: Json, notes: Notes) -> None:
    """For a client that asked with `functions`: it looks for one `function_call`."""
    calls = message["tool_calls"]
    if isinstance(calls, list) and calls and isinstance(calls[0], dict) and "function" in calls[0]:
        message["function_call"] = calls[0]["function"]
        del message["tool_calls"]
        if len(calls) > 1:
            notes.dropped(FIELD, "An answer to `functions` calls one function; the other calls were left out.")


def probabilities_out(given: Iterable[TokenProbability]) -> list[Json]:
    """`top_logprobs` of each token; those themselves have none."""
    return [
        {"token": one.token, "logprob": one.logprob, "bytes": one.bytes, "top_logprobs": [_top(top) for top in one.top]}
        for one in given
    ]


def _top(one: TokenProbability) -> Json:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes}
