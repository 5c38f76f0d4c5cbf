"""What `builtin/solve` must not answer: everything that it does not fully understand, with the reason."""

from __future__ import annotations

import pytest

from meshwright.providers.builtin.solve.answer import answer
from meshwright.types.errors import Declined

OTHER_QUESTIONS = [
    "Who won the 1998 world cup?",
    "What is the capital of France?",
    "Write a function to compute 2+2 in python",
    "Tell me a joke",
    "hi",
    "thanks",
    "What is vitamin b-12?",
    "What happened in 1969?",
    "what is c++",
    "Explain 2+2",
    "What is 2 + 2 and why?",
    "What is 2+2 in French?",
    "Prove that sqrt(2) is irrational",
    "What year was 20 years before 1998?",
    "how many seasons of Lost are there",
    "convert this text to uppercase",
    "what is the range of the tesla model 3",
    "What is 5G?",
    "iPhone 15 + AirPods",
    "¿Cuánto es 2+2?",
    "2+2是多少",
]
WORDS_THAT_ONLY_SOUND_LIKE_MATHEMATICS = [
    "Solve world hunger",
    "Solve this riddle: what has 4 legs",
    "Differentiate between mitosis and meiosis",
    "What is the derivative market?",
    "Integrate Stripe with Django",
    "factor in the costs",
    "expand on your last answer",
    "simplify this sentence",
    "What is the limit of human endurance?",
    "mean girls 2",
    "max verstappen 33",
    "next prime minister after Churchill",
    "factors of production",
    "multiply the team",
    "the ratio of men to women",
    "round up the usual suspects",
]
WORD_PROBLEMS = [
    "If Alice has 3 apples and Bob has 5, how many do they have together?",
    "A train travels 60 miles in 2 hours. What is its speed?",
    "area of a circle with radius 5",
    "I am twice as old as my sister, who is 12. How old am I?",
    "A shirt costs $20 after a 20% discount. What did it cost before?",
]
UNCLEAR = [
    "8/2(2+2)",
    "1/2x",
    "e^2x",
    "sin 2(x+1)",
    "50 + 10%",
    "10% 50",
    "5 tons in kg",
    "how many cups in a gallon",
    "log(x) = 2",
    "mean of 1,200,300",
    "3,5 + 2",
    "2 3",
    "2x3 + x",
    "y = 2x + 3",
    "derivative of x y",
    "What is 0^0?",
    "f(x) + 1",
]
NOT_COMPUTATIONS = [
    "2024-01-15",
    "555-1234",
    "192.168.1.1",
    "what is 9/11",
    "24/7",
    "42",
    "x",
    "e",
    "a b c",
    "",
    "   ?",
]
IMPOSSIBLE = [
    "5 miles in kg",
    "-300 C to F",
    "convert 5 dollars to euros",
    "$5 in £",
    "integrate x^x",
    "integrate 1/x from -1 to 1",
    "limit of sin(1/x) as x approaches 0",
    "2+",
    "(2+3",
    "sin(",
    "1..2",
]
CODE = [
    "__import__('os').system('id')",
    "().__class__.__bases__",
    "x.__class__",
    "lambda x: x",
    'import os; os.system("ls")',
    "eval(2+2)",
    "print(2+2)",
    "[i for i in (1,2)]",
    "Symbol('x')",
    "exec",
]


@pytest.mark.parametrize(
    "question",
    [
        *OTHER_QUESTIONS, *WORDS_THAT_ONLY_SOUND_LIKE_MATHEMATICS, *WORD_PROBLEMS, *UNCLEAR, *NOT_COMPUTATIONS,
        *IMPOSSIBLE, *CODE,
    ],
)  # fmt: skip
def test_what_is_not_fully_understood_is_declined_with_a_reason(question):
    with pytest.raises(Declined) as declined:
        answer(question)
    assert len(declined.value.message) > 15


def test_the_reason_names_the_word_or_the_doubt():
    for question, named in (
        ("2 apples + 3 apples", "apples"),
        ("5 tons in kg", "short ton"),
        ("1/2x", "two ways"),
        ("5 miles in kg", "a length"),
        ("y = 2x + 3", "x, y"),
    ):
        with pytest.raises(Declined, match=named):
            answer(question)
