"""A response object before there is an answer, and the event that says that there will be none.

Source: https://platform.openai.com/docs/guides/background.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import Request
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.answer import Answer
from meshwright.wire.sse import event


def queued(request: Request, created: int) -> bytes:
    """The response object of a request that waits."""
    answer = Answer(request, Notes())
    answer.created = created
    return msgspec.json.encode(answer.whole("queued", "", Raw(b"[]"), None))


def failed_event(body: bytes, number: int) -> bytes:
    """The last event of a response that failed."""
    told: dict[str, Any] = {"type": "response.failed", "sequence_number": number, "response": Raw(body)}
    return event(msgspec.json.encode(told), b"response.failed")
