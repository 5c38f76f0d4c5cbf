"""Write the tables of docs/reference/guards.md from the guards themselves: python -m scripts.make_guards_page."""

from __future__ import annotations

import re
from pathlib import Path

from meshwright.guards import GUARDS, Guard
from meshwright.guards.national import COUNTRIES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "guards.md"


def section(name: str, guard: Guard) -> str:
    """What a guard finds, and what it does unless told otherwise."""
    rows = "\n".join(f"| `{name}.{kind}` | {told} |" for kind, told in guard.kinds.items())
    facts = f'`{guard.action}`; `fail = "{guard.fail}"`; looks at {", ".join(guard.places)}'
    facts += f"; threshold {guard.threshold}" if guard.threshold is not None else ""
    return f"## `{name}`\n\n{guard.summary} By default: {facts}.\n\n| kind | what it is |\n|---|---|\n{rows}\n"


def main() -> None:
    """Replace everything between the two marks."""
    made = "\n".join(section(name, guard) for name, guard in GUARDS.items())
    made += f"\nNational numbers are those of {', '.join(COUNTRIES)}.\n"
    text = PAGE.read_text(encoding="utf-8")
    start, end = "<!-- made by scripts/make_guards_page.py -->", "<!-- end -->"
    pattern = re.compile(f"{re.escape(start)}.*{re.escape(end)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{start}\n\n{made}\n{end}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
