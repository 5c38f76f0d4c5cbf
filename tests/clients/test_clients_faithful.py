"""The same dialect on both sides: what nobody here knows passes through untouched, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from meshwright.sim import Say
from meshwright.types.content import Message, Opaque, Text
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import DIALECTS, Desk
from tests.clients.speakers import SPEAKERS

dialects = pytest.mark.parametrize("dialect", DIALECTS)
FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
NEW = {"x_new_feature": {"z": 1, "a": [1.50, None, "ü"], "deep": {"b": True}}, "x_other": None, "x_count": 12345678901234567890}


class Tape:
    """Remembers the bytes that a client sent and got."""

    def __init__(self) -> None:
        self.sent = b""
        self.got = b""

    def hook(self, client: Any) -> None:
        """Listen at the client's own transport."""
        transport = client._client._transport
        handle = transport.handle_request

        def listening(request: Any) -> Any:
            self.sent = request.content
            answer = handle(request)
            answer.stream = _Heard(answer.stream, self)
            return answer

        transport.handle_request = listening


class _Heard:
    def __init__(self, stream: Any, tape: Tape) -> None:
        self._stream = stream
        self._tape = tape

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._tape.got += piece
            yield piece

    def close(self) -> None:
        self._stream.close()
