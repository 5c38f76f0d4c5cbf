"""Each row of a provider can be used as it stands, and a new one is one line."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import msgspec
import pytest

from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.tables import Config, ProviderSettings
from meshwright.net.choose import OneTransport
from meshwright.providers import DEPLOYED, GENERAL_KEYS, HOSTED, LOCAL, PROVIDERS
from meshwright.providers.discover import discover
from meshwright.providers.rows import DATA, blanks, filled, read_rows
from meshwright.types.model import Auth, Privacy, Provider
from meshwright.wire import CODECS

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "providers.md"
ROWS = [*LOCAL, *HOSTED]
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
FIELDS = set(Provider.__struct_fields__)


def quirks() -> set[str]:
    """Those that the reference explains; what a dialect does with one is tested beside the dialect."""
    return set(re.findall(r"^\| ([a-z_]+) \|", REFERENCE.read_text().partition("## Quirks")[2], re.MULTILINE)) - {
        "quirk"
    }


def parts(
    environment: Mapping[str, str], **configured: ProviderSettings
) -> tuple[dict[str, ProviderPart], dict[str, str]]:
    named = {name.replace("_", "-"): settings for name, settings in configured.items()}
    served, refused = provider_parts(Config(providers=named), environment, (), builtin=False)
    return {part.row.name: part for part in served}, refused


def test_there_are_more_than_a_hundred_and_each_name_is_its_own():
    assert len(ROWS) >= 100
    assert len({row.name for row in ROWS}) == len(ROWS) == len(PROVIDERS) - 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_whole(row: Provider):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name)
    assert row.title
    assert row.dialect in CODECS
    assert row.auth in get_args(Auth)
    assert row.privacy in get_args(Privacy)
    docs = urlsplit(row.docs)
    assert docs.scheme == "https"
    assert docs.hostname
    assert set(row.quirks) <= quirks()
    assert len(row.quirks) == len(set(row.quirks))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_address_is_one_to_which_a_path_can_be_added(row: Provider):
    address = urlsplit(row.base_url.replace("{", "").replace("}", ""))
    assert address.hostname
    assert not address.query
    assert not address.fragment
    assert not address.username
    assert not row.base_url.endswith("/")
    assert not row.base_url.endswith(("/chat/completions", "/messages", "/responses"))
    assert address.scheme == ("http" if row.local else "https")
    if row.local:
        assert (address.hostname, address.port) == ("127.0.0.1", row.port)


@pytest.mark.parametrize("row", HOSTED, ids=lambda row: row.name)
def test_a_hosted_row_names_the_variable_of_its_key(row: Provider):
    assert VARIABLE.fullmatch(row.key_env)
    assert not row.local
    assert row.port is None


@pytest.mark.parametrize("file", ["hosted.jsonl", "local.jsonl"])
def test_a_line_has_no_field_that_a_row_does_not_have(file: str):
    for line in (DATA / file).read_text().splitlines():
        assert json.loads(line).keys() <= FIELDS, line


def test_there_are_at_most_fifteen_quirks():
    assert len(quirks()) <= 15


def test_the_tables_of_keys_and_of_deployments_name_rows():
    assert {row.key_env for row in HOSTED} >= GENERAL_KEYS
    assert {row.name for row in HOSTED} >= DEPLOYED


def test_a_new_provider_is_one_line(tmp_path: Path):
    line = {"name": "new", "dialect": "openai_chat", "base_url": "https://api.new.example/v1", "key_env": "NEW_KEY"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(line) + "\n")
    (row,) = read_rows(tmp_path / "rows.jsonl")
    assert (row.name, row.base_url, row.auth) == ("new", "https://api.new.example/v1", "bearer")


def test_a_line_that_is_no_row_is_refused(tmp_path: Path):
    (tmp_path / "rows.jsonl").write_text('{"name": "new", "dialect": "openai_chat", "base_url": 3}\n')
    with pytest.raises(msgspec.ValidationError):
        read_rows(tmp_path / "rows.jsonl")


def test_an_address_is_made_with_the_environment():
    row = PROVIDERS["cloudflare-workers-ai"]
    assert blanks(row) == ("CLOUDFLARE_ACCOUNT_ID",)
    whole = filled(row, {"CLOUDFLARE_ACCOUNT_ID": "abc123"})
    assert isinstance(whole, Provider)
    assert whole.base_url == "https://api.cloudflare.com/client/v4/accounts/abc123/ai/v1"


def test_a_host_may_be_given_with_its_scheme():
    whole = filled(PROVIDERS["databricks"], {"DATABRICKS_HOST": "https://adb-1.azuredatabricks.net/"})
    assert isinstance(whole, Provider)
    assert whole.base_url == "https://adb-1.azuredatabricks.net/serving-endpoints"


def test_a_missing_part_of_an_address_is_a_reason_that_names_the_variable():
    served, refused = parts({"AZURE_API_KEY": "k"})
    assert "azure" not in served
    assert refused["azure"] == "no address: set AZURE_RESOURCE_NAME"
    served, _ = parts({"AZURE_API_KEY": "k", "AZURE_RESOURCE_NAME": "mine"})
    assert served["azure"].row.base_url == "https://mine.openai.azure.com/openai/v1"


@pytest.mark.parametrize("value", ["evil.example/x?", "a b", "me@evil.example", "x#", "..", "a/b", "a\\b"])
def test_a_variable_cannot_lead_a_key_to_another_place(value: str):
    told = filled(PROVIDERS["azure"], {"AZURE_RESOURCE_NAME": value})
    assert isinstance(told, str)
    assert "AZURE_RESOURCE_NAME" in told
    assert value not in told


def test_a_key_that_opens_more_than_models_is_used_only_when_asked_for():
    served, refused = parts({"GITHUB_TOKEN": "k"})
    assert "github-models" not in served
    assert "[providers.github-models]" in refused["github-models"]
    served, _ = parts({"GITHUB_TOKEN": "k"}, github_models=ProviderSettings())
    assert served["github-models"].key == "k"


def test_a_key_of_several_services_serves_the_first_until_another_is_asked_for():
    served, refused = parts({"DASHSCOPE_API_KEY": "k"})
    assert "alibaba" in served
    assert "[providers.alibaba-cn]" in refused["alibaba-cn"]
    served, _ = parts({"DASHSCOPE_API_KEY": "k"}, alibaba_cn=ProviderSettings())
    assert {"alibaba", "alibaba-cn"} <= set(served)


async def engine(owner: str) -> tuple[asyncio.Server, int]:
    """A server that lists one model, as a local engine does."""
    body = json.dumps({"object": "list", "data": [{"id": "m1", "owned_by": owner}]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("owner", "name"), [("tensorrt_llm", "tensorrt-llm"), ("vllm", "vllm"), ("someone", "vllm")])
async def test_engines_on_one_port_are_told_apart_by_the_owner_of_their_models(owner: str, name: str):
    server, port = await engine(owner)
    rows = [
        msgspec.structs.replace(PROVIDERS[each], port=port, base_url=f"http://127.0.0.1:{port}/v1")
        for each in ("vllm", "tensorrt-llm")
    ]
    transport = OneTransport()
    try:
        found = await discover(rows, transport, "127.0.0.1", 5.0)
    finally:
        await transport.close()
        server.close()
    assert [(one.provider, one.base_url, one.models) for one in found] == [
        (name, f"http://127.0.0.1:{port}/v1", ("m1",))
    ]
