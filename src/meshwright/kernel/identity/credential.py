"""What a provider is called with, where it was found, or why it was not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from meshwright.net.asking import refusal
from meshwright.net.proof import AwsKeys, Source

MAX_FILE = 1024 * 1024
"""Bytes of a file with credentials."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A plain `key`, or an `identity` at a cloud (keys, or a source of what runs out); neither with the reason in
    `missing`. Neither is ever shown.

    `source` says where it comes from. `filling` completes the provider's address where the environment is silent.
    `headers` go with every call.
    """

    key: str = ""
    identity: AwsKeys | Source | None = None
    source: str = ""
    missing: str = ""
    filling: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Credential({self.source or self.missing})"


def expanded(path: str) -> Path:
    """A path with the home that its `~` means; as it is where nobody knows that home, and so there is no such file."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def read_file(path: Path) -> str:
    """A small text file. Raises OSError and ValueError, in words that can be shown."""
    with path.open("rb") as file:
        told = file.read(MAX_FILE + 1)
    if len(told) > MAX_FILE:
        raise ValueError(f"it is larger than {MAX_FILE} bytes")
    try:
        return told.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is no text") from error


async def read_aside(path: str) -> str:
    """The same of a file that may be far away, without keeping anybody waiting."""
    return await asyncio.to_thread(lambda: read_file(expanded(path)))


async def read_token(path: str, what: str) -> str:
    """The token that a file holds, read aside. Raises UpstreamError, whose words say what it is."""
    try:
        return (await read_aside(path)).strip()
    except (OSError, ValueError) as error:
        raise refusal(f"{what} cannot be read ({error}).") from error


def home(environment: Mapping[str, str]) -> Path | None:
    """The user's folder."""
    told = environment.get("HOME") or environment.get("USERPROFILE") or ""
    return Path(told) if told else None


def until(text: str, who: str) -> float:
    """A time of ISO 8601 in seconds since 1970. Raises UpstreamError."""
    try:
        at = datetime.fromisoformat(text.removesuffix("UTC") + "Z" if text.endswith("UTC") else text)
    except ValueError:
        raise refusal(f"{who} said an end ({text[:40]!r}) that is no time.") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
