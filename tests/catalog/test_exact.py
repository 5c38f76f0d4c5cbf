"""A tokenizer's file counts as its library does; one that is broken or hostile is said to be, and counts nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from meshwright.catalog.exact import tokenizer as reading
from meshwright.catalog.exact.chosen import Chosen
from meshwright.catalog.exact.tokenizer import PIECE, Tokenizer
from meshwright.types.content import Message, Text
from tests.catalog.tiny import WORDS, tekken_file, tiktoken_file, tokenizer_json


def test_a_tokenizer_json_counts_as_the_library_does(tmp_path: Path):
    library = pytest.importorskip("tokenizers")
    path = tokenizer_json(tmp_path / "tokenizer.json")
    judge, ours = library.Tokenizer.from_file(str(path)), Tokenizer(path, "")
    for text in (*WORDS, "naïve 橋 🙂", " ", "\n\n\n", "x" * 999):
        assert ours.count((text,)) == len(judge.encode(text, add_special_tokens=False))
    assert ours.library == "tokenizers"


def test_a_file_that_cuts_texts_short_for_embedding_counts_them_whole(tmp_path: Path):
    whole = Tokenizer(tokenizer_json(tmp_path / "whole.json"), "").count(WORDS)
    assert Tokenizer(tokenizer_json(tmp_path / "cut.json", cut_to=4), "").count(WORDS) == whole
    assert whole is not None
    assert whole > 30


def test_byte_pairs_of_openai_count_by_rank(tmp_path: Path):
    pytest.importorskip("tiktoken")
    path = tiktoken_file(tmp_path / "o200k_base.tiktoken", b"th", b"the", b" b")
    ours = Tokenizer(path, "o200k")
    assert ours.count(("the the",)) == 1 + 2  # " the" begins a word with its blank, and no such pair is known
    assert ours.count(("a bb",)) == 3
    assert ours.count(("1234",)) == 4
    assert ours.count(("橋",)) == 3
    assert ours.count(("<|endoftext|>",)) == 13  # what a user writes is text
    assert ours.library == "tiktoken"


def test_mistrals_own_form_says_how_it_splits_and_how_many_of_its_tokens_count(tmp_path: Path):
    pytest.importorskip("tiktoken")
    ours = Tokenizer(tekken_file(tmp_path / "tekken.json", b"ab"), "")
    assert ours.count(("abab zz",)) == 2 + 1 + 2


def test_templates_are_counted_around_messages_where_a_token_tells_which_they_are(tmp_path: Path):
    messages = (Message("system", (Text("a"),)), Message("user", (Text("b"),)), Message("assistant", (Text("c"),)))
    around: dict[str, int | None] = {}
    for token in ("<|start_header_id|>", "<|im_start|>", "<start_of_turn>", "[INST]", "<none>"):
        ours = Tokenizer(tokenizer_json(tmp_path / f"{len(around)}.json", token), "")
        around[token] = ours.count((), messages)
    assert around == {"<|start_header_id|>": 20, "<|im_start|>": 18, "<start_of_turn>": 15, "[INST]": 6, "<none>": 15}


def test_a_long_text_is_counted_in_pieces_and_comes_out_the_same(tmp_path: Path):
    ours = Tokenizer(tokenizer_json(tmp_path / "tokenizer.json"), "")
    one, many = ours.count((WORDS[0] + " ",)), (3 * PIECE) // len(WORDS[0])
    whole = ours.count(((WORDS[0] + " ") * many,))
    assert one is not None
    assert whole is not None
    assert abs(whole - many * one) <= many + 3  # a blank belongs to the word after it


@pytest.mark.parametrize("text", ["\udc80 alone", "\x00" * 1000, "a" * 200_000, " " * 200_000, "🙂" * 20_000, ""])
def test_any_text_is_counted(tmp_path: Path, text: str):
    counted = Tokenizer(tokenizer_json(tmp_path / "tokenizer.json"), "").count((text,))
    assert counted is not None
    assert counted <= len(text.encode(errors="replace")) + 5


BROKEN = {
    "nothing": b"",
    "no JSON": b'{"model": ',
    "another JSON": b'{"hello": 1}',
    "deep": b'{"model": ' + b"[" * 100_000,
    "no tokenizer": b'{"model": {"type": "BPE", "vocab": 3}}',
    "no ranks": b"hello world\n",
    "not base64": b"!!!! 3\n",
    "few bytes": b"YQ== 0\nYg== 1\n",
    "no tekken": b'{"config": {"pattern": "("}, "vocab": []}',
    "bytes": bytes(range(256)) * 50,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_says_what_is_wrong_and_counts_nothing(tmp_path: Path, name: str):
    path = tmp_path / "o200k_base.tiktoken"
    path.write_bytes(BROKEN[name])
    ours = Tokenizer(path, "o200k")
    assert ours.count(("hello",)) is None
    assert ours.trouble
    assert len(ours.trouble) < 300


def test_a_split_that_is_no_expression_is_told(tmp_path: Path):
    pytest.importorskip("tiktoken")
    path = tekken_file(tmp_path / "tekken.json")
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "config": {**told["config"], "pattern": "(["}}))
    ours = Tokenizer(path, "")
    assert ours.count(("hello",)) is None
    assert ours.trouble


def test_a_tokenizer_that_swallows_texts_is_not_believed(tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    path.write_text(json.dumps({"version": "1.0", "model": model, "added_tokens": []}))
    ours = Tokenizer(path, "")
    assert ours.count(("hello",)) is None
    assert "1 tokens in a text of" in ours.trouble


def test_what_is_no_file_or_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "pipe")
    for name, told in (("pipe", "not a file"), ("", "not a file"), ("missing", "No such file")):
        ours = Tokenizer(tmp_path / name, "o200k")
        assert ours.count(("hello",)) is None
        assert told in ours.trouble
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    ours = Tokenizer(tiktoken_file(tmp_path / "o200k_base.tiktoken"), "o200k")
    assert ours.count(("hello",)) is None
    assert "no tokenizer has more" in ours.trouble


def test_a_file_counts_for_the_models_whose_name_it_bears(tmp_path: Path):
    tokenizer_json(tmp_path / "llama3.2.json")
    tokenizer_json(tmp_path / "Qwen3-8B" / "tokenizer.json")
    tokenizer_json(tmp_path / "meta-llama" / "Llama-3.1-8B" / "tokenizer.json")
    tiktoken_file(tmp_path / "o200k_base.tiktoken")
    tiktoken_file(tmp_path / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4")
    (tmp_path / "notes.txt").write_text("no tokenizer")
    found = Chosen(tmp_path)
    names = {
        "ollama/llama3.2": "llama3.2.json",
        "ollama/llama3.2:70b": "",
        "together/Qwen/Qwen3-8B": "Qwen3-8B/tokenizer.json",
        "vllm/meta-llama/Llama-3.1-8B": "meta-llama/Llama-3.1-8B/tokenizer.json",
        "openai/gpt-5-mini": "o200k_base.tiktoken",
        "openai/gpt-4o": "o200k_base.tiktoken",
        "openai/gpt-4-turbo": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "openai/gpt-4": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "anthropic/claude-opus-4-6": "",
        "x/unheard-of": "",
    }
    for name, file in names.items():
        key = found.of(name, name.partition("/")[2])
        assert (found.named[key].path if key else None) == (tmp_path / file if file else None), name
    assert found.of("together/Qwen/Qwen3-8B", "Qwen/Qwen3-8B") == "Qwen3-8B/tokenizer.json"  # no path of this machine


def test_what_the_configuration_names_goes_before_the_folder(tmp_path: Path):
    own = tokenizer_json(tmp_path / "m.json")
    said = tokenizer_json(tmp_path / "elsewhere" / "other.json")
    found = Chosen(tmp_path, {"x/m": str(said), "*claude*": str(own)})
    assert found.of("x/m", "m") == "other.json"
    assert found.of("y/m", "m") == "m.json"
    assert found.of("anthropic/claude-opus-4-6", "claude-opus-4-6") == "m.json"
    other = tokenizer_json(tmp_path / "deeper" / "m.json")
    found = Chosen(tmp_path, {"z/*": str(other)})
    assert (found.of("y/m", "m"), found.of("z/a", "a"), found.of("z/b", "b")) == ("m.json", "m.json#2", "m.json#2")


def test_one_file_is_read_once_for_all_snapshots_and_again_when_it_changes(tmp_path: Path):
    path = tokenizer_json(tmp_path / "m.json")

    def used() -> Tokenizer:
        found = Chosen(tmp_path)
        return found.named[found.of("x/m", "m")]

    first = used()
    assert used() is first
    path.write_text(path.read_text() + "\n")
    assert used() is not first
