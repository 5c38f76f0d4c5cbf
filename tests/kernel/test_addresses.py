"""Where calls go: one address for each provider, or one for each model where the path names it."""

from __future__ import annotations

from meshwright.kernel.build import build
from meshwright.kernel.published import Published
from meshwright.kernel.read_config import read_config
from meshwright.kernel.snapshot import Snapshot
from meshwright.net.choose import OneTransport
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
