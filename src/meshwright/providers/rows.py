"""Rows of providers, read from the files in `data/`: one JSON object to a line, its fields those of Provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from meshwright.types.model import Layer, Provider

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
    return tuple(dict.fromkeys(_BLANK.findall(" ".join((row.base_url, *(layer.base_url for layer in row.also))))))


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

    def whole(address: str) -> str:
        return _BLANK.sub(lambda blank: values[blank[1]], address)

    also = tuple(msgspec.structs.replace(layer, base_url=whole(layer.base_url)) for layer in row.also)
    return msgspec.structs.replace(row, base_url=whole(row.base_url), also=also)


def moved(row: Provider, base_url: str) -> Provider:
    """The row of a service that runs at another host; its layers are there too."""
    parts = urlsplit(base_url)

    def there(address: str) -> str:
        return urlsplit(address)._replace(scheme=parts.scheme, netloc=parts.netloc).geturl()

    also = tuple(msgspec.structs.replace(layer, base_url=there(layer.base_url)) for layer in row.also)
    return msgspec.structs.replace(row, base_url=base_url, also=also)


def named_otherwise(row: Provider, base_url: str | None, dialect: str | None) -> Provider:
    """The row of a service for which its user names an address or a dialect.

    A dialect that it has a layer for is that layer alone. So is an address that ends as the layer's does and not as
    the row's own (".../v1" of an Ollama elsewhere); any other has no layer that is known of.
    """
    if base_url in (None, row.base_url) and dialect in (None, row.dialect):
        return row
    for layer in row.also:
        if dialect == layer.dialect if dialect is not None else _like(base_url or "", layer, row):
            return row.of(layer)
    return msgspec.structs.replace(row, also=())


def _like(base_url: str, layer: Layer, row: Provider) -> bool:
    path, own, other = (urlsplit(one).path.rstrip("/") for one in (base_url, row.base_url, layer.base_url))
    ends = other.rpartition("/")[2]
    return path.rpartition("/")[2] == ends != own.rpartition("/")[2]
