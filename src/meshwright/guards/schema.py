"""schema: whether an answer, or what a call gives a tool as arguments, has the form that the configuration asks for.

The validator is not here: the rule's options bring it (`Options.fits`), put together where the schema is read.
"""

from __future__ import annotations

from meshwright.guards.guard import Guard, Options


def judge(text: str, options: Options) -> str:
    """What is wrong with a whole text, "" when it has the form. Raises what the validator cannot judge by."""
    if options.fits is None:
        raise ValueError("the rule has no schema")
    return options.fits(text)


GUARD = Guard(
    look=lambda text, options: [],
    judge=judge,
    summary="Answers, or arguments of a tool's calls, that have not the form of a JSON schema.",
    kinds={"mismatch": "an answer or a call that does not fit the rule's schema"},
    action="block",
    places=("answer",),
    reach=0,
    layers=False,
)
