"""`mesh up`: start the gateway."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from meshwright.cli.output import ConfigFile, Json, err, out, print_json, told
from meshwright.cli.session import here
from meshwright.console.status import page
from meshwright.kernel.build.providers import provider_parts
from meshwright.kernel.published import Published
from meshwright.ledger.keys import MasterKey
from meshwright.server.control import Control, load_config
from meshwright.server.supervise import open_control, run
from meshwright.types.errors import ConfigError

READY_SECONDS = 30.0


def up(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
    as_json: Json = False,
) -> None:
    """Start the gateway and its status page."""
    with told(as_json):
        place = here(config)
        given = {"HOST": host, "PORT": _free_port(host) if port == 0 else port, "WORKERS": workers}
        options = {f"MESH_SERVER__{name}": str(value) for name, value in given.items() if value is not None}
        environment = {**os.environ, **options}
        settings = load_config(place.config, environment)
        _check_free(settings.server.host, settings.server.port)
        if not as_json:
            out.print("Looking for keys and local engines …")
        control, master = open_control(place, environment, settings)
        run(control, lambda published: _announce_when_ready(control, published, master, as_json), page)


def _free_port(host: str | None) -> int:
    with socket.socket() as probe:
        probe.bind((host or "127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_free(host: str, port: int) -> None:
    """Say who is in the way before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError.of(
                f"{host}:{port} cannot be listened on: {error.strerror}.",
                fix="Is a gateway running there already? Else choose another with --port.",
            ) from error


def _announce_when_ready(control: Control, published: Published, master: MasterKey, as_json: bool) -> None:
    threading.Thread(target=_announce, args=(control, published, master, as_json), daemon=True).start()


def _announce(control: Control, published: Published, master: MasterKey, as_json: bool) -> None:
    server = control.config.server
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.host, server.host)  # noqa: S104  # compared, not bound
    address = f"http://{host}:{server.port}"
    if not _ready(address):
        err.print(
            f"[red]The gateway does not answer at {address}.[/] Its log above says why; `mesh doctor` checks the rest."
        )
        return
    if as_json:
        print_json({"url": address, "open": published.open, "master_key": master.key, "snapshot": published.version})
        return
    _tell(control, published, address, master)


def _ready(address: str) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=1) as answer:  # noqa: S310  # our own http address
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.03)
    return False


def _tell(control: Control, published: Published, address: str, master: MasterKey) -> None:
    """What was found, what is served, and how to use it."""
    parts, refused = provider_parts(
        control.config, control.environment, published.engines, control.config.builtin.enabled
    )
    out.print(f"\n[bold green]Meshwright[/] is up: [bold]{address}[/]   (Ctrl-C stops it)\n")
    for part in parts:
        told_key = f"key from {part.key_from}" if part.key_from else part.row.base_url if part.row.local else "no key"
        told_key = "no key needed, works offline" if part.row.name == "builtin" else told_key
        out.print(f"  [green]✓[/] {part.row.name:<14} {escape(told_key)}")
    hosted = [name for name, reason in refused.items() if reason.startswith("no key")]
    out.print(f"  [dim]· {len(hosted)} more with a key in the environment: `mesh providers`[/]")
    served = _served(address, master, published)
    if served:
        routes = [name for name in served if "/" not in name]
        models = [name for name in served if "/" in name and not name.startswith("route/")]
        more = f" … and {len(models) - 8} more: `mesh models`" if len(models) > 8 else ""
        out.print(f"\nServed: [bold]{', '.join(routes)}[/]; {escape(', '.join(models[:8]))}{more}")
    key = "" if published.open else " -H 'authorization: Bearer YOUR_KEY'"
    if master.key:
        out.print(f"\n[bold yellow]Master key, shown only this once:[/] {master.key}")
    elif not published.open:
        out.print("\nKeys are required; the master key was shown at the first start or is in MESH_MASTER_KEY.")
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "What is 12.5% of 840?"}]})
    out.print("\nTry:\n", end="")
    out.print(
        f"  curl -i {address}/v1/chat/completions{key} -H 'content-type: application/json' -d '{body}'\n", markup=False
    )
    out.print("Use it from a client:", markup=False)
    out.print(
        f'  OpenAI(base_url="{address}/v1", api_key="…")   Anthropic(base_url="{address}", api_key="…")', markup=False
    )


class _Named(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_Named]


def _served(address: str, master: MasterKey, published: Published) -> list[str]:
    """Names that the running gateway lists; nothing when it wants a key that only its owner has."""
    key = master.key or os.environ.get("MESH_MASTER_KEY", "")
    if not published.open and not key:
        return []
    headers = {"authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{address}/v1/models", headers=headers)  # noqa: S310  # our own http address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # our own http address
            listing = msgspec.json.decode(answer.read(), type=_Listing)
    except (OSError, msgspec.DecodeError) as error:
        err.print(f"[yellow]{escape(str(error))}[/]")
        return []
    return [row.id for row in listing.data]
