"""Byte pairs by their ranks. Needs the extra `tokenizers`: import it late."""

from __future__ import annotations

from collections.abc import Callable

import tiktoken


def counter(ranks: dict[bytes, int], split: str) -> Callable[[str], int]:
    """Counts the tokens of a text; what looks like a special token is text. Raises what the library raises."""
    made = tiktoken.Encoding("local", pat_str=split, mergeable_ranks=ranks, special_tokens={})

    def count(text: str) -> int:
        return len(made.encode_ordinary(text))

    return count
