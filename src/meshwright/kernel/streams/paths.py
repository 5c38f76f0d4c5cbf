"""The ways that a stream's bytes take from the provider to the client: passed through, or translated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Deployment
from meshwright.types.errors import MeshError
from meshwright.types.request import Adaptation
from meshwright.types.response import Began, Delta, Ended, Failed, Finished, UsageDelta
from meshwright.types.usage import Usage
from meshwright.wire.dialect import StreamEncoder
from meshwright.wire.sealing import encoder_for_client


def lost_words(adaptations: Iterable[Adaptation]) -> list[Adaptation]:
    """What of the adaptations of an answer is a loss to the one who asked: whatever is missing of its choices.

    Other members are a provider's notes (counts, fingerprints, durations): the trace names those that were left out,
    the ledger has the counts, and nobody is refused an answer for want of them.
    """
    return [one for one in adaptations if one.lossy and one.field.split(".")[0].split("[")[0] == "choices"]


class Path(Protocol):
    """What a stream asks of its way: the client's bytes for the provider's, and what was heard on it."""

    @property
    def ended(self) -> bool:
        """The end mark has passed, or an in-band error of the provider's."""
        ...

    @property
    def complete(self) -> bool:
        """Nothing is missing, though the end mark may be."""
        ...

    @property
    def failed(self) -> str:
        """The message of an in-band error of the provider's."""
        ...

    @property
    def usage(self) -> Usage | None:
        """The provider's count."""
        ...

    @property
    def upstream_id(self) -> str:
        """The provider's id of the answer."""
        ...

    @property
    def came_to(self) -> str | None:
        """How the answer ended, where the provider has said so."""
        ...

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What the client's dialect could not carry so far."""
        ...

    def feed(self, data: bytes) -> bytes:
        """The client's bytes. Raises UpstreamProtocol."""
        ...

    def finish(self) -> bytes:
        """What is still owed to the client when the provider left out the end mark."""
        ...

    def fail(self, error: MeshError) -> bytes | None:
        """The in-band error; None where there is no way to say it."""
        ...


class PassedThrough:
    """Same dialect on both sides: the provider's bytes, whole events only, listened to on their way."""

    def __init__(self, deployment: Deployment, arrival: Arrival) -> None:
        self._arrival = arrival
        self._one = (arrival.request.n or 1) == 1
        self._tap = deployment.dialect.tap(arrival.request)
        self.feed = self._tap.feed

    @property
    def ended(self) -> bool:
        """The end mark has passed. A failure that the provider reported in-band has passed through as it was."""
        return self._tap.ended

    @property
    def complete(self) -> bool:
        """Nothing is missing, though the end mark may be."""
        return self._tap.ended or (self._one and self._tap.finish is not None)

    @property
    def failed(self) -> str:
        """An in-band error's message."""
        return self._tap.failed

    @property
    def usage(self) -> Usage | None:
        """The provider's count."""
        return self._tap.usage

    @property
    def upstream_id(self) -> str:
        """The provider's id of the answer."""
        return self._tap.id

    @property
    def came_to(self) -> str | None:
        """How the answer ended."""
        return self._tap.finish

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """Nothing is translated, nothing is adapted."""
        return ()

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        said, following = self._encoder().fail(error), self._arrival.dialect.following
        return said if following is None else following(self._tap, said)

    def finish(self) -> bytes:
        """What is still owed to the client when the provider left out the end mark."""
        return b"" if self._tap.ended else self._encoder().feed((Ended(),))

    def _encoder(self) -> StreamEncoder:
        """Needed at a break only: nearly every stream passes without one."""
        return self._arrival.dialect.stream_encoder(self._arrival.request)


class Translated:
    """Two dialects: events to deltas to events."""

    def __init__(self, deployment: Deployment, arrival: Arrival, recording: Recording) -> None:
        self._recording = recording
        self._decoder = deployment.dialect.stream_decoder(deployment.target)
        self._id = arrival.answer_id
        self._left = arrival.request.n or 1
        self.encoder: StreamEncoder = encoder_for_client(arrival.dialect, arrival.request)
        # Only server-sent events have comments, which every client skips.
        self._tells = arrival.strict and arrival.dialect.event_stream == "text/event-stream"
        self.usage: Usage | None = None
        self.upstream_id = ""
        self.came_to: str | None = None
        self.failed = ""
        self.ended = False
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """The client's bytes."""
        deltas = self._decoder.feed(data)
        for delta in deltas:
            self._note(delta)
        if deltas and isinstance(began := deltas[0], Began):
            # Not every dialect tells them, and clients of others show and sort by them.
            id, created = self._id or began.id or self._recording.id, began.created or int(self._recording.at)
            deltas = (msgspec.structs.replace(began, id=id, created=created), *deltas[1:])
        out = self.encoder.feed(deltas) if deltas else b""
        return self._told() + out if self.ended and self._tells else out

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What the client's dialect could not carry so far."""
        return tuple(self.encoder.adaptations)

    def _told(self) -> bytes:
        """What was lost, for a caller who asked for strictness: a stream that has begun cannot be refused any more."""
        self._tells = False
        lost = [f"{one.field} {one.action}" for one in lost_words(self.encoder.adaptations)]
        # A field may be a member that a provider made up: nothing in it may end the comment.
        words = "".join(letter if letter.isprintable() else "?" for letter in "; ".join(lost)[:2000])
        return f": x-mesh-adapted: {words}\n\n".encode() if lost else b""

    def _note(self, delta: Delta) -> None:
        if isinstance(delta, UsageDelta):
            self.usage = delta.usage
        elif isinstance(delta, Began):
            self.upstream_id = delta.id
            self.usage = delta.usage or self.usage
        elif isinstance(delta, Finished):
            self._left -= 1
            self.complete, self.came_to = self._left <= 0, delta.finish
        elif isinstance(delta, Failed):
            self.failed = delta.message
            self.ended = True
        elif isinstance(delta, Ended):
            self.ended = self.complete = True

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self.encoder.fail(error)

    def finish(self) -> bytes:
        """The client's end mark when the provider left out its own."""
        if self.ended:
            return b""
        out = self.encoder.feed((Ended(),))
        return self._told() + out if self._tells else out
