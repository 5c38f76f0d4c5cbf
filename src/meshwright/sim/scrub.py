"""Takes secrets out of recorded traffic: by where they stand, by how they look, and by being known from a header.

Headers and query parameters are kept by an allow-list: a secret in one that nobody thought of is not kept either.
Bodies lose what looks like a key, the values of members that hold keys, and every secret that came in a header or in
the query, however it is escaped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec

SCRUBBED = "[scrubbed]"
SHORTEST = 6
"""A known secret of fewer characters is not looked for in bodies: it would be found in innocent words."""

_KEPT_HEADERS = re.compile(
    r"accept|content-type|user-agent|anthropic-version|anthropic-beta|openai-beta|retry-after(-ms)?"
    r"|(x|anthropic)-ratelimit-(limit|remaining|reset|requests|tokens|input-tokens|output-tokens)[a-z-]*"
)
_KEPT_QUERY = frozenset(("after", "alt", "api-version", "before", "beta", "limit", "order", "stream"))
_TELLING = re.compile(
    r"auth|key|token|secret|cookie|session|signature|credential|password|organi[sz]ation|project|account"
)

_LOOKS = re.compile(
    rb"""(?x)
    (?<![A-Za-z0-9]) (?:
        sk[-_][A-Za-z0-9_-]{8,}
      | (?:pk|rk|pplx|xai|gsk|hf|r8|nvapi|tgp|fw|csk|esecret)[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{8,}
      | (?:org|proj|user)[-_](?=[A-Za-z]*[0-9])[A-Za-z0-9]{12,}
      | AIza[A-Za-z0-9_-]{20,}
      | (?:AKIA|ASIA)[A-Z0-9]{12,}
      | (?:gh[oprsu]|github_pat)_[A-Za-z0-9_]{16,}
      | xox[abeprs]-[A-Za-z0-9-]{8,}
      | ya29\.[A-Za-z0-9_-]{16,}
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
    )
    """
)
_BEARER = re.compile(rb"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})")
# Members of a JSON object, also of one that is itself a JSON string (a tool call's arguments).
_MEMBERS = re.compile(
    rb"""(?xi)
    \\*" (?: [a-z_-]*api[-_]?key | [a-z_-]*secret(?:_?access)?(?:_?key)? | authorization | proxy-authorization
           | password | passwd | [a-z]+_token | cookie | set-cookie | private_key | organi[sz]ation(?:_?id)? | org_id
           | project_id | account_id | credentials? ) \\*"
    \s* : \s* (?P<slashes>\\*)" (?P<value> (?: (?!(?P=slashes)") (?:\\.|[^\\]) )* ) (?P=slashes)"
    """
)
_IN_QUERY = re.compile(rb"""(?i)[?&](?:key|api[-_]?key|token|access_token|sig|signature|code|secret)=([^&#\s"'\\]+)""")

Headers = Sequence[tuple[str, str]]


def known_secrets(headers: Iterable[tuple[str, str]], path: str) -> set[str]:
    """The secrets that stand in headers and in the query of a path."""
    found: set[str] = set()
    for name, value in headers:
        if _TELLING.search(name) and not _KEPT_HEADERS.fullmatch(name):
            found |= {value, value.partition(" ")[2].strip()}
            if "cookie" in name:
                found |= {part.partition("=")[2].strip() for part in value.split(";")}
    query = path.partition("?")[2]
    found |= {value for name, value in parse_qsl(query, keep_blank_values=True) if name not in _KEPT_QUERY}
    return {secret for secret in found if len(secret) >= SHORTEST}


def kept_headers(headers: Iterable[tuple[str, str]], known: Collection[str]) -> list[tuple[str, str]]:
    """The headers that a recording keeps."""
    return [(name, scrubbed_text(value, known)) for name, value in headers if _KEPT_HEADERS.fullmatch(name)]


def scrubbed_path(path: str, known: Collection[str]) -> str:
    """A path whose query has only the values that a recording keeps."""
    place, mark, query = path.partition("?")
    pairs = [
        (scrubbed_text(name, known), scrubbed_text(value, known) if name in _KEPT_QUERY else SCRUBBED)
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    place = "/".join(quote(scrubbed_text(unquote(word), known), safe="[]:@,") for word in place.split("/"))
    return place + mark + urlencode(pairs, safe="[]")


def scrubbed_text(text: str, known: Collection[str]) -> str:
    """A text without secrets."""
    return scrubbed(text.encode("utf-8", "surrogateescape"), known).decode("utf-8", "replace")


def scrubbed(body: bytes, known: Collection[str]) -> bytes:
    """A body without secrets."""
    return b"".join(scrubbed_chunks((body,), known))


def scrubbed_chunks(chunks: Sequence[bytes], known: Collection[str]) -> list[bytes]:
    """A body that came in pieces, without secrets, even where one goes over the edge of a piece. As many pieces."""
    whole = b"".join(chunks)
    spans = _spans(whole, known)
    out: list[bytes] = []
    edge, place, number = 0, 0, 0
    for piece in chunks:
        edge += len(piece)
        kept = bytearray()
        while number < len(spans) and spans[number][0] < edge:
            start, end = spans[number]
            kept += whole[place:start] + SCRUBBED.encode()
            place = end
            number += 1
        kept += whole[place:edge]
        place = max(place, edge)
        out.append(bytes(kept))
    return out


def hides_secret(body: bytes, known: Collection[str]) -> bool:
    """Whether a stream of events spells a secret piece by piece, where no pattern finds it."""
    strings: defaultdict[str, list[str]] = defaultdict(list)
    for line in body.split(b"\n"):
        data = line.strip().removeprefix(b"data:")
        if data[:2].strip()[:1] != b"{":
            continue
        try:
            _gather(msgspec.json.decode(data), "", strings)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # not JSON: what it says was scrubbed as plain bytes
    return any(_spans("".join(told).encode(), known) for told in strings.values() if len(told) > 1)


def _gather(value: Any, path: str, strings: defaultdict[str, list[str]]) -> None:
    if isinstance(value, str):
        strings[path].append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _gather(inner, f"{path}.{name}", strings)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, path, strings)


def _spans(body: bytes, known: Collection[str]) -> list[tuple[int, int]]:
    """Where secrets stand, in order and without overlaps."""
    found = [match.span() for match in _LOOKS.finditer(body)]
    found += [match.span(1) for pattern in (_BEARER, _IN_QUERY) for match in pattern.finditer(body)]
    found += [match.span("value") for match in _MEMBERS.finditer(body)]
    for secret in known:
        for spelled in _spellings(secret):
            found += [match.span() for match in re.finditer(re.escape(spelled), body)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if start == end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _spellings(secret: str) -> set[bytes]:
    """A secret as it may stand in JSON, in JSON within JSON, and in an address."""
    once = msgspec.json.encode(secret)[1:-1]
    plain = "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in once.decode())
    spelled = {secret.encode(), once, once.replace(b"/", b"\\/"), plain.encode(), quote(secret, safe="").encode()}
    return spelled | {msgspec.json.encode(one.decode())[1:-1] for one in (once, plain.encode())}
