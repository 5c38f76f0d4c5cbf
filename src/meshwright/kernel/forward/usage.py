"""What a forwarded answer tells of its usage: the counts that OpenAI's APIs share, from a body or from a stream.

Source: the `usage` objects of OpenAI's embeddings (`prompt_tokens`), completions (`completion_tokens` too), images,
audio and Responses (`input_tokens`, `output_tokens` and their details). What is unknown is not counted.
"""

from __future__ import annotations

import msgspec

from meshwright.types.usage import Usage

MOST_LINE = 16 * 1024 * 1024
"""A line of a stream over so many bytes is passed on but not listened to (the last one of an image holds the image)."""


class _Cached(msgspec.Struct, frozen=True):
    audio_tokens: int | None = None


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens_details: _Cached | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    output_token_details: _Details | None = None


class _Response(msgspec.Struct, frozen=True):
    usage: _Usage | None = None


class _Body(msgspec.Struct, frozen=True):
    """`response` is where events of the Responses API keep it."""

    usage: _Usage | None = None
    response: _Response | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_NONE = _Details()


def usage_of(body: bytes) -> Usage | None:
    """The usage of a JSON body; None when it tells none, or none that can be read."""
    try:
        read = _BODY.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None  # it is not ours to judge: the body goes to the client as it is, and the ledger says "unknown"
    told = read.usage or (read.response.usage if read.response is not None else None)
    if told is None:
        return None
    total_in = told.prompt_tokens if told.prompt_tokens is not None else told.input_tokens
    total_out = told.completion_tokens if told.completion_tokens is not None else told.output_tokens
    if total_in is None and total_out is None:
        return None  # seconds of sound, for one
    given = told.prompt_tokens_details or told.input_tokens_details or told.input_token_details or _NONE
    made = told.completion_tokens_details or told.output_tokens_details or told.output_token_details or _NONE
    cached, heard = given.cached_tokens or 0, given.audio_tokens or 0
    if given.cached_tokens_details is not None:  # sound that was cached counts as cached
        heard = max(0, heard - (given.cached_tokens_details.audio_tokens or 0))
    thought, spoken = made.reasoning_tokens or 0, made.audio_tokens or 0
    return Usage(
        input=max(0, (total_in or 0) - cached - heard),
        cache_read=cached,
        audio_input=heard,
        output=max(0, (total_out or 0) - thought - spoken),
        reasoning=thought,
        audio_output=spoken,
    )


class Listening:
    """Listens to a stream of server-sent events that passes by: the last usage that one of them tells."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._line = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if not self._skipping:
                self._told(bytes(self._line) + line)
            self._line.clear()
            self._skipping = False
        if not self._skipping:
            self._line += rest
            if len(self._line) > MOST_LINE:
                self._line.clear()
                self._skipping = True

    def _told(self, line: bytes) -> None:
        if line.startswith(b"data:") and b'"usage"' in line:
            self.usage = usage_of(line[5:].strip()) or self.usage
