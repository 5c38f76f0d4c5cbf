"""How whatever was begun ends: what went wrong is on its trace, and it settles, whatever happened."""

from __future__ import annotations

from types import TracebackType

import msgspec

from meshwright.kernel.arrival import Failure
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.types.errors import MeshError, NoCandidate


class Ending(msgspec.Struct):
    """Around the work on one request. `flowing`: a stream goes on, and settles when it ends.

    A MeshError ends here: it is recorded, and `failure` has it. All else goes on to the caller, and so does what
    settling raises (StoreError).
    """

    kernel: Kernel
    recording: Recording
    flowing: bool = False
    error: MeshError | None = None

    def __enter__(self) -> Ending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if error is not None:
            self.recording.failed(error)
        if not self.flowing:
            self.recording.held = False
            self.kernel.settle(self.recording)
        if isinstance(error, MeshError):
            self.error = error
            return True
        return False

    def failure(self) -> Failure:
        """What is said of the error that ended it."""
        error, self.error = self.error, None  # it holds the frame that holds us
        assert error is not None
        if isinstance(error, NoCandidate):
            error.retry_after = self.kernel.signals.back(error.rejected)
        return Failure(error, self.recording.id)
