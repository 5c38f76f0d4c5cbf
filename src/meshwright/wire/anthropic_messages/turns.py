"""Messages into `system` and `messages`.

Source: https://platform.claude.com/docs/en/api/messages/create (the API joins turns of one role that follow each other;
an answer's tool results stand at the beginning of the next user's turn) and
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from meshwright.types.content import Message, Opaque, Text, ToolCall
from meshwright.wire.anthropic_messages.blocks_out import Wire, Writer, shortened
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.claude import Generation
from meshwright.wire.dialect import Target
from meshwright.wire.notes import Notes

SYSTEM_TURNS = "system_turns"
"""The quirk of a provider that takes the role `system` within `messages` (for the models that know it)."""

_GO_ON = "Continue exactly where your last message ends."


class _Turn:
    """A turn in the making. `answers` counts the tool results at its beginning."""

    __slots__ = ("answers", "blocks", "extra", "role")

    def __init__(self, role: str, blocks: list[Wire], answers: int = 0) -> None:
        self.role = role
        self.blocks = blocks
        self.answers = answers
        self.extra: dict[str, Raw] = {}

    def wire(self) -> dict[str, object]:
        return {"role": self.role, "content": shortened(self.blocks), **self.extra}


class Turns:
    """Sorts messages into `system` blocks and turns."""

    def __init__(self, target: Target, takes: Generation, notes: Notes) -> None:
        self._writer = Writer(notes, target.origin)
        self._takes = takes
        self._notes = notes
        self._native_system = takes.system_turns and SYSTEM_TURNS in target.quirks
        self._called = False
        self.system: list[Wire] = []
        self.turns: list[_Turn] = []

    def add(self, messages: Sequence[Message]) -> None:
        """Sort all messages of a request."""
        first = next((i for i, one in enumerate(messages) if one.role not in ("system", "developer")), len(messages))
        for message in messages[:first]:
            self._lead(message)
        for index, message in enumerate(messages[first:], first):
            self._named(message)
            match message.role:
                case "system" | "developer":
                    last = index + 1 == len(messages) or messages[index + 1].role == "assistant"
                    self._instruct(message, last)
                case "assistant":
                    self._answer(message)
                case "tool":
                    self._results(message)
                case _:
                    self._ask(message)
        if not self.turns:
            self._notes.changed("messages", "A request needs a turn: the instructions are sent as the user's.")
            self.turns.append(_Turn("user", self.system))
            self.system = []
        if self._takes.strict:
            self._close()

    def _lead(self, message: Message) -> None:
        """Instructions at the beginning are the `system` of the request."""
        self._named(message)
        if message.role == "developer":
            self._notes.moved("messages.role", "What the developer says is said in `system`.")
        if self.system:
            self._notes.moved("messages.system", "All instructions at the beginning are one `system`.")
        self._extra(message, None)
        self.system += self._blocks(self._spoken(message))

    def _blocks(self, message: Message) -> list[Wire]:
        """The message's blocks, without texts that Claude models refuse: blank ones, where there are no others."""
        blocks = self._writer.blocks(message)
        texts = [str(one["text"]) for one in blocks if isinstance(one, dict) and one["type"] == "text"]
        if not texts or not self._takes.strict or any(map(str.strip, texts)):
            return blocks
        self._notes.dropped("messages.blank", "Text of white space alone is refused here.")
        return [one for one in blocks if not (isinstance(one, dict) and one["type"] == "text")]

    def _spoken(self, message: Message) -> Message:
        """The message without parts that instructions cannot have."""
        parts = tuple(part for part in message.parts if isinstance(part, Text | Opaque))
        if len(parts) == len(message.parts):
            return message
        self._notes.dropped("messages.system_parts", "Instructions are text here.")
        return Message(message.role, parts)

    def _instruct(self, message: Message, last: bool) -> None:
        """Instructions in mid-conversation, marked as such, where the model does not know them as a turn."""
        message = self._spoken(message)
        after_user = bool(self.turns) and self.turns[-1].role == "user"
        if self._native_system and last and after_user:
            if message.role == "developer":
                self._notes.moved("messages.role", "What the developer says is said by the role system.")
            turn = _Turn("system", self._blocks(message))
            self._extra(message, turn)
            self.turns.append(turn)
            return
        self._notes.changed("messages.role", "Instructions after the first turn are sent as marked text of the user.")
        marked = tuple(
            Text(f"<system>\n{part.text}\n</system>", part.cache, part.citations) if isinstance(part, Text) else part
            for part in message.parts
        )
        self._ask(Message("user", marked, extra=message.extra))

    def _ask(self, message: Message) -> None:
        blocks = self._blocks(message)
        if not blocks:
            return
        turn = self.turns[-1] if self.turns else None
        if turn is None or turn.role != "user" or not turn.answers or turn.answers < len(turn.blocks):
            turn = _Turn("user", [])
            self.turns.append(turn)
        turn.blocks += blocks
        self._extra(message, turn)

    def _results(self, message: Message) -> None:
        blocks = self._blocks(message)
        turn = self.turns[-1] if self.turns else None
        if not blocks:
            return
        if turn is not None and turn.role == "user" and turn.answers == len(turn.blocks):
            turn.blocks += blocks
            turn.answers += len(blocks)
        elif turn is not None and turn.role == "user" and self._called and not turn.answers:
            self._notes.moved("messages", "Tool results stand at the beginning of the turn after the call.")
            turn.blocks[:0] = blocks
            turn.answers = len(blocks)
        else:
            turn = _Turn("user", blocks, len(blocks))
            self.turns.append(turn)
        self._called = False
        self._extra(message, turn)

    def _answer(self, message: Message) -> None:
        blocks = self._blocks(message)
        if blocks:
            turn = _Turn("assistant", blocks)
            self.turns.append(turn)
            self._extra(message, turn)
            self._called = any(isinstance(part, ToolCall) for part in message.parts)

    def _named(self, message: Message) -> None:
        if message.name:
            self._notes.dropped("messages.name", "Speakers have no names here.")
        if message.id:
            self._notes.moved("messages.id", "Turns are known by their place here, not by an id.")

    def _extra(self, message: Message, turn: _Turn | None) -> None:
        """Put members that the turn had back; those of blocks are the writer's affair."""
        for extra in message.extra:
            if extra.dialect != NAME or extra.kind.startswith("content["):
                continue
            if turn is None:
                self._notes.dropped(f"messages.{extra.kind}", "`system` has no such member.")
            else:
                turn.extra[extra.kind] = extra.raw

    def _close(self) -> None:
        """What Claude models ask of an assistant's turn at the end, which the answer is to go on from."""
        turn = self.turns[-1]
        block = turn.blocks[-1] if turn.blocks else None
        if turn.role != "assistant" or not isinstance(block, dict) or block["type"] != "text":
            return
        if not self._takes.prefill:
            self._notes.changed("messages", "This model does not go on from its own text: it is asked to.")
            self.turns.append(_Turn("user", [{"type": "text", "text": _GO_ON}]))
            return
        text = str(block["text"])
        if text != text.rstrip():
            self._notes.changed("messages", "The text to go on from may not end in white space.")
            block["text"] = text.rstrip()
            if not block["text"]:
                turn.blocks.pop()
        if not turn.blocks:
            self.turns.pop()
