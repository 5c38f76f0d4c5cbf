"""A program of the user's own that knows a secret: run once, its output taken in whole and never shown."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from meshwright.net.asking import printable

SECONDS = 60.0


def output(words: Sequence[str]) -> bytes:
    """What it writes. Blocks; without a shell, and with nothing to read. Raises ValueError, in words that can be shown.

    Of what it says when it fails only the last line of its standard error is told: programs explain themselves there.
    """
    try:
        done = subprocess.run(  # noqa: S603  # the user's own program, by the user's own file
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:  # its own words would show the program's, which may hold a secret
        raise ValueError(f"it took longer than {SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"it cannot be run ({type(error).__name__})") from None
    if done.returncode:
        line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        told = printable(line)
        raise ValueError(f"it failed ({done.returncode}{f', {told}' if told else ''})")
    return done.stdout
