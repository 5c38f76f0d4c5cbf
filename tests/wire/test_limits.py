"""Limits that providers name in errors and headers: read as they are, renamed where two dialects have the same fact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.wire.limits import Limit, stated_limit
from meshwright.wire.rate_limits import rate_headers

NOW = 1_764_446_400.0  # 2025-11-29T20:00:00Z
SAID = {
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.": 8192,
    "This endpoint's maximum context length is 131,072 tokens. However, you requested about 150000 tokens": 131_072,
    "prompt is too long: 213462 tokens > 200000 maximum": 200_000,
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).": 1_048_575,
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.": 131_072,
    "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)": 262_144,
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.": 4081,
}
ANSWERS = {
    "max_tokens is too large: 50000. This model supports at most 16384 completion tokens, whereas you provided": 16_384,
    "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-x": 64_000,
    "The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum": 8192,
    "a maxOutputTokens value of 99999 but the supported range is from 1 (inclusive) to 65537 (exclusive).": 65_536,
}


@pytest.mark.parametrize("words", SAID)
def test_a_refusal_for_length_names_the_window(words: str):
    assert stated_limit(words) == Limit("window", SAID[words])


@pytest.mark.parametrize("words", ANSWERS)
def test_a_refusal_of_max_tokens_names_the_longest_answer(words: str):
    assert stated_limit(words) == Limit("max_output", ANSWERS[words])


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7000.",
        "Rate limit reached: Limit 30000 tokens",
        "This model's maximum context length is 3 tokens.",
        "This model's maximum context length is 999999999999 tokens.",
        "maximum context length is many tokens",
        "prompt is too long",
    ],
)
def test_what_is_no_limit_of_a_model_is_not_taken_for_one(words: str):
    assert stated_limit(words) is None


@given(st.text(max_size=200))
def test_any_words_can_be_read(words: str):
    assert stated_limit(words) is None or words


OPENAI = {
    "x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499", "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000", "x-ratelimit-remaining-tokens": "29000", "x-ratelimit-reset-tokens": "6m0.5s",
    "x-ratelimit-limit-images": "3", "server": "x", "retry-after": "2", "set-cookie": "no",
}  # fmt: skip
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2025-11-29T20:01:30Z", "anthropic-ratelimit-input-tokens-limit": "9",
    "anthropic-ratelimit-tokens-limit": "80000", "anthropic-ratelimit-tokens-reset": "2025-11-29T19:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("client", ["openai_chat", "openai_responses"])
def test_a_client_of_the_providers_own_dialect_gets_its_headers_byte_for_byte(client: str):
    told = rate_headers(OPENAI, "openai_chat", client, NOW)
    assert dict(told) == {name: value for name, value in OPENAI.items() if name.startswith("x-ratelimit-")}
    assert dict(rate_headers(ANTHROPIC, "anthropic_messages", "anthropic_messages", NOW)) == ANTHROPIC


def test_durations_become_moments_for_anthropics_clients():
    assert dict(rate_headers(OPENAI, "openai_chat", "anthropic_messages", NOW)) == {
        "anthropic-ratelimit-requests-limit": "500",
        "anthropic-ratelimit-requests-remaining": "499",
        "anthropic-ratelimit-requests-reset": "2025-11-29T20:00:00Z",
        "anthropic-ratelimit-tokens-limit": "30000",
        "anthropic-ratelimit-tokens-remaining": "29000",
        "anthropic-ratelimit-tokens-reset": "2025-11-29T20:06:00Z",
    }


def test_moments_become_durations_for_openais_clients():
    assert dict(rate_headers(ANTHROPIC, "anthropic_messages", "openai_chat", NOW)) == {
        "x-ratelimit-limit-requests": "50",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "90s",
        "x-ratelimit-limit-tokens": "80000",
        "x-ratelimit-reset-tokens": "0s",
    }


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "1.5", "٣", "9" * 500, "2025-11-29T20:00:00", "99999999999999s", "1\r\nx: y"]
)
def test_a_value_that_cannot_be_read_is_left_out(value: str):
    names = [f"x-ratelimit-{fact}-tokens" for fact in ("limit", "remaining", "reset")]
    assert rate_headers(dict.fromkeys(names, value), "openai_chat", "anthropic_messages", NOW) == ()
    assert rate_headers({"anthropic-ratelimit-tokens-reset": value}, "anthropic_messages", "openai_chat", NOW) == ()


def test_dialects_without_such_headers_neither_give_nor_get_any():
    assert rate_headers(OPENAI, "openai_chat", "gemini", NOW) == ()
    assert rate_headers(OPENAI, "gemini", "openai_chat", NOW) == ()
