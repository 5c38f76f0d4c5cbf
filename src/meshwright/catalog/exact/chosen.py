"""Which file counts for which model: what [tokenizers] of mesh.toml names, and what lies in its folder.

A file is taken for the models whose name it bears, and a file of OpenAI's for the models that OpenAI's own table
(tiktoken/model.py) gives it. No other family is taken for granted: tokenizers change between versions of a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from meshwright.catalog.exact.formats import SPLITS
from meshwright.catalog.exact.tokenizer import Tokenizer, tokenizer
from meshwright.types.model import bare

MOST_ENTRIES = 2_000
"""Of a folder that are looked at."""
DEEPEST = 3
"""Folders into one another: FOLDER/ORGANIZATION/MODEL/tokenizer.json."""
WHOLE = ("tokenizer.json", "tekken.json")
"""Files that bear the name of the folder that they are in."""

# Source: tiktoken 0.14, tiktoken/model.py, of 2026-08.
_OPENAI = {
    "o200k": re.compile(r"(ft:)?(o1|o3|o4-mini|gpt-5|gpt-4\.5|gpt-4\.1|gpt-4o|chatgpt-4o|gpt-oss)(?![a-z0-9])"),
    "cl100k": re.compile(
        r"(ft:)?(gpt-4(?![.\w])|gpt-3\.5|gpt-35-turbo|text-embedding-ada-002|text-embedding-3-|davinci-002|babbage-002)"
    ),
}
# tiktoken keeps what it has fetched under the SHA-1 of its address.
_KEPT = {"fb374d419588a4632f3f557e76b4b70aebbca790": "o200k", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4": "cl100k"}


class Chosen:
    """The tokenizers of one configuration; empty when it names none."""

    def __init__(self, folder: Path | None = None, files: Mapping[str, str] | None = None) -> None:
        self._patterns = {name.lower(): Path(file).expanduser() for name, file in (files or {}).items()}
        self._own: dict[str, Path] = {}
        for name, path in _found(folder) if folder is not None else ():
            self._own.setdefault(name, path)
        self.named: dict[str, Tokenizer] = {}
        """Those that count for a model, by what decisions call them: the name of the file, as short as tells it."""
        self.of = lru_cache(maxsize=4096)(self._of)
        """What the file is called that counts for a model of that name (with its provider) and upstream name, or ""."""

    def __bool__(self) -> bool:
        return bool(self._patterns or self._own)

    @property
    def files(self) -> dict[str, Path]:
        """Every file, by what it is called in mesh.toml or in the folder."""
        return {**self._own, **self._patterns}

    def _of(self, name: str, upstream: str) -> str:
        said = {name.lower(), upstream.lower(), bare(upstream), bare(name)}
        for pattern, path in self._patterns.items():
            if pattern not in _OPENAI and any(fnmatchcase(one, pattern) for one in said):
                return self._use(path, "")
        own = next((self._own[one] for one in sorted(said, key=len, reverse=True) if one in self._own), None)
        if own is not None:
            return self._use(own, "")
        short = bare(upstream)
        for family, models in _OPENAI.items():
            found = self._patterns.get(family) or self._own.get(family)
            if found is not None and models.match(short):
                return self._use(found, family)
        return ""

    def _use(self, path: Path, split: str) -> str:
        made = tokenizer(path, split or split_of(path))
        name, number = made.name, 1
        while (there := self.named.setdefault(name, made)) is not made:
            if there.path == path:
                return name
            number += 1
            name = f"{made.name}#{number}"
        return name


NONE = Chosen()


def split_of(path: Path) -> str:
    """How a file's texts are split, as far as its name tells; "" when it does not."""
    if (kept := _KEPT.get(path.name)) is not None:
        return kept
    return next((name for name in SPLITS if path.name.startswith(name)), "")


def _found(folder: Path) -> Iterator[tuple[str, Path]]:
    """The tokenizers in a folder, by the names of their models or families."""
    left = MOST_ENTRIES
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            continue  # a folder that nobody may read has no files for us; the doctor tells when none is found
        for entry in entries[:left]:
            if entry.is_dir():
                if depth < DEEPEST - 1:
                    waiting.append((entry, depth + 1))
            elif entry.name in WHOLE:
                yield place.name.lower(), entry
                yield place.relative_to(folder).as_posix().lower(), entry
            elif (family := split_of(entry)) and entry.suffix in ("", ".tiktoken"):
                yield family, entry
            elif depth == 0 and entry.suffix == ".json":
                yield entry.stem.lower(), entry
        left -= len(entries)
        if left <= 0:
            return
