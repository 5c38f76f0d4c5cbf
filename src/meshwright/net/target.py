"""Reads the address of a call: scheme, host, port and request target, or a refusal that says what is wrong."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

import msgspec

from meshwright.types.errors import InvalidRequest

_PORTS = {"http": 80, "https": 443}
# RFC 3986 has no place for these; urlsplit() would drop some of them silently and so hide an injected header.
_NEVER = re.compile(r"[\x00-\x20\x7f\\]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
# RFC 3986 section 3.2.2, the characters of a name that people use (underscores occur in container names).
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_HOST_V6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")


class Target(msgspec.Struct, frozen=True):
    """A parsed address. `authority` is the value of the `host` header; `path` is the request target, in ASCII."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def url(self) -> str:
        """The address again, normalised and without a fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_url(url: str, *, field: str = "url") -> Target:
    """Parse an absolute http(s) address (RFC 9110 section 4.2). Raises InvalidRequest naming `field`.

    Control characters, blanks and backslashes are refused, not repaired; other characters outside ASCII are
    percent-encoded (in the host: IDNA). Credentials in the address are refused: they belong in a header.
    """
    if _NEVER.search(url):
        raise InvalidRequest(
            "The address holds a blank, a backslash or a control character.", field=field, fix="Percent-encode it."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequest(f"Not an address: {error}.", field=field) from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise InvalidRequest("Only http:// and https:// addresses can be called.", field=field)
    if "@" in parts.netloc:
        raise InvalidRequest("The address holds credentials.", field=field, fix="Send them in a header.")
    if port == 0:
        raise InvalidRequest("Port 0 cannot be called.", field=field)
    host = _host(parts.hostname or "", field)
    shown = f"[{host}]" if ":" in host else host
    port = port or _PORTS[scheme]
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    path = _NOT_ASCII.sub(lambda found: quote(found.group()), path)
    authority = shown if port == _PORTS[scheme] else f"{shown}:{port}"
    return Target(scheme=scheme, host=host, port=port, authority=authority, path=path)


def _host(host: str, field: str) -> str:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise InvalidRequest(f"Not a host name: {error}.", field=field) from error
    known = _HOST_V6 if ":" in host else _HOST_NAME
    if not known.fullmatch(host):
        raise InvalidRequest("The address has no valid host.", field=field)
    return host
