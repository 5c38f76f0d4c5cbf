"""AWS Signature Version 4 of a request: headers that prove who sends it, for as long as its clock is right.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The body's hash is
signed but not sent as a header, which all services but S3 take.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime
from urllib.parse import quote, urlsplit

from meshwright.net.target import parse_url

_ALGORITHM = "AWS4-HMAC-SHA256"
_SPACES = re.compile(r"\s+")
# What proxies and transports add, change or take away on the way (RFC 9110 section 7.6.1, and AWS's own clients).
_UNSIGNED = frozenset(
    {
        "authorization", "baggage", "connection", "content-length", "expect", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "x-amzn-trace-id", "x-amz-date", "x-amz-security-token", "date",
    }
)  # fmt: skip
_UNRESERVED = "-_.~"


def sign(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    access_key: str,
    secret_key: str,
    session_token: str = "",
    region: str,
    service: str,
    now: float,
) -> tuple[tuple[str, str], ...]:
    """The headers to add: `x-amz-date`, `x-amz-security-token` (with a session token) and `authorization`.

    `url` is the address exactly as it is sent, its path percent-encoded once; the signature covers the path encoded
    once more, as every service but S3 wants it. `headers` are those of the request, any case, repeated ones in order;
    what may change on the way (`user-agent`, `connection`, ...) is not signed; `host` is the address's unless it is
    given. `now` is seconds since 1970; the service takes a signature for five minutes. Raises InvalidRequest for an
    address that cannot be called.
    """
    target = parse_url(url)
    at = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    added = [("x-amz-date", at)]
    if session_token:
        added.append(("x-amz-security-token", session_token))
    signed: dict[str, str] = {}
    for name, value in headers:
        lower = name.strip().lower()
        if lower not in _UNSIGNED:
            said = _SPACES.sub(" ", value).strip()
            signed[lower] = f"{signed[lower]},{said}" if lower in signed else said
    signed.setdefault("host", target.authority)
    signed.update(added)
    names = sorted(signed)
    parts = urlsplit(url)
    canonical = "\n".join(
        (
            method.upper(),
            _path(parts.path),
            _query(parts.query),
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            sha256(body).hexdigest(),
        )
    )
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = _mac(_key(secret_key, at[:8], region, service), to_sign).hex()
    proof = f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return (*added, ("authorization", proof))


# It is the same for a day; deriving it is half of the work of signing a small request.
@lru_cache(maxsize=32)
def _key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for word in (day, region, service, "aws4_request"):
        key = _mac(key, word)
    return key


def _mac(key: bytes, words: str) -> bytes:
    return hmac.digest(key, words.encode(), "sha256")


@lru_cache(maxsize=1024)
def _path(path: str) -> str:
    """The path without `.`, `..` and empty segments (RFC 3986 section 5.2.4), percent-encoded once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    found = "/" + "/".join(kept)
    if kept and path.endswith("/"):
        found += "/"
    return quote(found, safe="/" + _UNRESERVED)


def _query(query: str) -> str:
    """The parameters as they are sent, in the order of their names, then of their values."""
    if not query:
        return ""
    pairs = (part.partition("=") for part in query.split("&"))
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))
