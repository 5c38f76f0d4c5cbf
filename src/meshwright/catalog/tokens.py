"""How many tokens a text is, estimated without the tokenizer by what the text is made of, for each family of them.

A tokenizer spends about so much on a letter, so much on the beginning of a word, on a Chinese character, on a digit.
The weights are fitted by `scripts/fit_tokens.py` against real tokenizers; `bench/README.md` says how far off they are,
and on what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from meshwright.catalog.token_weights import WEIGHTS

WHOLE = 4_000
"""Characters up to which a text is looked at whole."""
SAMPLES = 8
SAMPLE = 500
"""Of a longer text so many pieces of this many characters, evenly spread: what it is made of hardly changes."""


_SCRIPTS = "LEYSIV*KHG+"


def _classes() -> bytes:
    """What stands for each byte of UTF-8: a letter of its class, so that counting runs in C."""
    table = bytearray(b"c" * 256)  # what continues a character
    for byte in range(256):
        one = chr(byte)
        if byte < 128:
            kind = "a" if one.islower() else "A" if one.isupper() else "0" if one.isdigit() else "."
            table[byte] = ord(one if one in " \n" else " " if byte < 32 else kind)
        elif byte >= 0xC2:
            # The first byte tells the script: Latin, Greek, Cyrillic, Hebrew to Thaana, India, Vietnam's letters and
            # others, signs, kana, Han, Hangul, and what lies beyond the basic plane.
            bounds = (0xCD, 0xD0, 0xD4, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xEA, 0xEE, 256)
            table[byte] = ord(_SCRIPTS[next(at for at, end in enumerate(bounds) if byte < end)])
    return bytes(table)


_TABLE = _classes()
_COUNTED = tuple(
    one.encode()
    for one in (
        *"aA0. \n",
        *_SCRIPTS,
        *(
            " a",
            " A",
            ".a",
            "aA",
            "AA",
            "Aa",
            "0.",
            " 0",
            ".0",
            "a0",
            "..",
            "  ",
            " .",
            "\n ",
            "aaaa",
            "aaaaaaaa",
            "00",
        ),
    )
)


_FAMILIES: Sequence[tuple[str, str]] = (
    ("gpt-4o", "o200k"), ("gpt-4.1", "o200k"), ("gpt-4.5", "o200k"), ("gpt-5", "o200k"), ("gpt-oss", "o200k"),
    ("chatgpt", "o200k"), ("gpt-3", "cl100k"), ("gpt-4", "cl100k"), ("text-embedding", "cl100k"), ("claude", "claude"),
    ("gemini", "gemini"), ("gemma", "gemini"), ("llama-2", "mistral"), ("llama2", "mistral"), ("llama", "llama3"),
    ("mixtral", "mistral"), ("mistral-7b", "mistral"), ("qwen", "qwen"), ("qwq", "qwen"), ("deepseek", "deepseek"),
)  # fmt: skip
_OPENAI = re.compile(r"(?:^|/)o[1-9](?:$|[-:])")
DEFAULT = "o200k"
"""For models whose tokenizer is not known: a vocabulary of today's usual size."""
USUAL: Mapping[str, float] = {
    "o200k": 1.0, "cl100k": 1.0, "llama3": 1.0, "mistral": 1.23, "claude": 1.08, "gemini": 1.14, "qwen": 1.02,
    "deepseek": 1.05,
}  # fmt: skip
"""How many tokens of each family there are to one of the default's, between English prose and program text. By the
estimator itself, on this repository's documentation and code."""


@lru_cache(maxsize=4096)
def family(model: str) -> str:
    """The family of tokenizers of the model of this name (upstream's or ours), by what its name begins with."""
    name = model.lower()
    if _OPENAI.search(name):
        return "o200k"
    return next((found for start, found in _FAMILIES if start in name), DEFAULT)


def made_of(text: str) -> list[float]:
    """How much of each class of characters, and of some neighbours, is in the text; of a long one by samples of it."""
    scale = 1.0
    size = len(text)
    if size > WHOLE:
        step = (size - SAMPLE) / (SAMPLES - 1)
        text = "".join(text[int(at * step) : int(at * step) + SAMPLE] for at in range(SAMPLES))
        scale = size / len(text)
    classes = text.encode(errors="replace").translate(_TABLE)
    return [scale * classes.count(one) for one in _COUNTED]


def tokens(text: str, family: str = DEFAULT) -> int:
    """An estimate of the text's tokens for that family. Tens of microseconds, whatever the length."""
    if not text:
        return 0
    return max(1, round(sum(weight * one for weight, one in zip(WEIGHTS[family], made_of(text), strict=True))))
