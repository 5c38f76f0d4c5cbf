"""What a dialect is: the names of its functions. Each folder of this room fills in one row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from meshwright.types.errors import MeshError, UpstreamStatus
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Delta, Finish, Response
from meshwright.types.usage import Usage


class Target(msgspec.Struct, frozen=True):
    """Whom a request is encoded for.

    `model` is what the provider calls the model; `origin` is the deployment's name ("provider/model"): reasoning that
    was signed by another origin is not sent to it. `quirks` are the provider's deviations from the dialect.
    `max_output` is the model's limit in tokens, None when it is not known: some dialects must state one.
    """

    model: str
    origin: str
    max_output: int | None = None
    quirks: frozenset[str] = frozenset()


class Encoded(msgspec.Struct, frozen=True):
    """Bytes to send, and what could not be carried over as it was."""

    body: bytes
    adaptations: tuple[Adaptation, ...] = ()


class StreamDecoder(Protocol):
    """Turns a provider's stream into deltas. It keeps incomplete events until their end arrives."""

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that `data` completes. Raises UpstreamProtocol on what the dialect does not allow."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the dialect's own end mark (or an in-band error) has been seen. False at the end: it was cut."""
        ...


class StreamEncoder(Protocol):
    """Turns deltas into a client's stream."""

    adaptations: list[Adaptation]
    """What could not be carried so far; each field is named once."""

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece (maybe empty). `Ended` closes the stream in the dialect's way."""
        ...

    def fail(self, error: MeshError) -> bytes:
        """The in-band error event that ends a stream which had begun. It can not be mistaken for a finish."""
        ...


class Tap(Protocol):
    """Listens to a stream that passes through unchanged (same dialect on both sides)."""

    usage: Usage | None
    finish: Finish | None
    ended: bool
    """Whether the dialect's end mark has passed."""
    failed: str
    """The message of an in-band error event, or that an event was passed on which is not JSON; "" if neither came."""
    model: str
    id: str

    def feed(self, data: bytes) -> bytes:
        """What the client gets of `data`: the same bytes, whole events only, but for a usage event it did not ask for.

        Bytes of an event whose end has not arrived are kept back. Raises UpstreamProtocol on an event over the limit.
        """
        ...


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One wire format, both ways: towards providers (encode_request, decode_response, ...) and towards clients.

    `path` is appended to a provider's base address; where it holds the model or depends on streaming, `path_of(model,
    stream)` is appended in its place, percent-encoded and with its query. `of_path(path, query)` reads such a path back
    (decoded, without the base address; None when it is another call) and `with_path` puts what it says into a request.
    `root` is how base addresses of this dialect usually end; `headers` go with every upstream call; `event_stream` is
    the media type of its streams. `also` are other calls of the same API, which whoever speaks this dialect has too.
    `models` is the path of the list of models below `root` ("": it has none), `encode_models`
    makes it from names; None: it has OpenAI's shape.

    decode_request   body of a client's request; raises InvalidRequest that names the field
    encode_request   the same dialect and nothing changed: the client's own bytes with `model` replaced
    decode_response  body of a provider's answer; raises UpstreamProtocol. It remembers its source
    encode_response  for the client that sent `request`: same dialect, nothing changed: the provider's own bytes
    tap              for the client that sent `request`
    useful           found in the events of a stream that bring something: words, calls, or its end
    following        events of ours as they follow those that have passed a tap, where events are numbered
    encode_error     body of an error answer with `error.status`
    decode_error     (status, body, retry_after seconds) of a provider's error answer
    """

    name: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    event_stream: str = "text/event-stream"
    decode_request: Callable[[bytes], Request]
    encode_request: Callable[[Request, Target], Encoded]
    decode_response: Callable[[bytes, Target], Response]
    encode_response: Callable[[Response, Request], Encoded]
    stream_decoder: Callable[[Target], StreamDecoder]
    stream_encoder: Callable[[Request], StreamEncoder]
    tap: Callable[[Request], Tap]
    encode_error: Callable[[MeshError], bytes]
    decode_error: Callable[[int, bytes, float | None], UpstreamStatus]
    path_of: Callable[[str, bool], str] | None = None
    of_path: Callable[[str, str], tuple[str, bool] | None] | None = None
    with_path: Callable[[Request, str, bool], Request] | None = None
    root: str = "/v1"
    models: str = "/models"
    encode_models: Callable[[Sequence[str]], bytes] | None = None
    also: tuple[Dialect, ...] = ()
    useful: re.Pattern[bytes] | None = None
    following: Callable[[Tap, bytes], bytes] | None = None
