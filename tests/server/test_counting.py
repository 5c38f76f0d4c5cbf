"""Whoever asks how many tokens a request has gets the count of the model's own tokenizer, if its file is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.catalog.exact.tokenizer import Tokenizer
from meshwright.types.content import Message
from tests.catalog.test_measuring import packed, png
from tests.catalog.tiny import WORDS, tokenizer_json
from tests.gateway import Gateway

TOML = """
[tokenizers]
folder = "{folder}"

[tokenizers.files]
"other/*" = "{folder}/broken.json"

[providers.mine]
base_url = "http://127.0.0.1:9/v1"
auth = "none"
models = ["m", "n"]

[providers.other]
base_url = "http://127.0.0.1:9/v1"
auth = "none"
models = ["o"]
"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("counting")
    files = folder / "tokenizers"
    tokenizer_json(files / "m" / "tokenizer.json")
    tokenizer_json(files / "nobodys.json")
    (files / "broken.json").write_text("{}")
    with Gateway(folder, TOML.format(folder=files)) as gateway:
        yield gateway


def expected(gateway: Gateway) -> int | None:
    path = gateway.folder / "tokenizers" / "m" / "tokenizer.json"
    return Tokenizer(Path(path), "").count((WORDS[0],), (Message("user"),))


def questions(model: str) -> list[tuple[str, str, dict[str, object], str]]:
    """In each dialect that has the question: its name, its path, its body and where the answer has the number."""
    said = [{"role": "user", "content": WORDS[0]}]
    contents = [{"role": "user", "parts": [{"text": WORDS[0]}]}]
    return [
        ("messages", "/v1/messages/count_tokens", {"model": model, "messages": said}, "input_tokens"),
        ("responses", "/v1/responses/input_tokens", {"model": model, "input": WORDS[0]}, "input_tokens"),
        ("gemini", f"/v1beta/models/{model}:countTokens", {"contents": contents}, "totalTokens"),
    ]


def test_each_dialect_is_told_what_the_tokenizer_counts(counting: Gateway):
    for name, path, body, member in questions("mine/m"):
        status, headers, got = counting.call(path, body)
        assert (name, status) == (name, 200), got
        assert (name, json.loads(got)[member]) == (name, expected(counting))
        assert (headers["x-mesh-estimated"], headers["x-mesh-tokenizer"]) == ("false", "m/tokenizer.json")


@pytest.mark.parametrize("model", ["mine/n", "other/o", "auto"])
def test_what_cannot_be_counted_is_estimated_and_says_so(counting: Gateway, model: str):
    for name, path, body, member in questions(model):
        status, headers, got = counting.call(path, body)
        assert (name, status) == (name, 200), got
        assert 5 < json.loads(got)[member] < 40
        assert headers["x-mesh-estimated"] == "true"
        assert "x-mesh-tokenizer" not in headers


def test_a_quote_over_http_says_how_each_candidate_was_counted(counting: Gateway):
    told = {}
    for model in ("mine/m", "mine/n"):
        status, _, got = counting.call("/v1/quote", {"prompt": WORDS[0], "model": model})
        assert status == 200
        told[model] = json.loads(got)["candidates"][0]["read"]
    assert told["mine/m"] == {"tokens": expected(counting), "counted_by": "m/tokenizer.json"}
    assert told["mine/n"]["counted_by"] == "estimate"


def test_a_picture_counts_as_its_models_provider_counts_it(counting: Gateway):
    data = packed(png(1000, 1000))
    source = {"type": "base64", "media_type": "image/png", "data": data}
    said = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    for model, tokens in (("mine/claude-haiku-4-5", 1296), ("mine/gpt-4o", 765), ("mine/gemini-3-pro", 1120)):
        status, _, got = counting.call("/v1/messages/count_tokens", {"model": model, "messages": said})
        assert (status, json.loads(got)["input_tokens"]) == (200, tokens + 7), model


def test_the_doctor_tells_of_each_file_and_what_to_do(counting: Gateway):
    findings = json.loads(counting.run("doctor", "--offline", "--json").stdout)
    told = {one["what"].split("/")[-1]: one for one in findings if one["what"].startswith("tokenizers")}
    states = sorted((one["state"], what.partition(" ")[0]) for what, one in told.items())
    assert states == [("ok", "tokenizer.json"), ("warn", "broken.json"), ("warn", "nobodys.json")]
    assert all("fix" in one for one in told.values() if one["state"] == "warn")


def test_a_models_sheet_says_how_its_tokens_are_known(counting: Gateway):
    for model, value in (("mine/m", "counted with"), ("mine/n", "estimated")):
        told = json.loads(counting.run("models", "show", model, "--json").stdout)
        (line,) = [line for line in told["lines"] if line["fact"] == "tokens"]
        assert line["value"].startswith(value)
