"""Which cells of provider x feature have a receipt, and of which kind, as `python -m scripts.receipts`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.wire.receipts import Kind, Receipt, all_receipts

MARKS: dict[Kind, str] = {"recorded": "R", "documented": "d", "written": "w"}
OWN = {"openai_responses": "responses", "openai_completions": "completions", "openai_chat": "chat"}


def tables(found: Sequence[Receipt]) -> Iterator[str]:
    """Markdown: for each provider and dialect its features, those with a recording first; then what is where."""
    columns: defaultdict[tuple[str, str], defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in found:
        columns[one.told.provider, one.told.dialect][one.told.feature].add(MARKS[one.told.kind])
    order = sorted(columns, key=lambda column: (-len(columns[column]), column))
    heads = [provider if dialect not in OWN else f"{provider} {OWN[dialect]}" for provider, dialect in order]
    yield "| feature | " + " | ".join(heads) + " |"
    yield "|" + "---|" * (len(order) + 1)
    features = Counter(feature for held in columns.values() for feature in held)
    for feature in sorted(features, key=lambda one: (one.startswith("error"), -features[one], one)):
        cells = ["".join(sorted(columns[column].get(feature, ()))) for column in order]
        yield f"| {feature} | " + " | ".join(cells) + " |"


def summary(found: Sequence[Receipt]) -> str:
    """How many there are, in one sentence."""
    kinds = Counter(one.told.kind for one in found)
    counts = ", ".join(f"{kinds[kind]} {kind} ({mark})" for kind, mark in MARKS.items())
    cells = {(one.told.provider, one.told.dialect, one.told.feature) for one in found}
    recorded = {(one.told.provider, one.told.dialect, one.told.feature) for one in found if one.told.kind == "recorded"}
    providers = {one.told.provider for one in found}
    return (
        f"{len(found)} receipts of {len(providers)} providers: {counts}; "
        f"{len(cells)} cells have one, {len(recorded)} of them a recorded one"
    )


def main() -> None:
    """Print the table and the counts."""
    found = all_receipts()
    for line in tables(found):
        print(line)
    print(f"\n{summary(found)}")


if __name__ == "__main__":
    main()
