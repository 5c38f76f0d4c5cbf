"""Write docs/reference/translation.md from the tests' table of features, as `python -m scripts.make_matrix`."""

from __future__ import annotations

from pathlib import Path

from tests.wire.matrix_page import page

OUT = Path(__file__).parent.parent / "docs/reference/translation.md"


def main() -> None:
    """Write the page. Raises AssertionError when a feature is lost in silence."""
    OUT.write_text(page(), encoding="utf-8")
    print(f"{OUT.name} is written")


if __name__ == "__main__":
    main()
