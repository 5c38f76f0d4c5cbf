"""With keys required: every door is closed without one, errors speak the client's dialect, and no secret is told."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshwright.server.endpoints import ENDPOINTS
from meshwright.sim import Upstream
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.server.raw import ask

SECRET = "sk-provider-secret-0123456789"
FILE_SECRET = "sk-file-secret-9876543210"
SCOPED = [endpoint for endpoint in ENDPOINTS if endpoint.scope and endpoint.answers not in ("Forwarded", "Kept")]
"""Those that are passed on have their own tests (forward/)."""
PATH = {"/v1/decisions/{id}": "/v1/decisions/dec_0", "/v1/models/{model}": "/v1/models/auto"}
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that asks for keys, made up by itself at its first start, with provider keys around it."""
    folder = tmp_path_factory.mktemp("shut")
    (folder / "key").write_text(FILE_SECRET + "\n")
    environment = {"SIM_KEY": SECRET, "OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET + "\n"}
    with Pretend([Upstream(name="kept", key=SECRET), Upstream(name="other", key="another")]) as pretend:
        toml = '[server]\nauth = "keys"\n' + pretend.toml("kept", ("m",), 'key_env = "SIM_KEY"', 'auth = "bearer"')
        toml += pretend.toml("other", ("m",), 'key_env = "SIM_KEY"', 'auth = "bearer"')
        toml += (
            f'[providers.filed]\nbase_url = "{pretend.sim.url("other")}"\nmodels = ["m"]\n'
            f'key_file = "{folder / "key"}"\nauth = "bearer"\n'
        )
        with Gateway(folder, toml, environment) as gateway:
            gateway.key = gateway.told["master_key"]
            yield gateway


def tried(gateway: Gateway, endpoint: Any, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request to it with just those headers."""
    lines = [f"{endpoint.method} {PATH.get(endpoint.path, endpoint.path)} HTTP/1.1", "host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["content-length: 2", "", "{}"] if endpoint.method == "POST" else ["", ""]
    told = ask(gateway.url, "\r\n".join(lines).encode("latin-1"))
    assert told is not None
    return told.status, told.body


WRONG = [
    {},
    {"authorization": "Bearer mesh-wrong"},
    {"authorization": "Bearer "},
    {"authorization": "Basic bWVzaDptZXNo"},
    {"authorization": "Bearer \xe9"},
    {"authorization": "Bearer " + "x" * 20_000},
    {"x-api-key": "mesh-wrong"},
    {"api-key": "placeholder"},
    {"x-api-key": ""},
    {"authorization": "Bearer null"},
]


@pytest.mark.parametrize("headers", WRONG, ids=lambda headers: str(headers)[:40])
@pytest.mark.parametrize("endpoint", SCOPED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_door_is_closed_to_whoever_has_no_key(shut: Gateway, endpoint: Any, headers: dict[str, str]):
    status, body = tried(shut, endpoint, headers)
    assert status == (400 if "\xe9" in str(headers) else 401)
    if status == 401:
        said = json.loads(body)
        assert ("type" in said) == endpoint.path.startswith("/v1/messages")
        assert "Bearer" in body.decode() or "bearer" in body.decode()
        assert "mesh-wrong" not in body.decode()


FORMS = ["authorization: Bearer {}", "authorization: bearer {}", "x-api-key: {}", "api-key: {}"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("endpoint", SCOPED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_door_opens_with_the_key_in_any_dialect_s_header(shut: Gateway, endpoint: Any, form: str):
    name, _, value = form.format(shut.key).partition(": ")
    assert tried(shut, endpoint, {name: value})[0] in (200, 400, 404)


def test_what_needs_no_key_tells_nothing_that_does(shut: Gateway):
    decision = shut.chat("hi", model="kept/m")[1]["x-mesh-decision"]
    for path in ("/healthz", "/readyz", "/openapi.json", "/"):
        status, _, body = shut.call(path, headers={"authorization": "Bearer none"})
        assert status == 200
        assert decision not in body.decode()


def test_no_secret_is_in_what_is_said_logged_or_kept(shut: Gateway):
    assert shut.chat("hi", model="kept/m")[0] == 200
    for model in ("other/m", "filed/m"):
        status, _, body = shut.chat("hi", model=model)
        assert status == 502
        assert "sk-" not in json.dumps(body)
    said = [shut.call(path)[2] for path in ("/", "/v1/models", "/v1/decisions?limit=1000", "/metrics", "/openapi.json")]
    decisions = json.loads(shut.call("/v1/decisions?limit=1000")[2])["data"]
    said += [shut.call(f"/v1/decisions/{row['id']}")[2] for row in decisions]
    for command in (["doctor"], ["doctor", "--json"], ["providers"], ["providers", "--json"], ["models", "--json"]):
        done = shut.run(*command)
        said += [done.stdout.encode(), done.stderr.encode()]
    said.append(shut.log().encode())
    files = [path for path in (shut.folder / "state").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"mesh.db", "published.json"}
    said += [path.read_bytes() for path in files]
    for secret in (SECRET, FILE_SECRET, shut.key):
        assert not [text[:200] for text in said if secret.encode() in text]


def test_what_is_kept_is_for_its_user_alone(shut: Gateway):
    state = shut.folder / "state"
    for path in (state, *state.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_the_master_key_is_told_once_and_goes_on_working(tmp_path: Path):
    gateway = Gateway(tmp_path, '[server]\nauth = "keys"\n')
    with gateway:
        key = gateway.told["master_key"]
        assert key.startswith("mesh-")
        assert len(key) > 40
        assert gateway.told["open"] is False
    with gateway:
        assert gateway.told["master_key"] is None
        assert gateway.call("/v1/models")[0] == 401
        gateway.key = key
        assert gateway.call("/v1/models")[0] == 200
    assert key not in gateway.log()


def test_a_gateway_that_anybody_could_reach_does_not_start_without_keys(tmp_path: Path):
    gateway = Gateway(tmp_path, '[server]\nhost = "0.0.0.0"\nauth = "open"\n')
    done = gateway.run("up", "--port", "0", "--json")
    assert done.returncode == 3
    problem = json.loads(done.stdout)["error"]["problems"][0]
    assert "mesh.toml:3" in problem
    assert 'auth = "keys"' in problem


def test_a_short_master_key_is_refused_on_a_network(tmp_path: Path):
    done = Gateway(tmp_path, "", key="short-key").run("up", "--host", "0.0.0.0", "--port", "0", "--json")
    assert done.returncode == 3
    assert "MESH_MASTER_KEY is too short" in done.stdout


def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = Gateway(tmp_path).run("up", "--port", str(port), "--json")
    assert done.returncode == 3
    assert f"127.0.0.1:{port}" in done.stdout
    assert "--port" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "state").mkdir(mode=0o500)
    done = Gateway(tmp_path).run("up", "--port", "0", "--json")
    assert done.returncode == 6
    assert str(tmp_path / "state") in done.stdout


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "state").write_text("not a folder")
    done = Gateway(tmp_path).run("up", "--port", "0", "--json")
    assert done.returncode == 6, done.stderr
    assert str(tmp_path / "state") in done.stdout
