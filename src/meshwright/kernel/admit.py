"""Letting a request in: the key's scope, and a line in the journal before anything can cost money."""

from __future__ import annotations

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.types.errors import PermissionDenied


def admit(kernel: Kernel, arrival: Arrival, recording: Recording) -> None:
    """Check that the caller may ask, and journal that he does. Raises PermissionDenied, StoreError."""
    recording.stream = arrival.request.stream
    recording.cap = arrival.request.max_cost
    if kernel.snapshot.privacy.keep_prompts != "never":
        recording.said = arrival.request.messages
    if arrival.decode_seconds:
        recording.stages["decode"] = arrival.decode_seconds
    kernel.journal.begin(recording.id, recording.at, recording.principal)
    if not arrival.principal.may("inference"):
        raise PermissionDenied(
            f'The key "{arrival.principal.name}" may not ask models.', fix='Use a key with the scope "inference".'
        )
    recording.stage("admit")
