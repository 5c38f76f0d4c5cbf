"""How often `semantic` finds the subject of a question by five examples of each: by words, and by meanings too.

    python bench/router/measure_subjects.py outcomes-dev.jsonl.gz

The rows are MMLU's, as `scripts/train_router.py` takes them; their tasks are its subjects. Examples are drawn anew in
each draw, and asked are questions that are none of them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from meshwright.providers.builtin import meaning
from meshwright.routing.likeness import likeness, meant
from meshwright.routing.quality.rows import read_rows

SOURCE = "routellm-mmlu"
EXAMPLES, ASKED, DRAWS = 5, 400, 5
Alike = Callable[[str, Sequence[str]], float]


def share(by_subject: dict[str, list[str]], alike: Alike, seed: int) -> float:
    """Of questions drawn from all that are no examples, those whose own subject's examples are likest."""
    dice = random.Random(seed)
    examples: dict[str, list[str]] = {}
    rest: list[tuple[str, str]] = []
    for subject, prompts in sorted(by_subject.items()):
        drawn = dice.sample(prompts, len(prompts))
        examples[subject] = drawn[:EXAMPLES]
        rest += [(subject, prompt) for prompt in drawn[EXAMPLES:]]
    asked = dice.sample(rest, ASKED)
    return mean(max(examples, key=lambda one: alike(prompt, examples[one])) == subject for subject, prompt in asked)


def main(file: Path) -> None:
    """Print a line for each kind of likeness."""
    by_subject: dict[str, list[str]] = {}
    for row in read_rows(file):
        if row.source == SOURCE:
            by_subject.setdefault(row.task, []).append(row.prompt)
    print(f"{len(by_subject)} subjects, {EXAMPLES} examples each, {DRAWS} draws of {ASKED} questions")
    meaning.load()
    for name, alike in (("words", likeness), ("words and meanings", meant)):
        if alike is meant and not meaning.loaded():
            print(meaning.MISSING)
            return
        shares = [share(by_subject, alike, seed) for seed in range(DRAWS)]
        print(f"{name:<20} {mean(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
