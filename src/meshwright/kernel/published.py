"""What the control plane publishes to every worker: configuration, keys, what was found; no secret."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from meshwright.kernel.config.tables import Config
from meshwright.store.rows import Key, LearnedLimit, Party
from meshwright.types.calibration import Calibration
from meshwright.types.errors import StoreError
from meshwright.types.principal import Allowance


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """A local engine that answered: its provider row's name, its address, and the models that it has."""

    provider: str
    base_url: str
    models: tuple[str, ...]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One version of everything that workers build their Snapshot from. `open`: callers need no key."""

    version: int
    config: Config
    open: bool
    keys: tuple[Key, ...] = ()
    parties: tuple[Party, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    engines: tuple[LocalServer, ...] = ()
    limits: tuple[LearnedLimit, ...] = ()
    router: bytes = b""
    """Learned router weights; empty: those that come with the package."""
    calibration: Calibration | None = None
    """How far off predictions have been; None: nothing has been learned of it."""


def publish(published: Published, file: Path) -> None:
    """Write it whole: whoever reads sees the old one or the new one. Raises StoreError."""
    fresh = file.with_suffix(f".{os.getpid()}.new")
    try:
        fresh.write_bytes(msgspec.json.encode(published))
        fresh.replace(file)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written: {error.strerror}.", fix="Set MESH_STATE_DIR to a writable folder."
        ) from error


def read_published(file: Path) -> Published:
    """Read what was published. Raises StoreError."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Published)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"{file} cannot be read: {error}.") from error
