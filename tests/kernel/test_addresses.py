"""Where calls go: one address for each provider, or one for each model where the path names it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.read import read_config
from meshwright.kernel.published import Published
from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.net.choose import OneTransport
from meshwright.providers import PROVIDERS
from meshwright.providers.rows import moved, read_rows
from meshwright.types.model import Layer, Provider
from meshwright.wire import CODECS

TOML = """
[discovery]
keys = false
[providers.plain]
base_url = "https://plain.example/v1/"
models = ["m", "n"]
[providers.named]
base_url = "https://named.example/v1beta"
dialect = "gemini"
auth = "x-goog-api-key"
key_env = "NAMED_KEY"
models = ["gemini-x"]
"""


def snapshot() -> Snapshot:
    config = read_config(TOML)
    return build(Published(version=1, config=config, open=True), {"NAMED_KEY": "k"}, OneTransport(), None)


def test_models_of_a_provider_share_one_prepared_address():
    built = snapshot()
    assert built.deployments["plain/m"].endpoint is built.deployments["plain/n"].endpoint
    assert built.deployments["plain/m"].at(stream=True).url == "https://plain.example/v1/chat/completions"


def test_a_dialect_whose_path_names_the_model_has_addresses_of_its_own():
    named = snapshot().deployments["named/gemini-x"]
    assert named.dialect is CODECS["gemini"]
    assert named.at(stream=False).url == "https://named.example/v1beta/models/gemini-x:generateContent"
    assert named.at(stream=True).url == "https://named.example/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    assert ("x-goog-api-key", "k") in named.endpoint.headers


def test_a_model_that_no_catalogue_lists_yet_has_them_too():
    unlisted = snapshot().deployment("named/announced this/morning")
    assert unlisted is not None
    assert unlisted.at(stream=False).url.endswith("/models/announced%20this%2Fmorning:generateContent")
    assert snapshot().deployment("nobody/x") is None


LAYERED = Provider(
    name="layered",
    dialect="gemini",
    base_url="https://layered.example/v1beta",
    auth="x-goog-api-key",
    key_env="LAYERED_KEY",
    also=(
        Layer(dialect="openai_chat", base_url="https://old.example/openai", auth="bearer", quirks=("max_tokens",)),
        Layer(dialect="anthropic_messages", base_url="https://{LAYERED_HOST}/anthropic/v1", auth="x-api-key"),
    ),
)


def layered(toml: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setitem(PROVIDERS, "layered", LAYERED)
    config = read_config(f'[providers.layered]\nmodels = ["m"]\n{toml}')
    environment = {"LAYERED_KEY": "k", "LAYERED_HOST": "eu.layered.example"}
    return build(Published(version=1, config=config, open=True), environment, OneTransport(), None).deployments[
        "layered/m"
    ]


def test_a_new_provider_with_layers_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "rows.jsonl").write_bytes(msgspec.json.encode(LAYERED) + b"\n")
    assert read_rows(tmp_path / "rows.jsonl") == (LAYERED,)
    found = layered("", monkeypatch)
    told = {
        name: (one.at(stream=False).url, dict(one.endpoint.headers), one.target.quirks)
        for name in ("openai_chat", "anthropic_messages", "openai_responses", "gemini", "ollama")
        for one in (found.speaking(CODECS[name]),)
    }
    native = "https://layered.example/v1beta/models/m:generateContent"
    assert {name: url for name, (url, _, _) in told.items()} == {
        "openai_chat": "https://old.example/openai/chat/completions",
        "anthropic_messages": "https://eu.layered.example/anthropic/v1/messages",
        "openai_responses": native,
        "gemini": native,
        "ollama": native,
    }
    assert told["openai_chat"][1]["authorization"] == "Bearer k"
    assert told["openai_chat"][2] == {"max_tokens"}
    assert (told["anthropic_messages"][1]["x-api-key"], told["anthropic_messages"][2]) == ("k", frozenset())
    assert told["anthropic_messages"][1]["anthropic-version"]
    assert (told["gemini"][1]["x-goog-api-key"], "authorization" in told["gemini"][1]) == ("k", False)


@pytest.mark.parametrize(
    ("toml", "chat", "other", "auth"),
    [
        ('base_url = "https://mine.example/v1beta"', ":generateContent", "mine.example/v1beta", "x-goog-api-key"),
        ('base_url = "https://mine.example/openai"', "/chat/completions", "mine.example/openai", "authorization"),
        ('dialect = "openai_chat"', "/chat/completions", "old.example/openai", "authorization"),
        ('base_url = "https://layered.example/v1beta"', "/chat/completions", "layered.example", "x-goog-api-key"),
    ],
)
def test_layers_go_when_their_user_names_another_address(
    toml: str, chat: str, other: str, auth: str, monkeypatch: pytest.MonkeyPatch
):
    found = layered(toml, monkeypatch)
    assert found.speaking(CODECS["openai_chat"]).at(stream=False).url.endswith(chat)
    assert other in found.at(stream=False).url
    assert auth in dict(found.endpoint.headers)


def test_an_engine_elsewhere_has_its_layer_there():
    row = moved(PROVIDERS["ollama"], "http://10.0.0.5:11434")
    assert (row.base_url, row.also[0].base_url) == ("http://10.0.0.5:11434", "http://10.0.0.5:11434/v1")
