"""The command line: a table of commands, made into a Typer application."""

from __future__ import annotations

from typing import Annotated

import typer

from meshwright import __version__
from meshwright.cli.commands import COMMANDS
from meshwright.cli.output import out

app = typer.Typer(
    name="mesh",
    help="One reliable, governed system made of many language models.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"meshwright {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One reliable, governed system made of many language models."""
