"""A conversation as `messages`: each tool result is its own message, and what a message cannot hold is noted."""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    ToolCall,
    ToolResult,
)
from meshwright.wire.openai_chat.parts import Notes, image_out, marked, part_out
from meshwright.wire.openai_chat.shape import NAME
from meshwright.wire.openai_chat.sift import NULL, place

FIELD = "messages"
CALL = "tool_calls/"
Json = dict[str, object]


def messages_out(messages: tuple[Message, ...], notes: Notes) -> list[Json]:
    """The `messages` member. Whatever is lost or changed is noted under the field "messages"."""
    turns: list[Json] = []
    kinds: dict[str, str] = {}
    for message in messages:
        if message.id:
            notes.moved(FIELD, "A message in Chat Completions is known by its place, not by an id.")
        if message.role == "tool":
            turns += _results_out(message, kinds, notes)
            continue
        if message.role == "assistant":
            turn = _assistant_out(message, notes)
            kinds.update((part.id, part.kind) for part in message.parts if isinstance(part, ToolCall))
        else:
            role = message.role
            if role == "developer" and "no_developer_role" in notes.quirks:
                role = "system"
                notes.changed(FIELD, "This provider has no developer role; the message was sent as a system message.")
            turn = {"role": role, "content": _content_out(message, notes)}
        if message.name:
            turn["name"] = message.name
        _restore(turn, message.extra, notes)
        _simplify(turn)
        turns.append(turn)
    return turns


def _content_out(message: Message, notes: Notes) -> list[Json | Raw]:
    content: list[Json | Raw] = []
    for part in message.parts:
        if isinstance(part, Refusal):
            notes.dropped(FIELD, "Only an assistant's message has a refusal.")
            continue
        out = part_out(part, notes, FIELD)
        if out is not None:
            content.append(out)
    return content


def _assistant_out(message: Message, notes: Notes) -> Json:
    content: list[Json | Raw] = []
    thoughts: list[str] = []
    calls: list[Json | Raw] = []
    images: list[Json] = []
    refusals: list[str] = []
    turn: Json = {"role": "assistant", "content": content}
    rank = 0
    for part in message.parts:
        order = rank
        match part:
            case Reasoning():
                _think(part, thoughts, notes)
                order = 0
            case ToolCall():
                calls.append(call_out(part, notes, FIELD))
                order = 4
            case Opaque(dialect=dialect, kind=kind, raw=raw) if dialect == NAME and kind.startswith(CALL):
                calls.append(raw)
                order = 4
            case Refusal():
                refusals.append(part.text)
                order = 2
            case Image():
                image = image_out(part, notes, FIELD)
                if image is not None:
                    images.append(image)
                order = 3
            case Audio():
                _speak(part, turn, notes)
                order = 5
            case _:
                out = part_out(part, notes, FIELD)
                if out is not None:
                    content.append(out)
                order = 1
        if order < rank:
            notes.changed(FIELD, "A message in Chat Completions has its calls and sounds after its words.")
        rank = max(rank, order)
    if thoughts:
        if "no_reasoning_input" in notes.quirks:
            notes.dropped(FIELD, "This provider does not take thoughts back.")
        else:
            turn["reasoning_content"] = "".join(thoughts)
    if len(thoughts) > 1:
        notes.changed(FIELD, "Several thoughts of one message were joined.")
    if len(refusals) > 1:
        notes.changed(FIELD, "Several refusals of one message were joined.")
    for name, value in (("refusal", "".join(refusals)), ("images", images), ("tool_calls", calls)):
        if value:
            turn[name] = value
    return turn


def call_out(call: ToolCall, notes: Notes, field: str) -> Json:
    """One element of `tool_calls`."""
    if call.item_id:
        notes.moved(field, "A tool call in Chat Completions has one id only, and it stays.")
    if call.cache is not None:
        notes.dropped(field, "A tool call in Chat Completions takes no cache mark.")
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _think(part: Reasoning, thoughts: list[str], notes: Notes) -> None:
    """Plain thoughts go back as DeepSeek and vLLM take them; what is bound to who made it has no place."""
    if part.text:
        thoughts.append(part.text)
    if part.signature or part.encrypted:
        notes.dropped(FIELD, "Chat Completions has no place for signed or encrypted reasoning.")
    if part.summary:
        notes.dropped(FIELD, "Chat Completions takes no summary of reasoning back.")
    if part.id:
        notes.moved(FIELD, "Reasoning in Chat Completions is known by its place, not by an id.")
    if not (part.text or part.signature or part.encrypted or part.summary):
        notes.dropped(FIELD, "Reasoning without a word was left out.")


