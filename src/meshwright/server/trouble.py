"""What goes on failing is told when it begins, now and then, and when it is over: each time would fill the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from meshwright.types.errors import MeshError

AGAIN_SECONDS = 60.0
OTHERWISE_SECONDS = 5.0
"""After so many another reason for the same trouble is told."""


class Trouble:
    """The failures of one thing that is tried again and again; `what` begins each line of the log about it."""

    def __init__(self, log: logging.Logger, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._what = what
        self._clock = clock
        self._failures = 0
        self._told = 0.0
        self._last = ""

    def error(self, error: MeshError) -> None:
        """It failed once more."""
        if self._due(error):
            self._log.error("%s: %s%s", self._what, error, self._times)

    def exception(self, error: Exception) -> None:
        """It failed once more, and by our own fault: its trace is told."""
        if self._due(error):
            self._log.error("%s failed%s", self._what, self._times, exc_info=error)

    @property
    def _times(self) -> str:
        return f" ({self._failures} times by now)" if self._failures > 1 else ""

    def _due(self, error: Exception) -> bool:
        self._failures += 1
        now, said = self._clock(), str(error)
        wait = AGAIN_SECONDS if said == self._last else OTHERWISE_SECONDS
        if self._failures > 1 and now < self._told + wait:
            return False
        self._told, self._last = now, said
        return True

    def over(self) -> None:
        """It went well."""
        if self._failures:
            self._log.info("%s: works again, after %d failures", self._what, self._failures)
            self._failures = 0
