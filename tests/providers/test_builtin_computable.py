"""`looks_computable`: high for what `solve` can compute, low for everything else, and cheap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.providers.builtin import looks_computable

YES = [
    "What is 12.5% of 840?",
    "Differentiate x^2 sin x",
    "What is 2+2?",
    "what's 7 times 8",
    "two plus three",
    "3 x 4",
    "x² − 5x + 6 = 0",
    "Solve x^2 - 5x + 6 = 0",
    "integrate x^2 from 0 to 1",
    "∫ x e^x dx",
    "limit of sin(x)/x as x approaches 0",
    "Please calculate the square root of 144.",
    "factor x^2 - 9",
    "is 97 prime?",
    "gcd of 12 and 18",
    "mean of 3, 5 and 8",
    "convert 5 miles to km",
    "100 F in C",
    "how many seconds in 3 days",
    "How many feet are in a mile?",
    "increase 50 by 10%",
    "What is a 15% tip on $42.50?",
    "What is $\\frac{3}{4} + \\frac{1}{8}$?",
    "\\int_0^1 x^2 dx",
    "sin 30 degrees",
    "180 degrees in radians",
    "seven squared",
    "5!",
    "sum of k^2 for k = 1 to 10",
    "22/7 to 3 decimal places",
]
NO = [
    "",
    "hi",
    "Hello, how are you?",
    "Who won the 1998 world cup?",
    "What is the capital of France?",
    "Write a function to compute 2+2 in python",
    "def f(x): return x**2",
    "print(2+2)",
    "Explain why 2+2=4",
    "Prove that sqrt(2) is irrational",
    "If Alice has 3 apples and Bob has 5, how many do they have together?",
    "A train travels 60 miles in 2 hours. What is its speed?",
    "A shirt costs $20 after a 20% discount. What did it cost before?",
    "How many people live in Germany?",
    "how many seasons of Lost are there",
    "What happened on 9/11?",
    "2024-01-15",
    "555-1234",
    "192.168.1.1",
    "https://example.org/a+b",
    "Differentiate between mitosis and meiosis",
    "Solve world hunger",
    "Integrate Stripe with Django",
    "Summarize this in 3 bullet points",
    "Translate 'two plus two' into German",
    "Give me 5 ideas for a birthday party",
    "what does 5 mean",
    "What year was 20 years before 1998?",
    "Top 10 movies of 2023",
    "top 5 = best",
    "Order pizza for 4",
    "2+2是多少",
    "¿Cuánto es 2+2?",
    "SELECT a+b FROM t",
    "```python\n2+2\n```",
    "What is 2+2?\nA. 3\nB. 4\nC. 5\nD. 6",
    "factor in the costs",
    "the limit of human endurance",
    "my average day",
    "2+2 " * 200,
]


@pytest.mark.parametrize("text", YES)
def test_a_computation_looks_computable(text):
    assert looks_computable(text) >= 0.5


@pytest.mark.parametrize("text", NO)
def test_anything_else_does_not(text):
    assert looks_computable(text) <= 0.3


@given(st.text(max_size=600))
def test_any_text_gets_a_share_between_0_and_1(text):
    assert 0.0 <= looks_computable(text) <= 1.0
