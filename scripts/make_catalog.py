"""Make the shipped catalogue from three public sources, as `python -m scripts.make_catalog --made 2026-11-21 …`.

    --models-dev  api.json[.gz]@DATE    from https://models.dev/api.json
    --litellm     model_prices_and_context_window.json[.gz]@DATE    from the repository BerriAI/litellm
    --genai-prices genai_prices-0.2.3-py3-none-any.whl@DATE    `pip download --no-deps genai-prices`
    --out         folder, by default that of the package

Each fact keeps every value that some source says, with the sources that say it, best first: most sources, then the
newest month, then the source that knows best (genai-prices for prices, else LiteLLM). A price of 0 is doubted, and
chosen by nobody, when one source alone says it of a model that is not called free. What it stands on (addresses,
licences, how to add a source) is in docs/how-to/catalogue.md.
The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from meshwright.providers import HOSTED
from meshwright.types.model import Provider
from scripts.catalog_names import GENAI, LITELLM, MODELS_DEV, ONLY_GENAI, renamed
from scripts.catalog_sources import Record, Tiers, genai_prices, litellm, models_dev, tree

OUT = Path(__file__).parent.parent / "src/meshwright/catalog/data/models"
TITLES = {"m": "models.dev", "l": "LiteLLM", "g": "genai-prices", "i": "inferred: the newest of its family"}
FREE = re.compile(r"(^|[^a-z])free([^a-z]|$)", re.IGNORECASE)
DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")
NO_OUTPUT = ("embedding", "rerank", "moderation")

Said = dict[str, Any]
"""What each source says of one fact, by the source's letter."""


def entries(said: Said, dates: Mapping[str, str], doubtful: Iterable[str] = (), best: str = "lmgi") -> list[list[Any]]:
    """[[value, letters], …], best first; a doubted value is last and has a third member. `best` decides a tie."""
    doubted = set(doubtful)
    groups: dict[tuple[bool, str], list[str]] = {}
    values: dict[tuple[bool, str], Any] = {}
    for letter, value in said.items():
        group = (letter in doubted, repr(value))
        values[group] = value
        groups.setdefault(group, []).append(letter)

    def worth(group: tuple[bool, str]) -> tuple[bool, int, str, int]:
        letters = groups[group]
        newest = max(dates[letter][:7] for letter in letters)
        return not group[0], len(letters), newest, -min(best.index(letter) for letter in letters)

    order = sorted(groups, key=worth, reverse=True)
    return [[values[group], "".join(sorted(groups[group])), *([True] if group[0] else [])] for group in order]


def plain(number: Decimal) -> str:
    """A decimal without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Merging:
    """One model: what the sources say of it, by letter."""

    def __init__(self, name: str, said: Mapping[str, Record], dates: Mapping[str, str]) -> None:
        self.name, self.said, self.dates = name, said, dates
        self.kind = next((said[letter].kind for letter in "lmg" if letter in said and said[letter].kind), "")
        # Names in genai-prices are patterns, its models are not sorted by kind: without another source it is a chat.
        self.kind = self.kind or "chat"
        self.free = FREE.search(name) is not None

    def row(self) -> dict[str, Any]:
        """The model's line in the file."""
        row: dict[str, Any] = {"name": self.name, "kind": self.kind}
        facts = self._facts()
        for fact in sorted(facts):
            row[fact] = entries(facts[fact], self.dates)
        abilities: dict[str, Said] = {}
        for letter, record in self.said.items():
            for ability, able in record.abilities.items():
                abilities.setdefault(ability, {})[letter] = able
        if abilities:
            row["abilities"] = {ability: entries(abilities[ability], self.dates) for ability in sorted(abilities)}
        for part in ("prices", "batch"):
            if tiers := self._tiers({letter: getattr(record, part) for letter, record in self.said.items()}):
                row[part] = tiers
        other = {unit: {letter: r.other[unit] for letter, r in self.said.items() if unit in r.other} for unit in OTHER}
        units = {unit: self._amounts(said) for unit, said in other.items() if said}
        if units:
            row["other"] = units
        if marked := {letter: True for letter, record in self.said.items() if record.marked}:
            row["deprecated"] = entries(marked, self.dates)
        if any(record.elsewhere for record in self.said.values()):
            row["elsewhere"] = True
        return row

    def _facts(self) -> dict[str, Said]:
        facts: dict[str, Said] = {}
        for letter, record in self.said.items():
            for fact, value in record.facts.items():
                facts.setdefault(fact, {})[letter] = value
        # LiteLLM's max_input_tokens is the window of some models, of others what the window leaves beside the output.
        window, output = facts.get("window", {}), facts.get("max_output", {}).get("l", 0)
        others = {value - output for letter, value in window.items() if letter != "l"}
        if "l" in window and ("max_input" in facts or window["l"] in others):
            facts.setdefault("max_input", {})["l"] = window.pop("l")
        return {fact: said for fact, said in facts.items() if said}

    def _tiers(self, said: Mapping[str, Tiers]) -> list[dict[str, Any]]:
        rows = []
        for above in sorted({above for tiers in said.values() for above in tiers}):
            row: dict[str, Any] = {"above": above} if above else {}
            buckets = sorted({bucket for tiers in said.values() for bucket in tiers.get(above, {})})
            for bucket in buckets:
                told = {letter: tiers[above] for letter, tiers in said.items() if bucket in tiers.get(above, {})}
                amounts = {letter: tier[bucket] for letter, tier in told.items()}
                row[bucket] = self._amounts(amounts, nothing=bucket == "output" and self.kind in NO_OUTPUT)
            rows.append(row)
        return rows

    def _amounts(self, said: Mapping[str, Decimal], nothing: bool = False) -> list[list[Any]]:
        zeros = [letter for letter, value in said.items() if value == 0]
        believed = self.free or nothing or len(zeros) > 1
        texts = {letter: plain(value) for letter, value in said.items()}
        return entries(texts, self.dates, () if believed else zeros, "glmi")


