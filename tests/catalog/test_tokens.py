"""Estimates of tokens, beside what real tokenizers counted."""

from __future__ import annotations

import pytest

from meshwright.catalog.token_weights import WEIGHTS
from meshwright.catalog.tokens import DEFAULT, family, made_of, tokens

ENGLISH = (
    "The committee will meet again on Tuesday to decide whether the old bridge should be repaired or replaced; both"
    " plans cost about the same, and neither can begin before the river is low enough for the divers to look"
    " at its piers."
)
GERMAN = (
    "Der Ausschuss entscheidet am Dienstag, ob die alte Brücke ausgebessert oder ersetzt werden soll; beide Vorhaben"
    " kosten ungefähr gleich viel, und keines kann beginnen, bevor der Fluss niedrig genug steht."
)
CHINESE = "委员会将于星期二再次开会，决定旧桥应该修复还是更换；两个方案的费用大致相同，而且在河水足够低之前都不能开工。"
CODE = (
    "def total(items: list[Item], rate: float = 0.19) -> float:\n"
    "    net = sum(item.price * item.count for item in items if not item.returned)\n"
    "    return round(net * (1 + rate), 2)\n"
)
JSON = (
    '{"id": 48213, "name": "bridge", "plans": [{"kind": "repair", "cost": 1250000.5}, {"kind": "replace", "cost":'
    ' null}], "open": true}'
)
TEXTS = (ENGLISH, GERMAN, CHINESE, CODE, JSON)
COUNTED = {
    "o200k": (46, 42, 40, 52, 48),
    "cl100k": (46, 56, 63, 52, 48),
    "llama3": (46, 56, 40, 52, 48),
    "mistral": (47, 64, 54, 62, 59),
    "claude": (46, 64, 57, 56, 46),
    "gemini": (45, 41, 34, 61, 56),
    "qwen": (46, 56, 31, 53, 55),
    "deepseek": (45, 53, 28, 54, 52),
}
"""By the tokenizers that scripts/count_tokens.mjs uses."""


@pytest.mark.parametrize("name", COUNTED)
def test_estimates_are_near_what_the_tokenizer_counts(name: str):
    for text, counted in zip(TEXTS, COUNTED[name], strict=True):
        assert abs(tokens(text, name) - counted) / counted < 0.35, text
    assert abs(sum(tokens(text, name) for text in TEXTS) / sum(COUNTED[name]) - 1) < 0.15


GREEK = {"o200k": 36, "cl100k": 86, "llama3": 38, "claude": 103, "gemini": 38, "qwen": 85, "deepseek": 44}
VIETNAMESE = {"o200k": 22, "cl100k": 39, "llama3": 21, "claude": 58, "gemini": 21, "qwen": 22, "deepseek": 36}
RUSSIAN = {"o200k": 21, "cl100k": 33, "llama3": 24, "claude": 40, "gemini": 21, "qwen": 26, "deepseek": 25}
"""As the tokenizers of bench/tokens/exact.py count them."""
SCRIPTS = {
    "greek": (
        "Η επιτροπή θα αποφασίσει την Τρίτη αν η παλιά γέφυρα πρέπει να επισκευαστεί ή να αντικατασταθεί.",
        GREEK,
    ),
    "vietnamese": ("Ủy ban sẽ quyết định vào thứ Ba liệu cây cầu cũ nên được sửa chữa hay thay thế.", VIETNAMESE),
    "russian": ("Комитет решит во вторник, следует ли отремонтировать старый мост или заменить его.", RUSSIAN),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_is_estimated_by_its_own_letters(script: str):
    text, counted = SCRIPTS[script]
    for name, count in counted.items():
        assert abs(tokens(text, name) - count) / count < 0.35, name


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai/gpt-5-mini", "o200k"), ("openai/o3-mini", "o200k"), ("gpt-4o", "o200k"), ("gpt-4-turbo", "cl100k"),
        ("anthropic/claude-opus-4-6", "claude"), ("gemini-3-pro", "gemini"), ("ollama/llama3.2", "llama3"),
        ("Qwen/Qwen3-8B", "qwen"), ("deepseek-chat", "deepseek"), ("mixtral-8x7b", "mistral"),
        ("x/unheard-of", DEFAULT),
    ],
)  # fmt: skip
def test_a_models_name_tells_its_tokenizer(model: str, expected: str):
    assert family(model) == expected
    assert expected in WEIGHTS


def test_a_long_text_is_sampled_and_comes_out_as_its_parts_do():
    text = (ENGLISH + "\n" + GERMAN + "\n") * 400
    assert abs(tokens(text) / (400 * (tokens(ENGLISH) + tokens(GERMAN))) - 1) < 0.15


@pytest.mark.parametrize("text", ["", "\udc80", "\x00", "a" * 3_000_000, "\U0001f600" * 50_000, "\n" * 100_000])
def test_any_text_has_an_estimate(text: str):
    assert tokens(text) >= (1 if text else 0)
    assert len(made_of(text)) == len(WEIGHTS[DEFAULT])
