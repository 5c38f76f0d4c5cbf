"""One question in, one answer out; or Declined, with the reason."""

from __future__ import annotations

from meshwright.providers.builtin.solve import algebra, arithmetic, calculus, equations, limits, numbers, units
from meshwright.providers.builtin.solve.question import Question, first_answer, read_question
from meshwright.types.errors import Declined

# In this order: what is most particular first. A bare formula is whatever is left.
_ROWS = (
    *numbers.ROWS,
    *units.ROWS,
    *calculus.ROWS,
    *algebra.ROWS,
    *arithmetic.ROWS,
    *equations.ROWS,
    *arithmetic.LAST_ROWS,
)


def answer(text: str) -> str:
    """The answer to a question about numbers, formulas or units, in one line.

    Raises Declined for everything that is not fully understood: a wrong guess is worse than none.
    """
    question: Question = read_question(text)
    found = first_answer(_ROWS, question)
    if found is None:
        found = arithmetic.evaluate(question)
    if len(found) > limits.MAX_ANSWER:
        raise Declined(f"The answer has over {limits.MAX_ANSWER} characters.")
    return found
