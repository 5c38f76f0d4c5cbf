"""The process entry. It imports nothing before it must: every worker process passes through here."""

from __future__ import annotations


def main() -> None:
    """Run `mesh`."""
    from meshwright.cli.app import app  # workers that granian spawns import this module, not the commands

    app(prog_name="mesh")


if __name__ == "__main__":
    main()
