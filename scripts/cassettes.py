"""Reads recordings that others have published (the YAML cassettes of VCR.py) as exchanges of our own form.

What a cassette holds is described at https://vcrpy.readthedocs.io: `interactions`, each with a `request` (method, uri,
headers, body) and a `response` (status, headers, body). Some projects keep a JSON body parsed, as `parsed_body`.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from meshwright.sim.link import Received
from meshwright.sim.tape import Heard, Taped, taped


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange of a cassette as it was on the wire, as far as the cassette kept it.

    `parsed` says that a body was kept as parsed JSON: its blanks, the order of its members and its way of escaping
    are not the provider's any more. `date` is the day of the answer, "" where nothing in it tells.
    """

    host: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer: bytes
    parsed: bool
    date: str

    def taped(self) -> Taped:
        """It without its secrets. Raises ValueError when a secret cannot be taken out."""
        heard = Heard(self.status, self.answer_headers, 0.0, ((0.0, self.answer),))
        kept = taped(Received(self.method, self.path, self.headers, self.body), heard)
        if kept is None:
            raise ValueError(f"The answer to {self.method} {self.path} holds a secret that cannot be taken out.")
        return kept


def interactions(cassette: bytes) -> list[Interaction]:
    """All exchanges of a cassette. Raises msgspec.DecodeError, KeyError or ValueError on a file of another form."""
    return [_interaction(one) for one in msgspec.yaml.decode(cassette)["interactions"]]


def _interaction(one: Mapping[str, Any]) -> Interaction:
    asked, answered = one["request"], one["response"]
    uri = urlsplit(asked["uri"])
    headers, answer = _headers(answered), _body(answered)
    return Interaction(
        host=uri.netloc,
        method=asked["method"],
        path=uri.path + (f"?{uri.query}" if uri.query else ""),
        headers=_headers(asked),
        body=_body(asked),
        status=answered["status"]["code"],
        answer_headers=headers,
        answer=answer,
        parsed="parsed_body" in answered,
        date=_date(dict(headers), answer, one.get("recorded_at") or ""),
    )


def _headers(part: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for name, values in (part.get("headers") or {}).items():
        listed = values if isinstance(values, list) else [values]
        found += [(name.lower(), one.decode() if isinstance(one, bytes) else str(one)) for one in listed]
    return tuple(found)


def _body(part: Mapping[str, Any]) -> bytes:
    parsed = part.get("parsed_body")
    if parsed is not None:
        return msgspec.json.encode(parsed)
    body = part.get("body")
    if isinstance(body, Mapping):
        packed = body.get("base64_string")
        body = base64.b64decode(packed) if packed is not None else body.get("string")
    data = body.encode() if isinstance(body, str) else body or b""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if dict(_headers(part)).get("content-encoding") == "deflate":
        return zlib.decompress(data)
    return bytes(data)


def _date(headers: Mapping[str, str], answer: bytes, recorded: str) -> str:
    """The day of an answer: by its head, its cassette, or the time that it tells itself."""
    try:
        return parsedate_to_datetime(headers["date"]).date().isoformat()
    except (KeyError, ValueError):
        pass  # left out, or written over by whoever published it
    if recorded:
        return recorded[:10]
    said = _Times.of(answer)
    return datetime.fromtimestamp(said, UTC).date().isoformat() if said else ""


class _Times(msgspec.Struct):
    created: float | None = None
    created_at: float | None = None

    @staticmethod
    def of(answer: bytes) -> float | None:
        start = answer.find(b"{")
        end = answer.find(b"\n", start) if answer.startswith((b"data:", b"event:")) else len(answer)
        try:
            read = msgspec.json.decode(answer[start:end], type=_Times)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return read.created or read.created_at
