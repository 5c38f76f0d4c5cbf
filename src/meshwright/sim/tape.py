"""A recording: one exchange per line of JSON, secrets scrubbed, with the times at which an answer's pieces came."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from meshwright.sim.link import Received
from meshwright.sim.scrub import (
    hides_secret,
    kept_headers,
    known_secrets,
    scrubbed,
    scrubbed_chunks,
    scrubbed_path,
)
from meshwright.types.errors import ConfigError


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of an answer, `after` seconds after the one before it. `base64` where it is not UTF-8."""

    after: float
    text: str = ""
    base64: str = ""

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return base64.b64decode(self.base64) if self.base64 else self.text.encode()


class Taped(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One exchange. `after` is the seconds until the answer's head; `cut` says that the answer broke off."""

    version: int = 1
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Piece
    status: int
    answer_headers: tuple[tuple[str, str], ...] = ()
    after: float
    pieces: tuple[Piece, ...] = ()
    cut: bool = False

    @property
    def asked(self) -> str:
        """What identifies the request: see `identity`."""
        return f"{self.method} {self.path}\n{_canonical(self.body.data)}"


class Heard(msgspec.Struct, frozen=True):
    """An answer as it came: bytes with the seconds before each."""

    status: int
    headers: tuple[tuple[str, str], ...]
    after: float
    pieces: tuple[tuple[float, bytes], ...]
    cut: bool = False


def taped(received: Received, heard: Heard) -> Taped | None:
    """The exchange without secrets; None when the answer spells one piece by piece, where it cannot be taken out."""
    known = known_secrets((*received.headers, *heard.headers), received.path)
    chunks = scrubbed_chunks([data for _, data in heard.pieces], known)
    if hides_secret(b"".join(chunks), known):
        return None
    return Taped(
        method=received.method,
        path=scrubbed_path(received.path, known),
        headers=tuple(kept_headers(received.headers, known)),
        body=_piece(0.0, scrubbed(received.body, known)),
        status=heard.status,
        answer_headers=tuple(kept_headers(heard.headers, known)),
        after=round(heard.after, 6),
        pieces=tuple(_piece(after, data) for (after, _), data in zip(heard.pieces, chunks, strict=True)),
        cut=heard.cut,
    )


def identity(received: Received) -> str:
    """What a request is recognised by: method, path, and its body without blanks between JSON's members and in one
    order; secrets are left out of all of them, so that another key finds the same recording."""
    known = known_secrets(received.headers, received.path)
    return f"{received.method} {scrubbed_path(received.path, known)}\n{_canonical(scrubbed(received.body, known))}"


def read_tape(path: Path) -> list[Taped]:
    """All exchanges of a file. Raises ConfigError that names the line."""
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError.of(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=Taped))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                fix = "Record it again, or take the line out."
                raise ConfigError.of(f"{path}, line {number}: {error}.", fix=fix) from None
    return found


def _piece(after: float, data: bytes) -> Piece:
    try:
        return Piece(round(after, 6), data.decode())
    except UnicodeDecodeError:
        return Piece(round(after, 6), base64=base64.b64encode(data).decode())


def _canonical(body: bytes) -> str:
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted").decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace").strip()
