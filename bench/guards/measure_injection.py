"""Recall and false alarms of `injection` and `instructions`: attacks in e-mails, harmless pages, and look-alikes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import thread_time

from intervals import is_test, told
from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.rule import Rule, scan

PLAIN = ("ignore previous", "ignore all", "disregard", "system prompt", "jailbreak", "pretend", "you are now", "must")
"""Words that a first list of signs would have: the reference."""


def guard(name: str) -> Callable[[str], bool]:
    """Whether a guard finds anything in a text, at its usual threshold."""
    row = GUARDS[name]
    options = Options(threshold=row.threshold)
    rule = Rule(name=name, uses=name, guard=row, action="flag", places=row.places, options=options)
    return lambda text: bool(scan(rule, text))


def measure_injection(folder: Path, pages: Path | None, *, test: bool) -> None:
    """Print the table. `pages`: a folder of harmless pages (JSON)."""
    attacks = _attacks(folder, test)
    lines = (folder / "bipia_email_train.jsonl").read_text().splitlines()
    emails = [text for line in lines if is_test(text := json.loads(line)["context"]) == test]
    alike = json.loads((folder / "NotInject_one.json").read_text())
    prompts = [row["prompt"] for row in alike if is_test(row["prompt"]) == test]
    harmless = _pages(pages, test) if pages is not None else []
    poisoned = [made for at, (_, attack) in enumerate(attacks) for made in _inserted(emails[at % len(emails)], attack)]
    half = "test" if test else "development"
    print(f"\ninjection: the {half} half; attacks of {len({kind for kind, _ in attacks})} categories")
    looks: dict[str, Callable[[str], bool]] = {
        "injection": guard("injection"),
        "instructions": guard("instructions"),
        "plain words": lambda text: any(word in text.lower() for word in PLAIN),
    }
    looks["either guard"] = lambda text: looks["injection"](text) or looks["instructions"](text)
    print(f"{'':<14}{'attacks in e-mails':<30}{'e-mails':<30}{'harmless pages':<30}{'look-alike prompts':<30}")
    for name, look in looks.items():
        cells = [told(sum(map(look, texts)), len(texts)) for texts in (poisoned, emails, harmless, prompts)]
        print(f"{name:<14}" + "".join(f"{cell:<30}" for cell in cells))
    kinds: dict[str, list[bool]] = {}
    for at, (kind, _) in enumerate(attacks):
        kinds.setdefault(kind, []).extend(looks["instructions"](text) for text in poisoned[3 * at : 3 * at + 3])
    shares = ", ".join(f"{kind} {sum(hits) / len(hits):.2f}" for kind, hits in kinds.items())
    print(f"found by instructions, by category: {shares}")
    text = "\n".join(poisoned)
    for name in ("injection", "instructions"):
        began = thread_time()
        looks[name](text)
        print(f"{name}: {(thread_time() - began) * 1e6 / len(text) * 1000:.1f} µs per kB")


def _attacks(folder: Path, test: bool) -> list[tuple[str, str]]:
    """(category, attack). A category is in one half as a whole: what is measured is of no kind that was trained on."""
    return [
        (kind, attack)
        for name in ("text_attack_train.json", "code_attack_train.json")
        for kind, attacks in json.loads((folder / name).read_text()).items()
        if is_test(kind) == test
        for attack in attacks
    ]


def _inserted(email: str, attack: str) -> list[str]:
    """The e-mail with the attack at its beginning, in its middle and at its end."""
    lines = email.split("\n")
    middle = len(lines) // 2
    return [f"{attack}\n{email}", "\n".join((*lines[:middle], attack, *lines[middle:])), f"{email}\n{attack}"]


def _pages(folder: Path, test: bool) -> list[str]:
    texts = (json.dumps(json.loads(path.read_text()), ensure_ascii=False) for path in sorted(folder.glob("*.json")))
    return [text.replace("\\n", "\n") for text in texts if is_test(text) == test]
