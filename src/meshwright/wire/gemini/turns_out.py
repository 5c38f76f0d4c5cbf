"""Messages into `systemInstruction` and `contents`.

Source: https://ai.google.dev/api/caching (Content), .../gemini-api/docs/function-calling (the answers to all calls of a
turn come in one turn, right after it) and .../gemini-api/docs/thought-signatures (how to say that a call was not made
by this model).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from meshwright.types.content import Message, Opaque, Text, ToolResult
from meshwright.wire.dialect import Target
from meshwright.wire.gemini import callids
from meshwright.wire.gemini.models import Takes
from meshwright.wire.gemini.parts_out import Wire, Writer
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.notes import Notes

UNSIGNED = "skip_thought_signature_validator"
"""The API's own word in the place of a signature that another model's call cannot have."""


class Turns:
    """Sorts messages into the instruction and turns."""

    def __init__(self, target: Target, takes: Takes, notes: Notes) -> None:
        self._writer = Writer(notes, target.origin, inside=takes.signed or not takes.known)
        self._signed = takes.signed
        self._notes = notes
        self._role = ""
        self._asked = 0
        """The number of the last turn in which the user asked: from there on calls must be signed."""
        self.system: list[Wire] = []
        self.system_extra: dict[str, Any] = {}
        self.contents: list[dict[str, Any]] = []

    def add(self, messages: Sequence[Message]) -> None:
        """Sort all messages of a request."""
        first = next((i for i, one in enumerate(messages) if one.role not in ("system", "developer")), len(messages))
        for index, message in enumerate(messages):
            if message.name:
                self._notes.dropped("messages.name", "Speakers have no names here.")
            if message.id:
                self._notes.moved("messages.id", "Turns are known by their place here, not by an id.")
            if index < first:
                self._lead(message)
            elif message.role in ("system", "developer"):
                self._instruct(message)
            else:
                self._turn(message)
        if not self.contents and self.system:
            self._notes.changed("messages", "A request needs a turn: the instructions are sent as the user's.")
            self.contents.append({"role": "user", "parts": self.system, **self.system_extra})
            self.system, self.system_extra = [], {}
        if not self.contents:
            self._notes.changed("messages", "A request needs a turn: an empty one of the user was sent.")
            self.contents.append({"role": "user", "parts": [{"text": ""}]})
        if self._signed:
            self._sign()

    def _lead(self, message: Message) -> None:
        """Instructions at the beginning are the request's instruction."""
        if message.role == "developer":
            self._notes.moved("messages.role", "What the developer says is said in `systemInstruction`.")
        if self.system:
            self._notes.moved("messages.system", "All instructions at the beginning are one `systemInstruction`.")
        self.system += self._writer.parts(self._spoken(message))
        self._put(message, self.system_extra)

    def _spoken(self, message: Message) -> Message:
        """The message without parts that instructions cannot have."""
        parts = tuple(part for part in message.parts if isinstance(part, Text | Opaque))
        if len(parts) == len(message.parts):
            return message
        self._notes.dropped("messages.system_parts", "Instructions are text here.")
        return msgspec.structs.replace(message, parts=parts)

    def _instruct(self, message: Message) -> None:
        """Instructions in mid-conversation, marked as such."""
        self._notes.changed("messages.role", "Instructions after the first turn are sent as marked text of the user.")
        message = self._spoken(message)
        marked = tuple(
            Text(f"<system>\n{part.text}\n</system>", part.cache, part.citations) if isinstance(part, Text) else part
            for part in message.parts
        )
        self._turn(Message("user", marked, extra=message.extra))

    def _turn(self, message: Message) -> None:
        if message.role == "tool":
            message = self._in_order(message)
        parts = self._writer.parts(message)
        role = {"assistant": "model"}.get(message.role, "user")
        turn: dict[str, Any]
        if not parts:
            turn = {}  # the API refuses a turn without parts
        elif message.role == "tool" and self._role == "tool":
            turn = self.contents[-1]
            turn["parts"] += parts
        else:
            turn = {"role": role, "parts": parts}
            self.contents.append(turn)
        if parts:
            self._role = message.role
        if parts and message.role == "user":
            self._asked = len(self.contents) - 1
        self._put(message, turn)

    def _in_order(self, message: Message) -> Message:
        """Results in the order of their calls, where that is all that says which is which."""
        order = {id: place for place, id in enumerate(self._writer.calls)}
        parts = message.parts
        ids = [part.call_id for part in parts if isinstance(part, ToolResult)]
        if len(ids) != len(parts) or message.extra or not any(map(callids.is_made, ids)):
            return message
        placed = sorted(zip(ids, parts, strict=True), key=lambda one: order.get(one[0], len(order)))
        return msgspec.structs.replace(message, parts=tuple(part for _, part in placed))

    def _put(self, message: Message, turn: dict[str, Any]) -> None:
        """Members that the turn had; those of parts are the writer's affair."""
        for extra in message.extra:
            if extra.dialect != NAME or extra.kind.startswith("parts["):
                continue
            if extra.kind.startswith("choice.") or (not turn and turn is not self.system_extra):
                self._notes.dropped(f"messages.{extra.kind}", "A turn that is sent has no such member.")
            else:
                turn[extra.kind] = extra.raw

    def _sign(self) -> None:
        """Say of calls without a signature that they have none: these models refuse them otherwise."""
        for turn in self.contents[self._asked :]:
            calls = [part for part in turn["parts"] if isinstance(part, dict) and "functionCall" in part]
            if calls and "thoughtSignature" not in calls[0]:
                self._notes.changed("messages.reasoning", "A call lost its signature: the model goes on without it.")
                calls[0]["thoughtSignature"] = UNSIGNED
