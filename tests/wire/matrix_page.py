"""The translation matrix as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshwright.wire import CODECS
from tests.wire.matrix import ONE_PROMPT, Kind, prefix_is_stable, verdict
from tests.wire.matrix_features import FEATURES, GROWING, STEADY

KINDS: dict[Kind, str] = {"request": "Asked", "answer": "Answered, whole", "stream": "Answered, as a stream"}
HEAD = """# Translation

What becomes of each feature when a client of one dialect is answered by a provider of another. This page is written by
`python -m scripts.make_matrix` from the table that the tests run through (`tests/wire/matrix_features.py`); a test
fails when it is out of date, and another when anything is lost in silence.

| word | meaning |
|---|---|
| carried | it arrives as it was meant; between two of the same dialect as the very bytes |
| changed | something near to it arrives, and an `Adaptation` says so |
| dropped | it is gone, and an `Adaptation` says so |
| refused | the request is refused with a 400 that names the field |
| - | the dialect that it would come from cannot say it, or says it always |

An `Adaptation` is on the decision's trace and in `x-mesh-adapted`; `x-mesh-strict: true` makes an error of it.
Providers whose row has `quirks` may carry more or less than their dialect. What the cells do not tell:

- A thought that is signed or encrypted goes back to the model that made it, and no other gets it. Where an answer is
  translated its signature is sealed with its maker's name, and clients send that back as they got it. Between two of
  one dialect bytes pass as they are: such a signature goes to any provider of that dialect, and to none of another.
- A schema is always kept to by Messages, Converse, Gemini, Ollama and Cohere; there is no word for strictness there.
- A tool under a name that a provider refuses (dots, spaces, more than 64 characters) goes out under one that it takes,
  and its calls come back under the client's own. A call of a tool that takes free text comes back as that text.
- A model's own rules hold on every way to it: Claude's and OpenAI's for sampling beside reasoning and for efforts,
  Mistral's for ids of calls; no more tokens are asked for than its card says that it can give.
- What providers really answered is replayed through every dialect too: `python -m scripts.receipts` shows whose.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(line for client in CODECS for line in _client(client))])


def _client(client: str) -> Iterator[str]:
    yield f"## A client of `{client}`"
    yield ""
    for kind, title in KINDS.items():
        rows = {one.title: [verdict(one, client, other) for other in CODECS] for one in FEATURES if one.kind == kind}
        if kind == "request" and client != ONE_PROMPT:
            stable = [prefix_is_stable(client, other, GROWING, STEADY) for other in CODECS]
            rows["byte-stable prefix of a growing conversation"] = ["carried" if one else "changed" for one in stable]
        yield from _row(title, CODECS)
        yield "|" + "---|" * (len(CODECS) + 1)
        for feature, cells in rows.items():
            if set(cells) != {"-"}:
                yield from _row(feature, cells)
        if unsaid := [feature for feature, cells in rows.items() if set(cells) == {"-"}]:
            yield ""
            yield f"Cannot be said here: {', '.join(unsaid)}."
        yield ""


def _row(first: str, cells: Iterable[str]) -> Iterator[str]:
    yield "| " + " | ".join([first, *cells]) + " |"
