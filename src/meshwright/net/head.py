"""Request heads made and answer heads checked, by the same rules for every transport."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from meshwright.net.target import Target
from meshwright.net.transport import Endpoint
from meshwright.types.errors import InvalidRequest

HEAD_BYTES = 65_536
"""The largest answer head (and the largest trailer) that is read, in bytes."""
HEAD_FIELDS = 256
"""The most header fields that an answer may have."""

# RFC 9110 sections 5.1 and 5.5, but narrower: a value is ASCII, since nobody agrees on the rest.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_METHOD = re.compile(r"[A-Z]{1,20}")
# They decide where a message ends or what the connection becomes: that is the transport's to say.
_OURS = frozenset(
    [
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
_SUPPLIED = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "meshwright"}

# Providers send the same few dozen names for ever: looking one up costs less than decoding it.
_NAMES: dict[bytes, str] = {}
_NAMES_KEPT = 1024


def request_headers(target: Target, endpoint: Endpoint, extra: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Every header of a request but its length, lower-case names, `extra` replacing the endpoint's. InvalidRequest."""
    if not _METHOD.fullmatch(endpoint.method):
        raise InvalidRequest("Not an HTTP method.", field="method")
    headers = {"host": target.authority, **_SUPPLIED}
    for name, value in (*endpoint.headers, *extra):
        headers[_checked_name(name)] = _checked_value(name, value)
    return headers


def header_lines(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as they are on the wire (RFC 9112 section 5), checked. Raises InvalidRequest."""
    lines = "".join([f"{_checked_name(name)}: {_checked_value(name, value)}\r\n" for name, value in headers])
    return lines.encode("ascii")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidRequest("A header name holds a character that cannot be sent.", field="headers")
    lower = name.lower()
    if lower in _OURS:
        raise InvalidRequest(f"The header {lower} is set by the transport.", field=lower, fix="Leave it out.")
    return lower


def _checked_value(name: str, value: str) -> str:
    # The value may be a secret, and what is wrong with it may be that it ends in a line break: it is never shown.
    if not _VALUE.fullmatch(value):
        raise InvalidRequest(
            f"The value of the header {name} holds a line break, a control character or one outside ASCII.",
            field=name,
            fix="Remove it (a key read from a file often ends in a line break) or percent-encode it.",
        )
    return value


def answer_headers(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names lower case, values as Latin-1 without outer blanks; the last of a name counts; no `set-cookie`."""
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[_NAMES.get(name) or _lower(name)] = value.rstrip().decode("latin-1")
    headers.pop("set-cookie", None)
    return headers


def _lower(name: bytes) -> str:
    lower = name.decode("latin-1").lower()
    if len(_NAMES) < _NAMES_KEPT:
        _NAMES[name] = lower
    return lower


def refused(status: int, headers: Mapping[str, str], asked_encoding: bool) -> str | None:
    """Why an answer with this head cannot be used, or None.

    A length beside a transfer coding is request smuggling or a broken server (RFC 9112 section 6.3); a coding other
    than `chunked` and a content coding that was not asked for would reach the dialect as rubbish.
    """
    if status < 200:
        return f"it answered with status {status}"
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if "content-length" in headers:
            return "it sent both a content length and a transfer coding"
        if coding.lower() != "chunked":
            return f"it used the transfer coding {coding[:40]!r}"
    encoding = headers.get("content-encoding")
    if encoding is not None and not asked_encoding and encoding.lower() not in ("identity", ""):
        return f"it sent status {status} encoded with {encoding[:40]!r} although identity was asked for"
    return None


def asks_encoding(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the caller asked for a content coding itself and so takes the body encoded."""
    return any(name.lower() == "accept-encoding" for name, _ in headers)
