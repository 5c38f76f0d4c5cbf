"""Write docs/reference/media.md: what each family of models counts for pictures, pages, sounds and films, and says who.

python -m scripts.make_media            # after a change of catalog/data/media.jsonl
"""

from __future__ import annotations

from pathlib import Path

from meshwright.catalog.media.formulas import Crops, Flat, Formula, Grid, Patches, Rows, Sampled, Tiles
from meshwright.catalog.media.rules import Rule, rows

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "media.md"
HEAD = """# What media cost in tokens

Written by `python -m scripts.make_media` from `catalog/data/media.jsonl`; the first row whose pattern fits a model's
name holds. How it is used: [counting tokens](../how-to/counting-tokens.md#pictures-documents-sounds-and-films).

| models | a picture | 1024 x 1024 | 1920 x 1080 | at most | a page | a second of sound | of film | source, day |
|---|---|---:|---:|---:|---:|---:|---:|---|
"""


def way(formula: Formula) -> str:
    """How a picture is counted, in words."""
    match formula:
        case Tiles(base=base, tile=tile):
            return f"{base:,}, and {tile:,} for each tile of 512 pixels"
        case Patches(factor=factor, high=high, original=original):
            more = f", {original.patches:,} with `original`" if original else ""
            return f"{factor} for each patch of 32 pixels, {high.patches:,} patches at most{more}"
        case Grid(edge=edge, most=most):
            return f"1 for each 28 pixels square, {most:,} at most, {edge:,} pixels long"
        case Crops(each=each, small=small):
            return f"{each} up to {small} pixels, else for each crop"
        case Flat(each=each, details=details):
            more = "".join(f", {name} {price:,}" for name, price in details.items())
            return f"{each:,}, whatever its size{more}"
        case Rows(patch=patch):
            return f"1 for each patch of {patch} pixels and each row of them"
        case Sampled():
            return "by a table of sizes"


def line(rule: Rule) -> str:
    """The row of a rule."""

    def shown(value: float | None) -> str:
        return "not published" if value is None else f"{value:,.0f}"

    sizes = (rule.picture.tokens(1024, 1024, ""), rule.picture.tokens(1920, 1080, ""), rule.picture.most)
    cells = (
        ", ".join(f"`{one}`" for one in rule.models),
        way(rule.picture),
        *(f"{size:,}" for size in sizes),
        shown(rule.page),
        shown(rule.sound),
        shown(rule.film),
        f"[{rule.date}]({rule.source}){'. ' + rule.note if rule.note else ''}",
    )
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(map(line, rows())) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