def _speak(part: Audio, turn: Json, notes: Notes) -> None:
    if not part.id or "audio" in turn:
        notes.dropped(FIELD, "An assistant's message in Chat Completions names one earlier spoken answer by its id.")
        return
    turn["audio"] = {"id": part.id}
    if part.data or part.format or part.transcript or part.expires_at is not None:
        notes.dropped(FIELD, "An assistant's earlier sound is sent by its id only.")


def _results_out(message: Message, kinds: dict[str, str], notes: Notes) -> list[Json]:
    turns: list[Json] = []
    pictures: list[Json] = []
    if message.name:
        notes.dropped(FIELD, "A tool's message in Chat Completions carries no name.")
    for part in message.parts:
        if not isinstance(part, ToolResult):
            notes.dropped(FIELD, "A tool's message in Chat Completions holds tool results only.")
            continue
        if part.is_error:
            notes.dropped(FIELD, "Chat Completions cannot say that a tool failed; its words say so or nothing does.")
        if part.kind != kinds.get(part.call_id, "function"):
            notes.changed(FIELD, "Chat Completions does not tell a custom tool's result from a function's.")
        turns.append({"role": "tool", "tool_call_id": part.call_id, "content": _result_out(part, pictures, notes)})
    if not turns:
        notes.dropped(FIELD, "A tool's message without a result was left out.")
    for extra in message.extra:
        step, _, path = extra.kind.partition("/")
        number = int(step) if step.isdecimal() else len(turns)
        if number < len(turns):
            _restore(turns[number], (Opaque(extra.dialect, path, extra.raw),), notes)
        else:
            _lost(extra, notes)
    for turn in turns:
        _simplify(turn)
    if pictures:
        turns.append({"role": "user", "content": pictures})
        notes.moved(FIELD, "A tool message in Chat Completions holds text only; images and files follow as the user's.")
    return turns


def _result_out(result: ToolResult, pictures: list[Json], notes: Notes) -> list[Json | Raw]:
    content: list[Json | Raw] = []
    for part in result.parts:
        out = part_out(part, notes, FIELD)
        if out is None:
            continue
        if isinstance(part, Image | File) and not isinstance(out, Raw) and out["type"] != "text":
            pictures += [{"type": "text", "text": f"From the result of tool call {result.call_id}:"}, out]
        else:
            content.append(out)
    if result.cache is not None:
        last = content[-1] if content else None
        if isinstance(last, dict) and "cache_control" not in last:
            marked(last, result.cache, notes, FIELD)
            if "cache_control" in notes.quirks:
                notes.moved(FIELD, "A tool result's cache mark stands on its last part.")
        else:
            notes.dropped(FIELD, "A tool result without parts takes no cache mark.")
    return content


def _restore(turn: Json, extras: tuple[Opaque, ...], notes: Notes) -> None:
    """Put the dialect's own members back where they were; note the others."""
    for extra in extras:
        if extra.dialect != NAME or not place(turn, extra.kind, extra.raw):
            _lost(extra, notes)


def _lost(extra: Opaque, notes: Notes) -> None:
    if extra.dialect != NAME and bytes(extra.raw) == NULL:
        return  # another dialect's mark for itself: nothing that could be lost
    owner = "Chat Completions" if extra.dialect == NAME else extra.dialect
    notes.dropped(FIELD, f"The member {extra.kind} of a message has its place in {owner} only.")


def _simplify(turn: Json) -> None:
    """A single plain text goes as a string, as every provider takes it."""
    content = turn["content"]
    if not isinstance(content, list):
        return
    if not content:
        turn["content"] = None if "tool_calls" in turn or "audio" in turn else ""
    elif len(content) == 1 and isinstance(content[0], dict) and content[0].keys() == {"type", "text"}:
        # An empty text stays in its list: as a string it would read as no part at all.
        turn["content"] = content[0]["text"] or content
