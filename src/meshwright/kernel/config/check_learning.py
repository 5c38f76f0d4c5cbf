"""What the types cannot say of [learning]."""

from __future__ import annotations

from meshwright.kernel.config.tables import Config

Finding = tuple[tuple[str, ...], str, str]


def check_learning(config: Config) -> list[Finding]:
    """Every mistake in [learning]: (path, what is wrong, what to do)."""
    found = list[Finding]()
    for label, score in config.learning.labels.items():
        if not 0 <= score <= 1:
            path = ("learning", "labels", label)
            found.append(
                (path, "a label is worth a score from 0 to 1.", "Write 1.0 for a good answer, 0.0 for a bad one.")
            )
    settings = config.learning
    if settings.judge and "/" not in settings.judge:
        found.append((("learning", "judge"), "the judge is one model.", 'Write judge = "PROVIDER/NAME".'))
    if not 0 <= settings.share <= 1:
        found.append((("learning", "share"), "a share is a number from 0 to 1.", "Write share = 0.02."))
    if not 0 <= settings.budget <= 1_000_000:
        found.append((("learning", "budget"), "this is dollars a day, 0 or more.", 'Write budget = "1.00".'))
    return found
