"""Rows of providers, read from the files in `data/`: one JSON object to a line, its fields those of Provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from meshwright.types.model import Provider

DATA = Path(__file__).parent / "data"
_ROWS = msgspec.json.Decoder(Provider)
_BLANK = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
# What may stand in a host name or in one segment of a path: a value cannot lead the key to another host.
_FILLING = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?::\d{1,5})?")


def read_rows(file: Path) -> tuple[Provider, ...]:
    """The rows of a file, in its order. Raises msgspec.ValidationError on a row that is none."""
    return tuple(_ROWS.decode_lines(file.read_bytes()))


def blanks(row: Provider) -> tuple[str, ...]:
    """The environment variables that its address is made with: "https://{NAME}.example.com" has one."""
    return tuple(dict.fromkeys(_BLANK.findall(row.base_url)))


def filled(row: Provider, environment: Mapping[str, str]) -> Provider | str:
    """The row with its whole address, or why there is none. A variable may hold a host with its "https://"."""
    values = {}
    for name in blanks(row):
        value = environment.get(name, "").strip().removeprefix("https://").rstrip("/")
        if not value:
            return f"no address: set {name}"
        if not _FILLING.fullmatch(value):
            return f"no address: {name} holds more than a name (letters, digits, dots and dashes)"
        values[name] = value
    if not values:
        return row
    return msgspec.structs.replace(row, base_url=_BLANK.sub(lambda blank: values[blank[1]], row.base_url))
