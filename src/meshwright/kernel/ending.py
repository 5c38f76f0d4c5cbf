"""How whatever was begun ends: what went wrong is on its trace, and it settles, whatever happened."""

from __future__ import annotations

from types import TracebackType

from meshwright.kernel.arrival import Failure
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.types.errors import MeshError


class Ending:
    """Around the work on one request. `flowing`: a stream goes on, and settles when it ends.

    A MeshError ends here: it is recorded, and `failure` has it. All else goes on to the caller, and so does what
    settling raises (StoreError).
    """

    __slots__ = ("_error", "_kernel", "_recording", "flowing")

    def __init__(self, kernel: Kernel, recording: Recording) -> None:
        self._kernel = kernel
        self._recording = recording
        self._error: MeshError | None = None
        self.flowing = False

    def __enter__(self) -> Ending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if error is not None:
            self._recording.failed(error)
        if not self.flowing:
            self._recording.held = False
            self._kernel.settle(self._recording)
        if isinstance(error, MeshError):
            self._error = error
            return True
        return False

    def failure(self) -> Failure:
        """What is said of the error that ended it."""
        error, self._error = self._error, None  # it holds the frame that holds us
        assert error is not None
        return Failure(error, self._recording.id)
