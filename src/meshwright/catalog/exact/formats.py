"""The three forms in which tokenizers come, each read into something that counts.

- `tokenizer.json` of Hugging Face, by the library `tokenizers`;
- `.tiktoken`, OpenAI's: a line for each token with its bytes in base64 and its rank, by `tiktoken`. Such a file does
  not say how a text is split before, so only those are read whose split is known;
- `tekken.json`, Mistral's: the same ranks with the split beside them, by `tiktoken`, as `mistral-common` does.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from meshwright.catalog.exact.frames import BY_TOKEN, MISTRAL, OPENAI, Frame

Count = Callable[[str], int]
MISSING = "pip install 'meshwright[tokenizers]'"

# Equal to those of tiktoken 0.14 (tiktoken_ext/openai_public.py).
_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|"
    r"\s+(?!\S)|\s"
)
_ENDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _ENDS,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _ENDS,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
SPLITS: Mapping[str, str] = {"o200k": _O200K, "cl100k": _CL100K}


class Unusable(Exception):
    """A file that is not what it seems to be; the words say why."""


class Read(msgspec.Struct, frozen=True, eq=False):
    """A tokenizer that was read: how it counts, what it puts around messages, and up to what length at once.

    A text of `swift` characters takes it about a quarter of a millisecond.
    """

    count: Count
    frame: Frame
    library: str
    swift: int


def read(data: bytes, split: str) -> Read:
    """The tokenizer in a file. `split` names how texts are split, for a file that does not say it. Raises Unusable."""
    start = data[:4096].lstrip()
    if not start.startswith(b"{"):
        return _ranked(_lines(data), _split(split), OPENAI)
    try:
        whole = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unusable(f"it is not JSON: {error}") from None
    if "config" in whole and "vocab" in whole:
        return _tekken(data)
    if "model" not in whole:
        raise Unusable('it has neither the "model" of a tokenizer.json nor the "config" and "vocab" of a tekken.json')
    return _hugging_face(data)


def _split(name: str) -> str:
    found = SPLITS.get(name)
    if found is None:
        known = " and ".join(SPLITS)
        raise Unusable(f"how it splits a text is not known, but for files of {known}; a tokenizer.json says it itself")
    return found


def _lines(data: bytes) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        token, _, rank = line.partition(b" ")
        if not line:
            continue
        try:
            ranks[b64decode(token, validate=True)] = int(rank)
        except (ValueError, NotBase64):
            raise Unusable(f"its line {number} is not a token in base64 and a rank") from None
    return ranks


def _ranked(ranks: dict[bytes, int], split: str, frame: Frame) -> Read:
    """Byte pairs by rank. Whatever text comes, each of its bytes must be a token, or the library gives up."""
    if len(set(ranks.values())) != len(ranks) or b"" in ranks:
        raise Unusable("two of its tokens have one rank, or one is empty")
    if any(bytes((one,)) not in ranks for one in range(256)):
        raise Unusable("it lacks tokens of single bytes")
    return Read(_library("by_ranks").counter(ranks, split), frame, "tiktoken", 6_000)


class _Piece(msgspec.Struct):
    rank: int
    token_bytes: str


class _Config(msgspec.Struct):
    pattern: str
    default_vocab_size: int
    default_num_special_tokens: int


class _Tekken(msgspec.Struct):
    config: _Config
    vocab: list[_Piece]


def _tekken(data: bytes) -> Read:
    try:
        found = msgspec.json.decode(data, type=_Tekken)
        most = found.config.default_vocab_size - found.config.default_num_special_tokens
        ranks = {b64decode(one.token_bytes, validate=True): one.rank for one in found.vocab[: max(0, most)]}
    except (msgspec.ValidationError, NotBase64, ValueError) as error:
        raise Unusable(f"it is no tekken.json: {error}") from None
    return _ranked(ranks, found.config.pattern, MISTRAL)


def _hugging_face(data: bytes) -> Read:
    count, knows = _library("by_json").counter(data)
    frame = next((frame for token, frame in BY_TOKEN.items() if knows(token)), OPENAI)
    return Read(count, frame, "tokenizers", 1_000)


def _library(name: str) -> Any:
    try:
        return import_module(f"meshwright.catalog.exact.{name}")
    except ImportError as error:
        raise Unusable(f"the library {error.name} is not installed; {MISSING}") from None
