"""`mesh sim`: pretend upstreams."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from meshwright.cli.output import Json, err, out, print_json, print_table, told
from meshwright.sim import FAULTS, Fault, Sim, Spread, Upstream
from meshwright.sim.config import each_dialect, fault_of, mesh_toml, read_sim, times_of, upstream_of
from meshwright.sim.record import Recorder
from meshwright.sim.replay import Replay
from meshwright.sim.tape import read_tape
from meshwright.sim.upstream import models_of
from meshwright.types.errors import ConfigError


def sim(
    file: Annotated[Path | None, typer.Argument(help="A sim.toml with [[upstream]] tables.")] = None,
    upstream: Annotated[
        list[str] | None, typer.Option("--upstream", "-u", help="NAME:DIALECT[:PORT]; may be repeated.")
    ] = None,
    latency: Annotated[str, typer.Option(help="Time before the head: 200ms, or 100ms..300ms.")] = "",
    tokens_per_second: Annotated[float | None, typer.Option(help="Pace of streams; 0 is as fast as it goes.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="NAME, or NAME:every=3,probability=0.1,seconds=2.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same run.")] = None,
    key: Annotated[str, typer.Option(help="Ask clients for this key.")] = "",
    record: Annotated[
        Path | None, typer.Option(help="Write what a real provider says to this file; needs --to.")
    ] = None,
    to: Annotated[str, typer.Option(help="Base address of the real provider to record.")] = "",
    replay: Annotated[Path | None, typer.Option(help="Serve such a file again.")] = None,
    pace: Annotated[float, typer.Option(help="Of --replay: 1 is the recorded pace, 0 does not wait.")] = 1.0,
    port: Annotated[int, typer.Option(help="Of --record and --replay; 0 is a free one.")] = 0,
    faults: Annotated[bool, typer.Option("--faults", help="List the faults and leave.")] = False,
    as_json: Json = False,
) -> None:
    """Serve pretend upstreams over the real dialects, until Ctrl-C."""
    with told(as_json):
        if faults:
            _list_faults(as_json)
        elif record is not None:
            _run(_record(record, to, port, as_json))
        elif to:
            raise ConfigError.of("--to is of no use without --record.", fix="Add --record FILE.")
        elif replay is not None:
            _run(_replay(replay, port, pace, as_json))
        else:
            asked = _upstreams(file, upstream or [])
            changed = _changed(asked, latency, tokens_per_second, list(map(fault_of, fault or [])), seed, key)
            _run(_pretend(changed, as_json))


def _list_faults(as_json: bool) -> None:
    if as_json:
        print_json({name: spoiler.sentence for name, spoiler in FAULTS.items()})
        return
    print_table(("fault", "what a client meets"), [(name, spoiler.sentence) for name, spoiler in FAULTS.items()])


def _upstreams(file: Path | None, named: list[str]) -> list[Upstream]:
    found: list[Upstream] = []
    if file is not None:
        try:
            found += read_sim(file.read_text(encoding="utf-8"), str(file))
        except OSError as error:
            raise ConfigError.of(f"{file} cannot be read: {error.strerror}.") from error
    found += map(upstream_of, named)
    return found or list(each_dialect())


def _changed(
    upstreams: list[Upstream], latency: str, rate: float | None, faults: list[Fault], seed: int | None, key: str
) -> list[Upstream]:
    """What the flags say, said to every upstream."""
    changes: dict[str, float | Spread | int | str] = {}
    if latency:
        changes["latency"] = times_of(latency)
    if rate is not None:
        changes["tokens_per_second"] = rate
    if seed is not None:
        changes["seed"] = seed
    if key:
        changes["key"] = key
    return [msgspec.structs.replace(one, **changes, faults=(*faults, *one.faults)) for one in upstreams]


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(serving)
    except OSError as error:
        raise ConfigError.of(
            f"It cannot listen: {error.strerror}.", fix="Choose another port, or 0 for a free one."
        ) from error


async def _pretend(upstreams: list[Upstream], as_json: bool) -> None:
    async with Sim(upstreams) as served:
        if as_json:
            rows = [
                {"name": one.name, "dialect": one.dialect, "url": served.url(one.name), "models": models_of(one)}
                for one in upstreams
            ]
            print_json({"upstreams": rows})
        else:
            for one in upstreams:
                out.print(f"[bold]{escape(one.name)}[/]  {one.dialect}  {served.url(one.name)}")
            out.print("\nLines for mesh.toml:\n")
            for one in upstreams:
                out.print("\n".join([*mesh_toml(one, served.url(one.name)), ""]), markup=False)
            out.print("Ctrl-C stops it. `mesh sim --faults` lists what can go wrong.")
        await _interrupted()


async def _record(path: Path, to: str, port: int, as_json: bool) -> None:
    if not to:
        raise ConfigError.of("--record needs the provider to record.", fix="Add --to https://api.example.com/v1.")
    async with Recorder(to, path, port=port) as recorder:
        if as_json:
            print_json({"url": recorder.url, "to": to, "file": str(path)})
        else:
            out.print(
                f"{recorder.url}  passes everything on to {to} and writes it to {path}, without keys.", markup=False
            )
            out.print("Ctrl-C stops it.")
        await _interrupted()
    if not as_json:
        out.print(f"{recorder.recorded} exchanges recorded.")
    if recorder.withheld:
        err.print(f"{recorder.withheld} were left out: their answers spelled a secret piece by piece.")


async def _replay(path: Path, port: int, pace: float, as_json: bool) -> None:
    tape = read_tape(path)
    async with Replay(tape, port=port, pace=pace) as replay:
        if as_json:
            print_json({"url": replay.url, "exchanges": len(tape)})
        else:
            out.print(f"{replay.url}  repeats the {len(tape)} exchanges of {path}.", markup=False)
            out.print("Ctrl-C stops it.")
        await _interrupted()


async def _interrupted() -> None:
    """Wait for Ctrl-C or SIGTERM. What was printed is on its way to whoever reads it before that."""
    sys.stdout.flush()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
