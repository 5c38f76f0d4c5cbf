"""secrets: keys of providers and clouds, private keys, tokens, passwords: by their published forms, or by entropy."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from meshwright.guards.guard import ASKED, Guard, Options, apart
from meshwright.types.guard import Finding

KINDS = {
    "provider_key": "a key of a model provider",
    "cloud_key": "a key of a cloud or of a service that runs programs",
    "service_key": "a key of another service: code, payments, messages",
    "private_key": "a private key in PEM or PuTTY's form, from its head to its end",
    "jwt": "a signed JSON Web Token",
    "password": "a password in an address, in a header, or given to a name that says so",
    "generic": "a value that looks like chance, given to a name that says that it is secret",
}


class Form(NamedTuple):
    """A published form: a few letters that it has for certain, and its whole shape."""

    kind: str
    sign: str
    shape: re.Pattern[str]


def _form(kind: str, sign: str, rest: str, before: str = r"(?<![A-Za-z0-9])") -> Form:
    return Form(kind, sign, re.compile(before + rest))


_W = "[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
# Forms as their makers publish them: in their documentation, or registered with secret scanning partners of code hosts.
FORMS = (
    _form("provider_key", "sk-", rf"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|mesh-)?{_W}{{20,220}}"),
    _form("provider_key", "gsk_", rf"gsk_{_A}{{40,60}}"),
    _form("provider_key", "xai-", rf"xai-{_A}{{60,90}}"),
    _form("provider_key", "pplx-", rf"pplx-{_A}{{40,60}}"),
    _form("provider_key", "hf_", rf"hf_{_A}{{30,40}}"),
    _form("provider_key", "r8_", rf"r8_{_A}{{37}}"),
    _form("provider_key", "nvapi-", rf"nvapi-{_W}{{60,80}}"),
    _form("provider_key", "fw_", rf"fw_{_A}{{22,32}}(?![A-Za-z0-9])"),
    _form("provider_key", "csk-", rf"csk-{_A}{{40,60}}"),
    _form("cloud_key", "AIza", rf"AIza{_W}{{35}}"),
    _form("cloud_key", "AKIA", r"AKIA[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _form("cloud_key", "ASIA", r"ASIA[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _form("cloud_key", "ABSK", r"ABSK[A-Za-z0-9+/]{100,300}={0,2}"),
    _form("cloud_key", "GOCSPX-", rf"GOCSPX-{_W}{{28}}"),
    _form("cloud_key", "ya29.", rf"ya29\.{_W}{{20,400}}"),
    _form("cloud_key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{80,90}={0,2}"),
    _form("cloud_key", "8Q~", rf"{_A}{{3}}8Q~[\w.~-]{{31,34}}"),
    _form("cloud_key", "dop_v1_", r"do[por]_v1_[a-f0-9]{64}"),
    _form("cloud_key", "dapi", r"dapi[a-f0-9]{32}"),
    _form("cloud_key", "hvs.", rf"hvs\.{_W}{{24,200}}"),
    _form("cloud_key", "FlyV1", r"FlyV1 (?:fm\d_)?[A-Za-z0-9+/=,_-]{80,600}"),
    _form("cloud_key", "pul-", r"pul-[a-f0-9]{40}"),
    _form("cloud_key", "tfp_", rf"tfp_{_A}{{59}}"),
    _form("service_key", "ghp_", rf"ghp_{_A}{{36,255}}"),
    _form("service_key", "gho_", rf"gho_{_A}{{36,255}}"),
    _form("service_key", "ghu_", rf"ghu_{_A}{{36,255}}"),
    _form("service_key", "ghs_", rf"ghs_{_A}{{36,255}}"),
    _form("service_key", "ghr_", rf"ghr_{_A}{{36,255}}"),
    _form("service_key", "github_pat_", rf"github_pat_{_A}{{22}}_{_A}{{59}}"),
    _form("service_key", "glpat-", rf"glpat-{_W}{{20,64}}"),
    _form("service_key", "xox", rf"xox[abeoprs]-{_W}{{10,250}}"),
    _form("service_key", "xapp-", rf"xapp-\d-{_W}{{40,200}}"),
    _form("service_key", "hooks.slack.com", rf"hooks\.slack\.com/services/T{_A}{{6,12}}/B{_A}{{6,12}}/{_A}{{20,28}}"),
    _form("service_key", "_live_", rf"(?:sk|rk|pk)_live_{_A}{{16,120}}"),
    _form("service_key", "_test_", rf"(?:sk|rk)_test_{_A}{{16,120}}"),
    _form("service_key", "whsec_", r"whsec_[A-Za-z0-9+/]{24,64}={0,2}"),
    _form("service_key", "SG.", rf"SG\.{_W}{{16,32}}\.{_W}{{32,64}}"),
    _form("service_key", "npm_", rf"npm_{_A}{{36}}"),
    _form("service_key", "pypi-", rf"pypi-AgE{_W}{{50,200}}"),
    _form("service_key", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _form("service_key", ":AA", rf"\d{{8,10}}:AA{_W}{{32,34}}"),
    _form("service_key", "lin_api_", rf"lin_api_{_A}{{40}}"),
    _form("service_key", "ntn_", rf"ntn_{_A}{{40,60}}"),
    _form("service_key", "PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _form("service_key", "key-", r"key-[a-f0-9]{32}(?![A-Za-z0-9])"),
    _form("service_key", "sntrys_", rf"sntry[su]_{_W}{{40,200}}"),
    _form("service_key", "dckr_pat_", rf"dckr_pat_{_W}{{24,40}}"),
    _form("service_key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _form("jwt", "eyJ", rf"eyJ{_W}{{8,4000}}\.eyJ{_W}{{8,8000}}\.{_W}{{16,2000}}", r"(?<![\w-])"),
)
_DIGIT = re.compile(r"\d")
_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]{8,80}")
LONGEST_PEM = 16_000
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{1,100}:([^\s/@\"'<>]{3,200})@", re.IGNORECASE)
_BEARER = re.compile(r"\b(?:bearer|basic)\s+([A-Za-z0-9+/=._~-]{16,400})", re.IGNORECASE)
_SAYING = ("key", "secret", "token", "pass", "pwd", "credential", "kennwort", "contrase", "mot de")
"""Words of names that say that their value is secret; a key only with one of the next before it."""
_OF_KEY = re.compile(r"(?:api|access|private|encryption|signing|secret|auth|account|license)[_ -]?\Z")
_GIVEN = re.compile(
    r"(?:word|wd|phrase|wort| ?passe|na|ial)?s?(?:[_ -]?(?:access[_ -]?)?key)?[\"'\]`]{0,2}\s{0,3}"
    r"(?:(?:is|=>|:=|=|:|ist|es|est)\s{0,3}){1,2}[\"'`]{0,3}([^\s\"'`<>,;]{6,200})",
    re.IGNORECASE,
)
_PASSWORDS = ("pass", "pwd", "kennwort", "contrase", "mot de")
_PLACEHOLDER = re.compile(
    r"^(?:\W*|[xX*.•_-]+|your\b.*|my[_-].*|<.*|\$\{?.*|\{\{.*|%.*|example.*|changeme|password|secret|token|none|null|true"
    r"|false|undefined|required|optional|string|str|os\.|process\.|getenv.*|env[.(\[].*|.*\(.*|.*\[.*)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[a-z]{2,}(?:[._-][a-z]{2,})*|[A-Z][a-z]+(?:[A-Z][a-z]+)*")
LEAST_BITS = 3.0
"""Bits of entropy for each letter that a value must have to look like chance (words of a language have less)."""


def look(text: str, options: Options) -> list[Finding]:
    """Every secret in the text; of what overlaps, the first and longest."""
    return apart(one for one in _all(text) if options.wants(one.kind))


def _all(text: str) -> Iterator[Finding]:
    # Keys are drawn by lot: none of them is without a digit.
    for form in FORMS if _DIGIT.search(text) else ():
        if form.sign in text:
            for match in form.shape.finditer(text):
                if form.kind != "provider_key" or _chance(match.group(), 2.5):
                    yield Finding(form.kind, *match.span())
    if "-----BEGIN" in text or "PuTTY-User-Key" in text:
        yield from _private_keys(text)
    if "://" in text and "@" in text:
        for match in _URL_PASSWORD.finditer(text):
            if not _PLACEHOLDER.match(match[1]):
                yield Finding("password", *match.span(1))
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        for match in _BEARER.finditer(text):
            if _chance(match[1], LEAST_BITS) and not _WORDS.fullmatch(match[1]):
                yield Finding("password", *match.span(1))
    yield from _given(text, lower)


def _private_keys(text: str) -> Iterator[Finding]:
    at = 0
    while (head := _PEM.search(text, at)) is not None:
        end = _PEM_END.search(text, head.end(), head.end() + LONGEST_PEM)
        # Without its end it is masked as far as one can go: a key that was cut is still most of a key.
        at = end.end() if end is not None else min(len(text), head.end() + LONGEST_PEM)
        yield Finding("private_key", head.start(), at)


def _given(text: str, lower: str) -> Iterator[Finding]:
    for word in _SAYING:
        for at in _places(lower, word):
            if (word == "key" and not _OF_KEY.search(lower, max(0, at - 12), at)) or (
                word == "token" and lower[at - 1 : at].isalpha()
            ):
                continue
            match = _GIVEN.match(text, at + len(word))
            value = match[1].rstrip(".,;:)") if match is not None else ""
            if match is None or len(value) < 6 or _PLACEHOLDER.match(value) or _WORDS.fullmatch(value):
                continue
            start = match.start(1)
            if word in _PASSWORDS:
                yield Finding("password", start, start + len(value))
            elif len(value) >= 12 and _chance(value, LEAST_BITS):
                yield Finding("generic", start, start + len(value))


def _places(lower: str, word: str) -> Iterator[int]:
    at = lower.find(word)
    while at >= 0:
        yield at
        at = lower.find(word, at + len(word))


def _chance(value: str, least: float) -> bool:
    """Whether a value looks drawn by lot: digits and letters, and bits enough for each."""
    if not any(letter.isdigit() for letter in value):
        return False
    return entropy(value) >= least


def entropy(value: str) -> float:
    """Shannon's entropy of the letters, in bits for each."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


GUARD = Guard(
    look=look,
    summary="Keys, tokens and passwords, by their published forms or by entropy beside a name.",
    kinds=KINDS,
    action="block",
    places=ASKED,
    reach=256,
    opens=("-----BEGIN", "PuTTY-User-Key"),
)
