"""Guards in a conversation in real time: over the events of both directions, the answer's words window by window.

Source: https://platform.openai.com/docs/api-reference/realtime-server-events. Words come in events that end in `.delta`
and once more, all of them, in the event that ends in `.done`. Sound comes as base64 and is not read: `unseen` says
whether it may pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from meshwright.guards.examine import failed_open, failure, refusal
from meshwright.guards.masks import Masks
from meshwright.guards.rule import Rule
from meshwright.guards.window import Window
from meshwright.kernel.check import check_body, check_passed, check_unseen
from meshwright.kernel.guarding import Guarding
from meshwright.kernel.record import Recording
from meshwright.types.errors import Blocked
from meshwright.types.guard import Finding

SOUND = ("audio.delta", "output_audio.delta")
"""How events end that bring sound."""


class GuardedTalk:
    """One conversation as its guards hear it. What they find in pieces is told when the words are complete."""

    def __init__(self, guarding: Guarding, recording: Recording) -> None:
        self._guarding = guarding
        self._rules = [rule for rule in guarding.answered if rule.guard.judge is None]
        self._recording = recording
        self._masks = Masks()
        self._windows: dict[tuple[Any, ...], Window] = {}

    def begin(self) -> None:
        """Sound will pass in both directions. Raises Blocked where nothing may pass that is not read."""
        check_unseen(self._guarding.asked, "sound in a conversation", "user", self._recording)
        check_unseen(self._guarding.answered, "sound in a conversation", "answer", self._recording)

    def asked(self, message: str | bytes) -> str | bytes:
        """A message of the client's, as the provider may have it. Raises Blocked."""
        if isinstance(message, bytes) or not self._guarding.asked:
            return message
        return check_body(self._guarding, message.encode(), self._recording).decode()

    def answered(self, message: str | bytes) -> list[str | bytes]:
        """A message of the provider's, as the client may have it, behind what was held back. Raises Blocked."""
        if isinstance(message, bytes) or not self._rules:
            return [message]
        try:
            event = msgspec.json.decode(message)
        except (msgspec.DecodeError, RecursionError):
            event = None
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            return [self._whole(message)]
        if kind.endswith(SOUND):
            return [message]
        if kind.endswith(".delta") and isinstance(event.get("delta"), str):
            return self._piece(event, kind)
        out: list[str | bytes] = []
        if kind.endswith(".done") or kind == "response.cancelled":
            out += self._ended(event, kind)
        return [*out, self._whole(message)]

    def _piece(self, event: dict[str, Any], kind: str) -> list[str | bytes]:
        key = _place(event, kind.removesuffix(".delta"))
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(self._rules, self._masks, self._told)
        left = window.feed(event["delta"])
        return [msgspec.json.encode({**event, "delta": left}).decode()] if left else []

    def _ended(self, event: dict[str, Any], kind: str) -> list[str | bytes]:
        """What is still held of the words that are complete: of one part, or of the whole response."""
        base = kind.removesuffix(".done")
        key = _place(event, base)
        keys = [one for one in self._windows if one == key or base == "response"]
        out: list[str | bytes] = []
        for one in keys:
            rest = self._windows.pop(one).end()
            if rest:
                members = dict(zip(_MEMBERS, one[1:], strict=True))
                told = {name: value for name, value in members.items() if value is not None}
                out.append(msgspec.json.encode({"type": f"{one[0]}.delta", **told, "delta": rest}).decode())
        return out

    def _whole(self, message: str) -> str:
        return check_passed(self._guarding, message.encode(), self._recording).decode()

    def _told(self, rule: Rule, found: Sequence[Finding] | None) -> None:
        if found is None:
            if rule.closed:
                raise failure(rule)
            self._recording.guards.append(failed_open(rule, "answer"))
        elif rule.action in ("block", "repair"):
            raise refusal(rule, "answer", {one.kind: 1 for one in found})


_MEMBERS = ("response_id", "item_id", "output_index", "content_index")


def _place(event: dict[str, Any], base: str) -> tuple[Any, ...]:
    """Which words an event is about; every client needs these members to know where they belong."""
    return (base, *(event.get(name) for name in _MEMBERS))


def refused(error: Blocked) -> str:
    """A guard's refusal as an event of the API's own."""
    told = {"type": "invalid_request_error", "code": error.code, "message": str(error), "param": None, "event_id": None}
    return msgspec.json.encode({"type": "error", "event_id": "event_blocked", "error": told}).decode()
