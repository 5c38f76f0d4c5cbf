"""The systems that the bench measures: how each is configured, started and asked, as rows of a table."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEY = "sk-test"


@dataclass(frozen=True)
class Places:
    """Where things are: virtual environments of peers, the `mesh` command, a scratch folder, the upstream's port."""

    peers: Path
    mesh: str
    scratch: Path
    upstream: int


@dataclass(frozen=True)
class Launch:
    """A command that serves on a port, the variables that it needs, and the command that prints its version."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    version: tuple[str, ...]


@dataclass(frozen=True)
class System:
    """A row: `launch` writes the configuration and returns the command, or a sentence that says how to install it."""

    name: str
    launch: Callable[[Places, int], Launch | str] | None
    model: str = "gpt-mock"
    checks_keys: bool = False
    because: str = ""


NGINX = """# A plain reverse proxy: what one core can forward when it does nothing else.
daemon off; worker_processes 1; pid {scratch}/nginx.pid; error_log {scratch}/nginx.err;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}
  keepalive_requests 100000000;
  client_body_buffer_size 1m; client_max_body_size 20m;
  proxy_temp_path {scratch}/nginx_proxy; client_body_temp_path {scratch}/nginx_body;
  fastcgi_temp_path {scratch}/nginx_f; uwsgi_temp_path {scratch}/nginx_u; scgi_temp_path {scratch}/nginx_s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""

MESH = """[server]
auth = "keys"
[providers.mock]
dialect = "openai_chat"
base_url = "http://127.0.0.1:{upstream}/v1"
key_env = "MOCK_KEY"
models = ["gpt-mock"]
"""

SWITCHYARD = """schema_version = 1
[llm_clients.mock]
format = "openai_chat"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "MOCK_KEY"
[targets.mock]
id = "mock"
llm_client = "mock"
[routes.mock]
id = "gpt-mock"
type = "passthrough"
target = "mock"
"""

LITELLM = """model_list:
  - model_name: gpt-mock
    litellm_params:
      model: openai/mock-model
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: sk-upstream
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000002
litellm_settings: {{telemetry: false, set_verbose: false, drop_params: true}}
general_settings: {{master_key: sk-test}}
"""
LITELLM_ENV = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "NO_DOCS": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


def write(places: Places, name: str, template: str, port: int) -> str:
    """Fill a configuration in and return its path. Braces in the template are doubled, as in str.format."""
    path = places.scratch / name
    path.write_text(template.format(scratch=places.scratch, upstream=places.upstream, port=port))
    return str(path)


def installed(venv: Path, package: str) -> tuple[str, ...]:
    """The command that prints the version of a package in a virtual environment."""
    asked = f"from importlib.metadata import version; print({package!r}, version({package!r}))"
    return (str(venv / "bin/python"), "-c", asked)


def launch_nginx(places: Places, port: int) -> Launch | str:
    """nginx as a plain proxy."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not found:
        return "nginx is not installed, so there is no ratio to a plain proxy: apt-get install -y nginx"
    return Launch((found, "-p", str(places.scratch), "-c", write(places, "nginx.conf", NGINX, port)), {}, (found, "-v"))


def launch_mesh(places: Places, port: int) -> Launch | str:
    """Meshwright with one worker, a key to check, and ledger and decision log on, as they are by default."""
    found = shutil.which(places.mesh)
    if not found:
        return f"there is no command {places.mesh}: pip install -e . (or name the command in the variable MESH)"
    state = places.scratch / f"mesh-state-{port}"
    state.mkdir(exist_ok=True)
    config = write(places, "mesh.toml", MESH, port)
    env = {"MESH_MASTER_KEY": KEY, "MESH_STATE_DIR": str(state), "MOCK_KEY": "sk-upstream"}
    command = (found, "up", "--config", config, "--port", str(port), "--workers", "1")
    return Launch(command, env, (found, "--version"))


def launch_switchyard(places: Places, port: int) -> Launch | str:
    """NVIDIA Switchyard: its Rust server, started from Python."""
    venv = places.peers / "switchyard"
    if not (venv / "bin/python").exists():
        return f"python -m venv {venv} && {venv}/bin/pip install nemo-switchyard (peers live in BENCH_PEERS)"
    config = write(places, "switchyard.toml", SWITCHYARD, port)
    command = (str(venv / "bin/python"), str(HERE / "serve_switchyard.py"), config, str(port))
    return Launch(command, {"MOCK_KEY": "sk-upstream"}, installed(venv, "nemo-switchyard"))


def launch_litellm(places: Places, port: int) -> Launch | str:
    """LiteLLM's proxy with one worker."""
    venv = places.peers / "litellm"
    if not (venv / "bin/litellm").exists():
        return f"python -m venv {venv} && {venv}/bin/pip install 'litellm[proxy]' (peers live in BENCH_PEERS)"
    config = write(places, "litellm.yaml", LITELLM, port)
    command = (str(venv / "bin/litellm"), "--config", config, "--port", str(port), "--num_workers", "1")
    return Launch(command, LITELLM_ENV, installed(venv, "litellm"))


SYSTEMS = {
    row.name: row
    for row in (
        System("direct", None, because="no gateway: the pretend upstream itself"),
        System("nginx", launch_nginx, because="a plain reverse proxy"),
        System(
            "mesh",
            launch_mesh,
            model="mock/gpt-mock",
            checks_keys=True,
            because="key check, ledger and decision log on",
        ),
        System("switchyard", launch_switchyard, because="NVIDIA's Rust server; no key check, no ledger"),
        System("litellm", launch_litellm, checks_keys=True, because="key check; no ledger without a database"),
    )
}
DEFAULT = ("direct", "nginx", "mesh", "switchyard")


def mesh_beside_python() -> str:
    """The `mesh` of the virtual environment that runs the bench, else the one on the PATH."""
    beside = Path(sys.executable).parent / "mesh"
    return str(beside) if beside.exists() else "mesh"
