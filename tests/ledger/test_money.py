"""Tokens times prices is exact, rounded once, and unknown when something is not known."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.ledger import money
from meshwright.ledger.money import DEAREST, MILLION, MOST_TOKENS, UNTOLD, cost, incredible
from meshwright.types.model import Price
from meshwright.types.usage import Usage

TOKEN_BUCKETS = (
    "input", "cache_read", "cache_write", "cache_write_1h", "audio_input", "output", "reasoning", "audio_output",
)  # fmt: skip
PRICED = tuple(bucket for bucket in TOKEN_BUCKETS if bucket != "reasoning")

counts = st.integers(0, MOST_TOKENS // 2)
rates = st.integers(0, 10**15)
usages = st.builds(Usage, **dict.fromkeys(TOKEN_BUCKETS, counts), requests=st.integers(1, 1000))
full_prices = st.builds(Price, **dict.fromkeys(PRICED, rates), request=rates)
# Whole nano-dollars per token: nothing is left to round.
even_prices = st.builds(
    Price, **dict.fromkeys(PRICED, st.integers(0, 10**9).map(lambda rate: rate * MILLION)), request=rates
)


def exact(usage: Usage, price: Price) -> Fraction:
    """The same sum in rational arithmetic, from the definition."""
    tokens = sum(getattr(usage, bucket) * getattr(price, bucket) for bucket in PRICED)
    return Fraction(tokens + usage.reasoning * (price.output or 0), MILLION) + price.request * usage.requests


def test_three_dollars_a_million_is_three_microdollars_a_token():
    price = Price(input=3_000_000_000, output=15_000_000_000)
    assert cost(Usage(input=1000, output=100), (price,)) == (4_500_000, "")


def test_a_cost_is_what_the_provider_says_it_is():
    assert cost(Usage(input=1000, cost_nano=7), (Price(input=3_000_000_000),)) == (7, "")
    assert cost(Usage(input=1000, cost_nano=0), ()) == (0, "")


@pytest.mark.parametrize(
    ("usage", "why"),
    [
        (Usage(cost_nano=-1), "a cost of -0.000000001 USD"),
        (Usage(input=5, cost_nano=DEAREST + 1), "a cost of 1000000.000000001 USD"),
        (Usage(input=MOST_TOKENS + 1, cost_nano=5), "1000000001 input tokens"),
        (Usage(input=5, output=2**63), "9223372036854775808 output tokens"),
        (Usage(input=5, reasoning=-1), "-1 reasoning tokens"),
        (Usage(requests=10**12), "1000000000000 requests"),
        (Usage(), UNTOLD),
    ],
)
def test_what_cannot_be_is_not_believed_and_neither_fills_a_budget_nor_empties_it(usage: Usage, why: str):
    amount, said = cost(usage, (Price(input=3_000_000_000, output=15_000_000_000),))
    assert amount is None
    assert why in said
    assert incredible(usage) == said


def test_what_can_be_is_believed():
    assert incredible(Usage(input=MOST_TOKENS, cost_nano=DEAREST)) == ""
    assert incredible(Usage(estimated=True)) == ""
    assert cost(Usage(requests=1), (Price(request=7),)) == (7, "")


def test_a_model_without_prices_has_an_unknown_cost():
    amount, why = cost(Usage(input=1), ())
    assert amount is None
    assert "no price" in why


@pytest.mark.parametrize("bucket", TOKEN_BUCKETS)
def test_a_bucket_with_tokens_and_without_a_price_makes_the_cost_unknown_and_is_named(bucket: str):
    column = "output" if bucket == "reasoning" else bucket
    price = msgspec.structs.replace(Price(**dict.fromkeys(PRICED, 5)), **{column: None})
    amount, why = cost(msgspec.structs.replace(Usage(), **{bucket: 12}), (price,))
    assert amount is None
    assert bucket in why
    assert "12" in why


def test_a_bucket_without_tokens_needs_no_price():
    assert cost(Usage(input=1_000_000), (Price(input=5),)) == (5, "")


def test_a_free_model_costs_nothing_and_that_is_known():
    assert cost(Usage(input=10, output=10), (Price(input=0, output=0),)) == (0, "")


def test_reasoning_is_priced_as_output():
    price = Price(input=1_000_000, output=2_000_000)
    assert cost(Usage(reasoning=10), (price,)) == cost(Usage(output=10), (price,)) == (20, "")


def test_a_request_has_its_own_price_and_is_counted_at_least_once():
    price = Price(input=0, request=500)
    assert cost(Usage(input=1), (price,)) == (500, "")
    assert cost(Usage(input=1, requests=3), (price,)) == (1500, "")


@pytest.mark.parametrize(("tokens", "expected"), [(199_999, 199_999), (200_000, 400_000), (999_999, 1_999_998)])
def test_the_whole_answer_is_priced_by_the_tier_of_its_total_input(tokens: int, expected: int):
    tiers = (Price(input=1_000_000, cache_read=1_000_000), Price(input=2_000_000, cache_read=2_000_000, above=200_000))
    assert cost(Usage(input=tokens), tiers) == (expected, "")
    assert cost(Usage(input=tokens), tiers[::-1]) == (expected, "")
    assert cost(Usage(input=1, cache_read=tokens - 1), tiers) == (expected, "")


def test_an_input_below_every_tier_has_an_unknown_cost():
    amount, why = cost(Usage(input=10), (Price(input=1, above=100),))
    assert amount is None
    assert "10 input tokens" in why


def test_a_negative_count_is_not_believed():
    amount, why = cost(Usage(input=-5), (Price(input=1_000_000),))
    assert amount is None
    assert "-5 input" in why


@pytest.mark.parametrize(("rate", "expected"), [(500_000, 0), (500_001, 1), (1_500_000, 2), (2_500_000, 2)])
def test_half_a_nano_dollar_is_rounded_to_even(rate: int, expected: int):
    assert cost(Usage(input=1), (Price(input=rate),)) == (expected, "")


def test_rounding_happens_once_over_the_sum():
    price = Price(input=500_001, output=500_001)
    assert cost(Usage(input=1, output=1), (price,)) == (1, "")


@given(usages, full_prices)
def test_a_cost_is_the_exact_sum_rounded_once_half_to_even(usage: Usage, price: Price):
    assert cost(usage, (price,)) == (round(exact(usage, price)), "")


@given(usages, usages, even_prices)
def test_costs_add_up_where_nothing_is_rounded(one: Usage, other: Usage, price: Price):
    whole, first, second = (cost(usage, (price,))[0] for usage in (one + other, one, other))
    assert first is not None
    assert second is not None
    assert whole == first + second


@given(usages, usages, full_prices)
def test_costs_add_up_to_within_the_rounding_everywhere_else(one: Usage, other: Usage, price: Price):
    whole, first, second = (cost(usage, (price,))[0] for usage in (one + other, one, other))
    assert whole is not None
    assert first is not None
    assert second is not None
    assert abs(whole - first - second) <= 1


@given(usages, full_prices, st.sampled_from(TOKEN_BUCKETS), st.integers(1, MOST_TOKENS // 2))
def test_more_tokens_never_cost_less(usage: Usage, price: Price, bucket: str, more: int):
    bigger = msgspec.structs.replace(usage, **{bucket: getattr(usage, bucket) + more})
    before, after = cost(usage, (price,))[0], cost(bigger, (price,))[0]
    assert before is not None
    assert after is not None
    assert type(after) is int
    assert after >= before


def test_no_float_is_ever_touched():
    tree = ast.parse(Path(money.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Div)
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.Name) and node.id in ("float", "round", "Decimal"))
