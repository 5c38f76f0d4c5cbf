"""Messages into `system` and `messages`.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html: the roles of turns alternate, and
tool results stand in the user's turn after the calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from meshwright.types.content import Message, Opaque, Text, ToolCall
from meshwright.wire.bedrock_converse.blocks_out import Wire, Writer
from meshwright.wire.bedrock_converse.shapes import NAME
from meshwright.wire.dialect import Target
from meshwright.wire.notes import Notes

SYSTEM_TURNS = "system_turns"
"""The quirk of a provider that takes the role `system` within `messages` (for the models that know it)."""


class Turn:
    """A turn in the making. `answers` counts the blocks of tool results at its beginning."""

    __slots__ = ("answers", "blocks", "extra", "role")

    def __init__(self, role: str) -> None:
        self.role = role
        self.blocks: list[Wire] = []
        self.answers = 0
        self.extra: dict[str, Raw] = {}

    def wire(self) -> dict[str, object]:
        """The turn as it is sent."""
        return {"role": self.role, "content": self.blocks, **self.extra}


class Turns:
    """Sorts messages into `system` blocks and turns of alternating roles."""

    def __init__(self, target: Target, notes: Notes) -> None:
        self._writer = Writer(notes, target.origin)
        self._notes = notes
        self._native_system = SYSTEM_TURNS in target.quirks
        self._called = False
        self.system: list[Wire] = []
        self.turns: list[Turn] = []
        self.tools: dict[str, None] = {}
        """The names of all tools that were called."""
        self.results = False
        """Whether there is a tool's result."""

    def add(self, messages: Sequence[Message]) -> None:
        """Sort all messages of a request."""
        for message in messages:
            if message.name:
                self._notes.dropped("messages.name", "Speakers have no names here.")
            if message.id:
                self._notes.moved("messages.id", "Turns are known by their place here, not by an id.")
            match message.role:
                case "system" | "developer":
                    self._instruct(message)
                case "assistant":
                    self._answer(message)
                case "tool":
                    self._results(message)
                case _:
                    self._say("user", self._writer.blocks(message), message)
        if not self.turns and not self.system and messages:
            self._notes.dropped("messages", "They say nothing that could be sent.")
        elif not self.turns and self.system:
            self._notes.changed("messages", "A request needs a turn: the instructions are sent as the user's.")
            turn = Turn("user")
            turn.blocks, self.system = self.system, []
            self.turns.append(turn)

    def _instruct(self, message: Message) -> None:
        """`system` at the beginning; later a turn where the model knows such, else marked words of the user."""
        if message.role == "developer":
            self._notes.moved("messages.role", "What the developer says is said in `system`.")
        parts = tuple(part for part in message.parts if isinstance(part, Text | Opaque))
        if len(parts) < len(message.parts):
            self._notes.dropped("messages.system_parts", "Instructions are text here.")
            message = Message(message.role, parts)
        if not self.turns:
            if self.system:
                self._notes.moved("messages.system", "All instructions at the beginning are one `system`.")
            self._extra(message, None)
            self.system += self._writer.blocks(message)
        elif self._native_system:
            self._say("system", self._writer.blocks(message), message)
        else:
            self._notes.changed("messages.role", "Instructions after the first turn are marked words of the user.")
            marked = tuple(
                Text(f"<system>\n{part.text}\n</system>", part.cache, part.citations)
                if isinstance(part, Text)
                else part
                for part in parts
            )
            asked = Message("user", marked, extra=message.extra)
            self._say("user", self._writer.blocks(asked), asked)

    def _say(self, role: str, blocks: list[Wire], message: Message) -> Turn | None:
        """Add to the last turn where it is of this role, else begin one: the roles of turns alternate."""
        if not blocks:
            for extra in message.extra:
                if extra.dialect == NAME and not extra.kind.startswith("content["):
                    self._notes.dropped(f"messages.{extra.kind}", "Nothing of its turn is left.")
            return None
        turn = self.turns[-1] if self.turns else None
        if turn is None or turn.role != role:
            turn = Turn(role)
            self.turns.append(turn)
        turn.blocks += blocks
        self._extra(message, turn)
        return turn

    def _answer(self, message: Message) -> None:
        self._say("assistant", self._writer.blocks(message), message)
        called = {part.name: None for part in message.parts if isinstance(part, ToolCall)}
        self._called = bool(called)
        self.tools |= called

    def _results(self, message: Message) -> None:
        blocks = self._writer.blocks(message)
        self.results = self.results or bool(blocks)
        turn = self.turns[-1] if self.turns else None
        late = turn is not None and turn.role == "user" and turn.answers < len(turn.blocks)
        if turn is not None and late and self._called and blocks:
            self._notes.moved("messages", "Tool results stand at the beginning of the turn after the call.")
            turn.blocks[turn.answers : turn.answers] = blocks
            turn.answers += len(blocks)
            self._extra(message, turn)
            return
        said = self._say("user", blocks, message)
        if said is not None and not late:
            said.answers = len(said.blocks)

    def _extra(self, message: Message, turn: Turn | None) -> None:
        """Put members that the turn had back; those of blocks are the writer's affair."""
        for extra in message.extra:
            if extra.dialect != NAME or extra.kind.startswith("content["):
                continue
            if turn is None:
                self._notes.dropped(f"messages.{extra.kind}", "`system` has no such member.")
            elif turn.extra.setdefault(extra.kind, extra.raw) != extra.raw:
                self._notes.dropped(f"messages.{extra.kind}", "Two turns are one here, and only one may have it.")