OTHER = ("character", "image_in", "image_out", "page", "query", "request", "second_in", "second_out")


class Sources:
    """The three files, and what they say of a provider."""

    def __init__(self, models_dev_file: Path, litellm_file: Path, genai_file: Path, dates: Mapping[str, str]) -> None:
        self.models_dev, self.litellm, self.genai, self.dates = models_dev_file, litellm_file, tree(genai_file), dates

    def provider(self, row: Provider) -> dict[str, dict[str, Record]]:
        """What is said of each of its models, by name and by letter."""
        by_letter: dict[str, dict[str, Record]] = {}
        if there := MODELS_DEV.get(row.name, row.name):
            by_letter["m"] = models_dev(self.models_dev, there, row.dialect)
        if row.name in LITELLM:
            by_letter["l"] = litellm(self.litellm, *LITELLM[row.name])
        found: dict[str, dict[str, Record]] = {}
        for letter, records in by_letter.items():
            for name, record in records.items():
                if name.isprintable() and 0 < len(name) <= 200:
                    found.setdefault(name, {})[letter] = record
        if row.name in GENAI and (provider := self.genai.get(GENAI[row.name])):
            names = [model["id"] for model in provider["models"]] if row.name in ONLY_GENAI else sorted(found)
            for name, record in genai_prices(provider, iter(names), self.dates["g"]).items():
                found.setdefault(name, {})["g"] = record
        return {renamed(row.name, name): said for name, said in found.items()}


def infer(rows: list[dict[str, Any]], made: str) -> None:
    """Give models that retire and name no successor the newest of their family that stays, marked as inferred."""
    known = {row["name"]: row for row in rows}
    for row in rows:
        # A dated name without a family of its own has that of the name without the date.
        whole = row if "family" in row else known.get(DATED.sub("", row["name"]), row)
        family, born = (whole.get(fact, [[""]])[0][0] for fact in ("family", "released"))
        if "retires" not in row or "successor" in row or not family:
            continue
        later = [
            (other["released"][0][0], other["name"])
            for other in rows
            if other.get("family", [[""]])[0][0] == family
            and other["kind"] == row["kind"]
            and "deprecated" not in other
            and other.get("retires", [["9"]])[0][0] > max(row["retires"][0][0], made)
            and other.get("released", [[""]])[0][0] > born
        ]
        if later:
            row["successor"] = [[max(later)[1], "i"]]


def gone(row: Mapping[str, Any], said: Mapping[str, Record], dates: Mapping[str, str], made: str) -> bool:
    """Whether its day has passed. models.dev has no such days: listing it after that day speaks against."""
    retires = row.get("retires", [["9"]])[0][0]
    alive = "m" in said and not said["m"].marked and retires < dates["m"]
    return bool(retires <= made and not alive)


def make(sources: Sources, made: str, out: Path) -> Counter[str]:
    """Write a file for each provider that has models; what was counted."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.json.gz"):
        old.unlink()
    counts: Counter[str] = Counter()
    dates = {**sources.dates, "i": made}
    for provider in HOSTED:
        found = sources.provider(provider)
        rows = []
        for name in sorted(found):
            row = Merging(name, found[name], dates).row()
            if row.keys() == {"name", "kind"}:
                continue
            if gone(row, found[name], dates, made):
                row["gone"] = True
            rows.append(row)
        infer(rows, made)
        if rows:
            letters = {letter: [TITLES[letter], dates[letter]] for letter in sorted(dates)}
            head = {"provider": provider.name, "made": made, "sources": letters}
            text = json.dumps({**head, "models": rows}, separators=(",", ":"), ensure_ascii=False)
            (out / f"{provider.name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
            counts["providers"] += 1
            counts["models"] += len(rows)
            tally(rows, counts)
    return counts


def tally(rows: list[dict[str, Any]], counts: Counter[str]) -> None:
    """Count models by kind and facts by how many sources agree."""
    for row in rows:
        counts[f"kind {row['kind']}"] += 1
        tiers = [tier for part in ("prices", "batch") for tier in row.get(part, [])]
        prices = [fact for tier in tiers for name, fact in tier.items() if name != "above"]
        single = [fact for name, fact in row.items() if isinstance(fact, list) and name not in ("prices", "batch")]
        for fact in (*single, *prices, *row.get("abilities", {}).values(), *row.get("other", {}).values()):
            counts["facts"] += 1
            best = fact[0]
            counts["facts unknown: all doubted" if len(best) == 3 else f"facts said by {len(best[1])}"] += 1
            if len({str(entry[0]) for entry in fact if len(entry) == 2}) > 1:
                counts["facts with disagreement"] += 1


def main() -> None:
    """Read the command line, write the catalogue, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--models-dev", "--litellm", "--genai-prices"):
        parser.add_argument(name, required=True, metavar="FILE@DATE")
    parser.add_argument("--made", required=True, metavar="DATE", help="the day of this catalogue")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    split = [text.rpartition("@") for text in (given.models_dev, given.litellm, given.genai_prices)]
    dates = dict(zip("mlg", (date for _, _, date in split), strict=True))
    files = [Path(path) for path, _, _ in split]
    counts = make(Sources(files[0], files[1], files[2], dates), given.made, given.out)
    for name, number in sorted(counts.items()):
        print(f"{number:>7} {name}")


if __name__ == "__main__":
    main()
