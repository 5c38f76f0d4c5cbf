"""What the learned router goes by: learn from outcomes, look, take away, bring, go back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.markup import escape

from meshwright.cli.output import out, print_json, print_table, write_file
from meshwright.cli.session import actor
from meshwright.kernel.learning import router_files
from meshwright.ledger.audit.acts import record
from meshwright.routing.quality.rows import read_rows
from meshwright.routing.quality.shortcomings import shortcomings
from meshwright.routing.quality.weights import LARGEST_FILE, Weights, read
from meshwright.routing.router import Router
from meshwright.store import audit
from meshwright.store.database import Database
from meshwright.types.errors import ConfigError


def learning(
    words: Sequence[str],
    folder: Path,
    log: Callable[[], Database],
    served: Callable[[], Collection[str]],
    as_json: bool,
) -> bool:
    """Do what the words say; whether they were understood.

    `log` opens the database that has the audit log; `served` gives the bare names of the models that are served.
    """
    match words:
        case ["fit", file]:
            _fit(folder, Path(file), log, served, as_json)
        case ["export", file]:
            _export(folder, Path(file), as_json)
        case ["import", file]:
            _import(folder, Path(file), log, as_json)
        case ["revert"]:
            version = _noted(log, "router.reverted", lambda: router_files.revert(folder))
            _tell(version, f"The router goes by {_name(version)} again.", as_json)
        case _:
            return False
    return True


def _noted(log: Callable[[], Database], act: str, change: Callable[[], int]) -> int:
    """The version that the router goes by after this change of files, with its entry in the audit log.

    Files cannot be rolled back: so the log is locked before they are touched, and all that may fail has not failed.
    """
    with log().begin() as transaction:
        audit.lock(transaction)
        version = change()
        record(transaction, actor(), act, "router", detail={"version": version})
    return version


def _data(folder: Path) -> bytes:
    shipped = files("meshwright.routing") / "data" / "router.bin"
    return router_files.weights(folder) or shipped.read_bytes()


def known(folder: Path) -> dict[str, Any]:
    """What the weights say, for a program."""
    weights = read(_data(folder))
    rows = [
        {"model": model.name, "quality": model.level, "rows": model.rows, "routed": _routed(weights, model.own)}
        for model in weights.models
    ]
    version = router_files.current(folder)
    return {"version": version, "kept": router_files.versions(folder), "told": weights.told, "models": rows}


def tell_known(folder: Path) -> None:
    """The same for people."""
    weights = read(_data(folder))
    version = router_files.current(folder)
    out.print(f"The router goes by {_name(version)}: {weights.told}, {len(weights.grams) // 4:,} grams.")
    _tell_models(weights)


def _tell_models(weights: Weights) -> None:
    print_table(
        ("model", "mean score", "outcomes", "differs by question"),
        [
            (
                model.name,
                f"{model.level:.3f}",
                f"{model.rows:,}",
                "yes" if _routed(weights, model.own) else "no gain seen",
            )
            for model in sorted(weights.models, key=lambda model: -model.level)
        ],
    )


def _routed(weights: Weights, column: int) -> bool:
    """Whether learning kept what is this model's own; where routing cannot help, all its weights are nothing."""
    return weights.scales[column] > 1e-9  # the scale of a column of zeros is below that


def _fit(
    folder: Path, file: Path, log: Callable[[], Database], served: Callable[[], Collection[str]], as_json: bool
) -> None:
    if importlib.util.find_spec("numpy") is None:
        raise ConfigError.of("Learning needs numpy, which is not installed.", fix="pip install 'meshwright[offline]'")
    rows = list(read_rows(file))
    learned = Router.fit(rows)
    short = shortcomings(rows, served())
    version = _noted(log, "router.fitted", lambda: router_files.adopt(folder, learned.save()))
    if as_json:
        print_json({**known(folder), "shortcomings": short})
        return
    said = learned.weights.told if learned.weights else ""
    out.print(f"Learned from {said}: the router goes by {_name(version)}; a running gateway takes it at once.")
    _tell_models(read(_data(folder)))
    for one in short:
        out.print(f"[yellow]{escape(one)}[/]")
    if short:
        out.print(f"[dim]`mesh router revert` goes back to {_name(router_files.before(folder))}.[/]")


def _import(folder: Path, file: Path, log: Callable[[], Database], as_json: bool) -> None:
    """Weights that were taken away, of this gateway or another; they are looked through before they are used."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError.of(
            f"{file} cannot be read: {error.strerror}.", fix="Give a file of `mesh router export`."
        ) from error
    version = _noted(log, "router.imported", lambda: router_files.adopt(folder, data))
    told = read(data).told
    _tell(version, f"The router goes by {_name(version)}, {told}; a running gateway takes it at once.", as_json)


def _export(folder: Path, file: Path, as_json: bool) -> None:
    version = router_files.current(folder)
    write_file(file, _data(folder))
    _tell(version, f"{file} has {_name(version)}.", as_json)


def _name(version: int) -> str:
    return f"version {version}" if version else "the shipped weights"


def _tell(version: int, text: str, as_json: bool) -> None:
    if as_json:
        print_json({"version": version})
    else:
        out.print(text, markup=False)
