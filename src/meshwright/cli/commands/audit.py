"""`mesh audit`: who did what, and the proof that nobody changed the record of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from meshwright.cli.auditing import export, show, tell_erased, tell_report, trusted_keys
from meshwright.cli.exits import FAILED
from meshwright.cli.output import ConfigFile, Json, out, print_json, told, write_file
from meshwright.cli.session import actor, control_of, here
from meshwright.ledger.audit.erase import erase
from meshwright.ledger.audit.exported import read_export
from meshwright.ledger.audit.signing import checkpoint, read_checkpoint
from meshwright.ledger.audit.verify import Report, verify, verify_entries
from meshwright.server.control import Control
from meshwright.types.errors import InvalidRequest, StoreError


def audit(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[show|verify|checkpoint|export|erase WHO]", help="WHO is a key."),
    ] = None,
    limit: Annotated[int, typer.Option(help="With show: how many entries, the latest.", min=1, max=10_000)] = 20,
    act: Annotated[str, typer.Option(help="With show: only this act, or this kind (key).")] = "",
    anchor: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="With verify: a checkpoint that was kept elsewhere.")
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="With verify: a public key (hex) of another machine.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With verify: what `export` wrote, in place of the database.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With checkpoint and export: write it there.")
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show the audit log, verify it, sign where it stands, take it away, or erase a person's data from it."""
    with told(as_json):
        match words or ["show"]:
            case ["show"]:
                show(control_of(config).database, limit, act, as_json)
            case ["verify"] if file is not None:
                _end(verify_entries(*read_export(file), here(config).audit), as_json)
            case ["verify"]:
                _end(_verified(control_of(config), anchor or [], trust or []), as_json)
            case ["checkpoint"]:
                control = control_of(config)
                body = msgspec.json.encode(checkpoint(control.database, control.places.audit)) + b"\n"
                _write(to, body)
            case ["export"]:
                export(control_of(config).database, to)
            case ["erase", who]:
                tell_erased(erase(control_of(config).database, who, actor=actor()), as_json)
            case other:
                raise InvalidRequest(
                    f"`mesh audit {' '.join(other)}` is not understood.",
                    fix="`mesh audit`, `verify`, `checkpoint --out FILE`, `export --out FILE`, or `erase WHO`.",
                )


def _verified(control: Control, anchors: list[Path], trust: list[str]) -> Report:
    found = {}
    for path in anchors:
        try:
            found[str(path)] = read_checkpoint(path.read_bytes(), str(path))
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    return verify(control.database, control.places.audit, anchors=found, trusted=trusted_keys(trust))


def _end(report: Report, as_json: bool) -> None:
    if as_json:
        print_json({"sound": report.sound, **msgspec.structs.asdict(report)})
    else:
        tell_report(report)
    if not report.sound:
        raise typer.Exit(FAILED)


def _write(file: Path | None, body: bytes) -> None:
    if file is None:
        out.print(body.decode().rstrip(), markup=False)
        return
    write_file(file, body)
