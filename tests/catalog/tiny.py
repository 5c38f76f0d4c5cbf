"""Small tokenizers of all three forms, made on the spot."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

WORDS = (
    "the old bridge stands over the river and the river is low",
    "a bridge is a way over a river; who goes over it pays a coin",
    "def total(items): return sum(item.price for item in items)",
)


def tokenizer_json(path: Path, *special: str, cut_to: int | None = None) -> Path:
    """Byte pairs, trained on a few sentences. `special`: tokens of a template; `cut_to`: as files for embedding do."""
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(
        vocab_size=360, initial_alphabet=alphabet, special_tokens=list(special), show_progress=False
    )
    made.train_from_iterator(WORDS, trainer)
    if cut_to is not None:
        made.enable_truncation(cut_to)
        made.enable_padding(length=cut_to)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return path


def tiktoken_file(path: Path, *pairs: bytes) -> Path:
    """A token for each byte, and these."""
    tokens = [bytes((one,)) for one in range(256)] + list(pairs)
    lines = [f"{b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))
    return path


def tekken_file(path: Path, *pairs: bytes) -> Path:
    """The same as Mistral writes it; the last token of the file is above the size that the file says."""
    tokens = [bytes((one,)) for one in range(256)] + list(pairs) + [b"zz"]
    vocab = [{"rank": at, "token_bytes": b64encode(one).decode(), "token_str": None} for at, one in enumerate(tokens)]
    size = len(tokens) - 1 + 10
    config = {"pattern": r"\p{L}+|[^\p{L}]", "default_vocab_size": size, "default_num_special_tokens": 10}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"config": config, "vocab": vocab}))
    return path
