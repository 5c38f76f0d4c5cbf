"""Exchanges with providers, one file each, that are replayed without them. See `receipts/README.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from meshwright.sim.tape import Taped

FOLDER = Path(__file__).parent / "receipts"
RECORDED = FOLDER / "recorded"
OTHER_CALLS = ("embeddings", "rerank")
Kind = Literal["recorded", "documented", "written"]


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an exchange comes from.

    `provider` is its name among our rows. `kind`: "recorded" from the provider, by us or by others who published it;
    "documented": the provider's published example, under a licence that allows a copy; "written" by us after the format
    on the provider's page. `date` is that of the recording ("" where it does not tell) or of the description, or the
    day on which the page was read.
    """

    provider: str
    dialect: str
    feature: str
    kind: Kind
    source: str
    licence: str
    date: str
    about: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """One exchange and where it comes from."""

    told: Told
    taped: Taped

    @property
    def name(self) -> str:
        """Its name in a report."""
        return f"{self.told.provider} {self.told.dialect} {self.told.feature} {self.told.kind}"

    @property
    def streamed(self) -> bool:
        """Whether the answer came as a stream."""
        kind = dict(self.taped.answer_headers).get("content-type", "")
        return not kind.startswith("application/json")

    @property
    def asks(self) -> bool:
        """Whether its request was kept."""
        return bool(self.taped.body.data)

    @property
    def answers(self) -> bool:
        """Whether it is an answer and no error."""
        return not self.told.feature.startswith("error")

    @property
    def sound(self) -> bool:
        """Whether we would send such a request: some errors are about requests that we refuse ourselves."""
        return self.told.feature != "error: value not allowed"

    @property
    def answer(self) -> bytes:
        """The answer's body."""
        return b"".join(piece.data for piece in self.taped.pieces)


class _Line(msgspec.Struct, frozen=True):
    receipt: Told


def receipts() -> list[Receipt]:
    """Those of calls for an answer, by name. Raises msgspec.DecodeError on a file of another form."""
    return [one for one in all_receipts() if one.told.feature not in OTHER_CALLS]


def all_receipts() -> list[Receipt]:
    """Those, and those of calls for something else: vectors, ranks."""
    found = []
    for path in sorted(FOLDER.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            told = msgspec.json.decode(line, type=_Line).receipt
            found.append(Receipt(told, msgspec.json.decode(line, type=Taped)))
    return found
