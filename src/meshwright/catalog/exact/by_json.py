"""A tokenizer.json of Hugging Face. Needs the extra `tokenizers`: import it late."""

from __future__ import annotations

from collections.abc import Callable

from tokenizers import Tokenizer


def counter(data: bytes) -> tuple[Callable[[str], int], Callable[[str], bool]]:
    """Counts the tokens of a text, and tells whether a token is known. Raises what the library raises."""
    made = Tokenizer.from_buffer(data)
    # What was set for training or for embedding would cut a text short, or fill it up.
    made.no_truncation()
    made.no_padding()

    def count(text: str) -> int:
        # The quicker of two: it does not work out where in the text each token stands.
        return len(made.encode_batch_fast([text], add_special_tokens=False)[0])

    return count, lambda token: made.token_to_id(token) is not None
