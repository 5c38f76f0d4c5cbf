"""What the router has learned, in the state folder: numbered versions of weights, and what was learned here on top."""

from __future__ import annotations

import os
import secrets
from math import inf
from pathlib import Path

from meshwright.routing.quality.gains import Gains
from meshwright.routing.quality.gains import pack as pack_gains
from meshwright.routing.quality.gains import read as read_gains
from meshwright.routing.quality.weights import read
from meshwright.types.errors import ConfigError, StoreError

CURRENT = "current"
HISTORY = "history"
MOST_PERIODS = 1_000
GAINS = "gains"
INSTEAD_OF = ".before"
"""The end of a file's name that says which version was in use before one was adopted."""
SALT = "salt"
SHIPPED = 0
"""The version that comes with the package."""
FIX = "Set MESH_STATE_DIR to a writable folder."

Period = tuple[float, float]
"""From when until when, in seconds since 1970."""


def versions(folder: Path) -> list[int]:
    """The versions that are kept, oldest first."""
    return sorted(int(file.stem) for file in folder.glob("*.bin") if file.stem.isdecimal())


def current(folder: Path) -> int:
    """The version in use; SHIPPED when none was ever adopted. Raises StoreError."""
    try:
        told = (folder / CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return SHIPPED
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{folder / CURRENT} cannot be read: {error}.", fix=FIX) from error
    if not told.isdecimal():
        raise StoreError(f"{folder / CURRENT} names no version.", fix="Run `mesh router revert`.")
    return int(told)


def weights(folder: Path) -> bytes:
    """The current version's bytes, checked; empty for the shipped one. Raises StoreError, ConfigError."""
    version = current(folder)
    if version == SHIPPED:
        return b""
    file = folder / f"{version}.bin"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}.", fix="Run `mesh router revert`.") from error
    read(data)
    return data


def adopt(folder: Path, data: bytes) -> int:
    """Keep these weights as a new version and use it. The version. Raises ConfigError, StoreError."""
    read(data)
    version = max(versions(folder), default=SHIPPED) + 1
    _write(folder, f"{version}.bin", data)
    _write(folder, f"{version}{INSTEAD_OF}", str(_in_use(folder)).encode())
    _use(folder, version)
    return version


def revert(folder: Path) -> int:
    """Go back to the version that the current one took the place of, in the end to the shipped.

    Raises ConfigError, StoreError.
    """
    now = _in_use(folder)
    if now == SHIPPED:
        raise ConfigError.of("The shipped weights are in use.", fix="There is nothing to go back to.")
    gone = _before(folder, now)
    _use(folder, gone)
    return gone


def before(folder: Path) -> int:
    """The version that `revert` would go back to; that is SHIPPED where there is none."""
    now = _in_use(folder)
    return SHIPPED if now == SHIPPED else _before(folder, now)


def _in_use(folder: Path) -> int:
    """The current version; where nobody can say it any more, one after the latest."""
    try:
        return current(folder)
    except StoreError:
        return max(versions(folder), default=SHIPPED) + 1


def _before(folder: Path, version: int) -> int:
    """What that version took the place of: the one before it, unless that had been gone back from."""
    kept = [SHIPPED, *versions(folder)]
    try:
        told = (folder / f"{version}{INSTEAD_OF}").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        told = ""
    if told.isdecimal() and int(told) in kept and int(told) < version:
        return int(told)
    return max(one for one in kept if one < version)


def salt(folder: Path) -> int:
    """This installation's own number, odd and of 64 bits; made at the first need. Raises StoreError."""
    try:
        return int((folder / SALT).read_text(encoding="ascii"), 16) | 1
    except FileNotFoundError:
        _write(folder, SALT, f"{secrets.randbits(64):016x}".encode())
        return salt(folder)
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / SALT} cannot be read: {error}.", fix="Delete it: learning begins anew.") from error


def since(folder: Path) -> float:
    """When the current version was adopted, or gone back to, in seconds since 1970; 0 for the shipped one at first."""
    try:
        return (folder / CURRENT).stat().st_mtime
    except OSError:
        return 0.0


def periods(folder: Path) -> tuple[Period, ...]:
    """When the current version was in use: what was expected then can be learned from, whatever came between."""
    begun = since(folder)
    found = _history(folder)
    if not found or found[-1] != (begun, _in_use(folder)):
        return ((begun, inf),)
    ends = [at for at, _ in found[1:]] + [inf]
    return tuple((at, end) for (at, version), end in zip(found, ends, strict=True) if version == found[-1][1])


def _use(folder: Path, version: int) -> None:
    """Go by that version from now on, and remember since when."""
    found, before_it = _history(folder), (since(folder), _in_use(folder))
    if not found or found[-1] != before_it:
        found = [before_it]
    _write(folder, CURRENT, str(version).encode())
    found = [*found, (since(folder), version)][-MOST_PERIODS:]
    _write(folder, HISTORY, "".join(f"{at!r} {version}\n" for at, version in found).encode())


def _history(folder: Path) -> list[tuple[float, int]]:
    """Since when which version was in use, oldest first; [] where nobody can say it."""
    try:
        lines = (folder / HISTORY).read_text(encoding="ascii").splitlines()
        return [(float(at), int(version)) for at, version in (line.split() for line in lines)]
    except (OSError, ValueError):
        return []


def gains(folder: Path) -> Gains | None:
    """What was learned here; None when the router does not learn. Raises ConfigError, StoreError."""
    try:
        data = (folder / GAINS).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{folder / GAINS} cannot be read: {error.strerror}.", fix=FIX) from error
    return read_gains(data)


def keep_gains(folder: Path, fresh: Gains | None) -> None:
    """Let every worker go by this from now on; None: by nothing that was learned here. Raises StoreError."""
    if fresh is not None:
        _write(folder, GAINS, pack_gains(fresh))
    else:
        (folder / GAINS).unlink(missing_ok=True)


def _write(folder: Path, name: str, data: bytes) -> None:
    """Whole: whoever reads sees the old file or the new one."""
    fresh = folder / f"{name}.{os.getpid()}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.replace(folder / name)
    except OSError as error:
        raise StoreError(f"{folder / name} cannot be written: {error.strerror}.", fix=FIX) from error
