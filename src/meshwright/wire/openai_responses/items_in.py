"""Items read into messages: a flat list of what was said and done becomes turns.

One item follows the other in this API: a thought, a message, a call, its result. Everything that the model made in a
row is one turn here (`Message`), because every other dialect wants it so: a call belongs to the turn whose words
announce it, and results follow the turn that asked for all of them. What the flat list says beyond that is kept in
`Message.extra`, verbatim:

- `<name>`: a member of the turn's message item (`phase`), or of a message of another role;
- `message.<n>`: a further message item of the turn, which begins before part n, with its members;
- `part.<n>`: unknown members of part n's own JSON, together with its type (and call id) so that they are put back only
  into what they came from; `part.<n>.<m>` the same for part m of a tool result.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and the item types of its OpenAPI
document.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.response import TokenProbability
from meshwright.wire.openai_responses.content_in import Aside, contents
from meshwright.wire.openai_responses.ids import minted
from meshwright.wire.openai_responses.members import ARRAY, NAME, OBJECT, STRING, Members, is_array, read, wrong
from meshwright.wire.sealing import unseal
from meshwright.wire.verbatim import raw_of

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


class Turns:
    """Takes items and makes messages of them.

    `answer`: the items are a model's output: all of them are one turn, `heard` collects the tokens' probabilities, and
    an item's status, which follows from the answer's own, is left out. `changed` says that an item bore marks of ours,
    which no provider must see.
    """

    def __init__(self, *, answer: bool = False) -> None:
        self.heard: list[TokenProbability] = []
        self.changed = False
        self._answer = answer
        self._done: list[Message] = []
        self._begin(None)

    def _begin(self, role: Role | None) -> None:
        self._role = role
        self._id = ""
        self._parts: list[Part] = []
        self._extra: list[Opaque] = []
        self._spoke = False
        self._asked = False

    def add(self, raw: Raw, path: str) -> None:
        """Take one more item. Raises msgspec.ValidationError that names the member."""
        members = Members(raw, path)
        match members.text("type") or _implied(members):
            case "message":
                self._message(members)
            case "function_call" | "custom_tool_call" as kind:
                self._call(members, kind)
            case "function_call_output" | "custom_tool_call_output" as kind if not self._answer:
                self._result(members, kind)
            case "reasoning":
                self._thought(members)
            case kind:
                # Hosted tools and whatever comes after them: the client's own items are those that answer something.
                theirs = kind.endswith("_output") or kind == "mcp_approval_response"
                self._turn("tool" if theirs and not self._answer else "assistant")
                self._parts.append(Opaque(NAME, f"item.{kind}", raw))

    def say(self, message: Message) -> None:
        """A message that is complete already."""
        self._end()
        self._done.append(message)

    def messages(self) -> tuple[Message, ...]:
        """All turns."""
        self._end()
        return tuple(self._done)

    def turn(self) -> Message:
        """The one turn of an answer."""
        return self._whole("assistant")

    def _turn(self, role: Role) -> None:
        if self._role != role:
            self._end()
            self._begin(role)

    def _end(self) -> None:
        if self._role is None:
            return
        self._done.append(self._whole(self._role))
        self._begin(None)

    def _whole(self, role: Role) -> Message:
        id, extra = self._id, self._extra
        silent = all(isinstance(part, Reasoning | ToolCall) for part in self._parts)
        if silent and [one.kind for one in extra] == [f"message.{len(self._parts)}"]:
            # An empty message is the last of it: nothing to keep apart, unless nothing else would tell of it.
            members = OBJECT.decode(extra[0].raw)
            if members or not (self._answer or self._parts):
                id = STRING.decode(members.pop("id", _NAMELESS))
                extra = _asides(members)
        return Message(role, tuple(self._parts), id=id, extra=tuple(extra))

    def _message(self, members: Members) -> None:
        word = members.need("role", STRING)
        role = _ROLES.get(word)
        if role is None:
            raise wrong(f"Invalid enum value {word!r}; a message is of {', '.join(_ROLES)}", f"{members.path}.role")
        id = self._item_id(members)
        found = contents(members.raw("content"), f"{members.path}.content", self.heard if self._answer else None)
        rest = self._rest(members)
        if role != "assistant" and not self._answer:
            self._end()
            self._begin(role)
            self._id = id
            self._extra += _asides(rest)
            self._contents(found)
            self._end()
            return
        if self._role == "assistant" and self._adjoins(len(self._parts)) and not self._asked and not self._answer:
            self._end()  # two messages in a row are two turns, unless a call waits for its result
        self._turn("assistant")
        place = len(self._parts)
        further = self._spoke and (id or rest or self._adjoins(place))
        if further or not found:
            self._extra.append(_kept(f"message.{place}", {**({"id": raw_of(id)} if id else {}), **rest}))
        elif not self._spoke:
            self._id = id
            self._extra += _asides(rest)
        self._spoke = True
        self._contents(found)

    def _adjoins(self, place: int) -> bool:
        """Whether a message that begins here would be taken for a part of the one before it."""
        if any(one.kind == f"message.{place}" for one in self._extra):
            return True
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Opaque):
            return not last.kind.startswith("item.")
        return last is not None and not isinstance(last, ToolCall | ToolResult | Reasoning)

    def _contents(self, found: list[tuple[Part, Aside]]) -> None:
        for part, rest in found:
            if rest:
                self._aside({"type": raw_of(word(part))}, rest)
            self._parts.append(part)

    def _call(self, members: Members, kind: str) -> None:
        self._turn("assistant")
        self._asked = True
        call = ToolCall(
            id=members.need("call_id", STRING),
            name=members.need("name", STRING),
            arguments=members.text(_CALLS[kind]),
            kind="custom" if kind == "custom_tool_call" else "function",
            item_id=self._item_id(members),
        )
        rest = self._rest(members)
        if rest:
            self._aside({"type": raw_of(kind), "call_id": raw_of(call.id)}, rest)
        self._parts.append(call)

    def _result(self, members: Members, kind: str) -> None:
        self._turn("tool")
        call_id = members.need("call_id", STRING)
        if "output" not in members.left:
            raise wrong("Object missing required field `output`", members.path)
        output = members.raw("output")
        raws = ARRAY.decode(output) if output is not None and is_array(output) else []
        parts: list[Text | Image | File | Opaque] = []
        for number, (part, rest) in enumerate(contents(output, f"{members.path}.output", None)):
            if not isinstance(part, Text | Image | File | Opaque):
                part, rest = Opaque(NAME, word(part), raws[number]), {}
            if rest:
                self._aside({"type": raw_of(word(part))}, rest, f".{number}")
            parts.append(part)
        rest = self._rest(members)
        if rest:
            self._aside({"type": raw_of(kind), "call_id": raw_of(call_id)}, rest)
        custom = kind == "custom_tool_call_output"
        self._parts.append(ToolResult(call_id=call_id, parts=tuple(parts), kind="custom" if custom else "function"))

    def _thought(self, members: Members) -> None:
        self._turn("assistant")
        encrypted = members.text("encrypted_content")
        rest: Aside = {}
        read_texts = {}
        for name, tag in (("summary", "summary_text"), ("content", "reasoning_text")):
            raw = members.raw(name)
            texts, plain = _texts(raw, f"{members.path}.{name}", tag)
            read_texts[name] = texts
            if raw is not None and (not plain or (name == "content" and len(texts) > 1)):
                rest[name] = raw  # says more than its words in one piece
        thought = Reasoning(
            text="".join(read_texts["content"]),
            summary=read_texts["summary"],
            encrypted=encrypted,
            id=self._item_id(members),
        )
        bound = None if self._answer else unseal(encrypted)
        if bound is not None:
            self.changed = True
            thought = msgspec.structs.replace(
                thought, signature=bound.signature, encrypted=bound.encrypted, origin=bound.origin
            )
        rest.update(self._rest(members))
        if rest:
            self._aside({"type": raw_of("reasoning")}, rest)
        self._parts.append(thought)

    def _item_id(self, members: Members) -> str:
        id = members.text("id")
        if id and minted(id):
            self.changed = True
            return ""
        return id

    def _rest(self, members: Members) -> Aside:
        """Unknown members. That an item is complete is not worth a word."""
        status = members.left.get("status")
        if status is not None and (self._answer or status == _COMPLETED):
            del members.left["status"]
        return members.rest()

    def _aside(self, guard: Aside, rest: Aside, below: str = "") -> None:
        self._extra.append(_kept(f"part.{len(self._parts)}{below}", {**guard, **rest}))


def word(part: Part) -> str:
    """What the API calls such a content part in a request."""
    match part:
        case Text():
            return "text"
        case Refusal():
            return "refusal"
        case Image():
            return "input_image"
        case File():
            return "input_file"
        case Audio():
            return "input_audio"
        case Opaque():
            return part.kind
        case _:
            raise TypeError(f"{type(part).__name__} is an item, no content part.")


def _implied(members: Members) -> str:
    """The type of an item that does not say it: the API lets a message and a reference go without."""
    if "role" in members.left:
        return "message"
    if "id" in members.left:
        return "item_reference"
    raise wrong("Object missing required field `type`", members.path)


def _kept(kind: str, members: Aside) -> Opaque:
    return Opaque(NAME, kind, raw_of(members))


def _asides(rest: Aside) -> list[Opaque]:
    return [Opaque(NAME, name, raw) for name, raw in rest.items()] if rest else []


def _texts(raw: Raw | None, path: str, tag: str) -> tuple[tuple[str, ...], bool]:
    """The words of a thought's texts, and whether the words are all that there is to them."""
    texts: list[str] = []
    plain = True
    found = None if raw is None else read(ARRAY, raw, path)
    for number, one in enumerate(found or ()):
        members = Members(one, f"{path}[{number}]")
        plain &= members.text("type") == tag
        texts.append(members.text("text"))
        plain &= not members.rest()
    return tuple(texts), plain


_COMPLETED = raw_of("completed")
_NAMELESS = raw_of("")
