"""`mesh doctor` names the credential that would be used and where it comes from, and never shows it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshwright.cli.app import app
from meshwright.kernel.identity import machine
from tests.kernel.aws_cloud import REGION, ROBOT, ROLE, Aws
from tests.kernel.cloud import Answer, Cloud

SECRET = "s3cret/value"


def findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, *words: str
) -> dict[str, tuple[str, str, str]]:
    """What it finds of each provider: its state, the words, and the fix."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "PLACE", tmp_path)  # wherever these tests run, it is nobody's machine
    for name, value in {
        "MESH_STATE_DIR": str(tmp_path / "state"),
        "MESH_DISCOVERY__ENGINES": "false",
        "MESH_DISCOVERY__KEYS": "false",
        "MESH_BUILTIN__ENABLED": "false",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "mesh.toml").write_text(toml)
    told = CliRunner().invoke(app, ["doctor", "--json", *words]).stdout
    assert SECRET not in told
    every = [(one["state"], one["what"], one.get("fix", "")) for one in json.loads(told)]
    return {what.partition(":")[0]: (state, what, fix) for state, what, fix in every if "retire soon" not in what}


def test_identities_are_named_with_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name, value in (("TENANT_ID", "t"), ("CLIENT_ID", "c"), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_RESOURCE_NAME", "mine")
    toml = "[providers.amazon-bedrock]\n[providers.azure]\n[providers.google-vertex]\n"
    found = findings(tmp_path, monkeypatch, toml, "--offline")
    assert found["amazon-bedrock"][1] == (
        "amazon-bedrock: calls are signed by $AWS_ACCESS_KEY_ID, https://bedrock-runtime.eu-west-1.amazonaws.com"
    )
    assert "tokens by $AZURE_CLIENT_SECRET, a service principal" in found["azure"][1]
    state, what, fix = found["google-vertex"]
    assert state == "bad"
    assert "gcloud auth application-default login" in what
    assert fix == "export GOOGLE_APPLICATION_CREDENTIALS=…"


def test_a_token_that_cannot_be_had_is_bad_and_says_where_to_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("TENANT_ID", "t"), ("CLIENT_ID", "c"), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"AZURE_{name}", value)
    toml = '[providers.azure]\nbase_url = "http://127.0.0.1:9"\ntoken_url = "http://127.0.0.1:9/token"\n'
    state, what, fix = findings(tmp_path, monkeypatch, toml)["azure"]
    assert (state, "AZURE_CLIENT_SECRET" in what + fix) == ("bad", True)


async def test_doctor_and_providers_say_until_when_an_identity_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "robot").write_text(ROBOT)
    async with Cloud(Aws()) as cloud:
        for name, value in {
            "AWS_REGION": REGION,
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "robot"),
            "AWS_ENDPOINT_URL_STS": cloud.url,
        }.items():
            monkeypatch.setenv(name, value)
        toml = f'[providers.amazon-bedrock]\nbase_url = "{cloud.url}"\n'
        found = await asyncio.to_thread(findings, tmp_path, monkeypatch, toml)
        listed = await asyncio.to_thread(CliRunner().invoke, app, ["providers", "--json"])
        cloud.answer = lambda _: Answer(b"", 500)
        refused = await asyncio.to_thread(CliRunner().invoke, app, ["providers", "--json"])
        came = len(cloud.came)
        asleep = await asyncio.to_thread(CliRunner().invoke, app, ["providers", "--json", "--offline"])
    assert len(cloud.came) == came
    state, what, _ = found["amazon-bedrock"]
    assert state == "ok"
    assert re.search(r"calls are signed by a web identity, \$AWS_WEB_IDENTITY_TOKEN_FILE \(until 20\d\d-.*Z\)", what)
    row, wrong, offline = (
        next(one for one in json.loads(told.stdout) if one["name"] == "amazon-bedrock")
        for told in (listed, refused, asleep)
    )
    assert row["key_from"] == "a web identity, $AWS_WEB_IDENTITY_TOKEN_FILE"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\dZ", row["key_until"])
    assert "gave no keys (500)" in wrong["key_wrong"]
    assert (offline["key_until"], offline["key_wrong"]) == (None, None)
    assert not any(secret in told.stdout for told in (listed, refused) for secret in (ROBOT, "token/WEB", "/WEB"))
