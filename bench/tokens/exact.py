"""How far the estimate of tokens is off beside the tokenizers themselves, and what counting with them costs.

    exact.py TOKENIZERS TEXTS [--write]

TOKENIZERS is a folder as `[tokenizers] folder` takes it, its files called after families: o200k_base.tiktoken,
cl100k_base.tiktoken, llama3.json, gemini.json, qwen.json, deepseek.json, claude.json. TEXTS has a folder for each kind
of text. Each file is cut into passages of 200 to 2,500 characters; files whose name has an even checksum are for
calibration (the factor that observed usage would teach, one for each family), the others are held out, and only those
are reported. Beside the estimate: a fourth of the characters, and what o200k counts, whichever the model. `--write`
puts the errors into catalog/token_errors.py, for `mesh models show`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from meshwright.catalog.exact.tokenizer import Tokenizer
from meshwright.catalog.token_weights import WEIGHTS
from meshwright.catalog.tokens import tokens

FILES = {"o200k": "o200k_base.tiktoken", "cl100k": "cl100k_base.tiktoken"}
MOST_PASSAGES = 250
"""Of a kind on each side."""
TARGET = Path(__file__).parents[2] / "src" / "meshwright" / "catalog" / "token_errors.py"
Passages = dict[str, list[str]]
Way = Callable[[str], float]


def passages(folder: Path) -> tuple[Passages, Passages]:
    """By kind: those for calibration, and those held out."""
    draw = random.Random(7)
    sides: tuple[Passages, Passages] = ({}, {})
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(kind.iterdir()):
            side = sides[zlib.crc32(path.name.encode()) % 2]
            side.setdefault(kind.name, []).extend(_cut(path.read_text(errors="replace"), draw))
        for one in sides:
            found = one.get(kind.name, [])
            draw.shuffle(found)
            del found[MOST_PASSAGES:]
    return sides


def _cut(text: str, draw: random.Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = draw.randint(200, 2_500)
        piece = text[at : at + size].strip()
        if len(piece) >= 200:
            yield piece
        at += size


def errors(found: list[str], counts: list[int], guess: Way) -> tuple[float, float]:
    """The middle error, and the one that nine of ten stay below, in per cent."""
    ranked = sorted(abs(guess(text) - count) / count * 100 for text, count in zip(found, counts, strict=True))
    return statistics.median(ranked), ranked[int(len(ranked) * 0.9)]


def _estimate(family: str, factor: float = 1.0) -> Way:
    return lambda text: factor * tokens(text, family)


def _counted(tokenizer: Tokenizer) -> Way:
    return lambda text: tokenizer.count((text,)) or 0


def _fourth(text: str) -> float:
    return len(text) / 4


def told(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.0f} / {pair[1]:.0f}"


def table(tokenizers: dict[str, Tokenizer], calibration: Passages, heldout: Passages) -> dict[str, tuple[float, float]]:
    """Print it; the errors of the estimate over all kinds by family, each kind counting as much as any other."""
    kinds = list(heldout)
    print(f"| family | by | {' | '.join(kinds)} | all | factor |")
    print(f"|---|---|{'---|' * (len(kinds) + 2)}")
    overall = {}
    stand_in = tokenizers["o200k"]
    for family, tokenizer in tokenizers.items():
        counts = {kind: [tokenizer.count((text,)) or 0 for text in found] for kind, found in heldout.items()}
        ratios = [
            (tokenizer.count((text,)) or 0) / tokens(text, family) for found in calibration.values() for text in found
        ]
        factor = statistics.median(ratios)
        ways = {
            "estimate": _estimate(family),
            "corrected": _estimate(family, factor),
            "characters / 4": _fourth,
            "o200k for all": _counted(stand_in),
        }
        for name, way in ways.items():
            if name == "o200k for all" and family == "o200k":
                continue
            cells = {kind: errors(found, counts[kind], way) for kind, found in heldout.items()}
            every = [text for kind in kinds for text in heldout[kind]]
            over = errors(every, [one for kind in kinds for one in counts[kind]], way)
            if name == "estimate":
                overall[family] = over
            shown = " | ".join(told(cells[kind]) for kind in kinds)
            print(f"| {family} | {name} | {shown} | {told(over)} | {f'{factor:.3f}' if name == 'corrected' else ''} |")
    return overall


def best(call: Callable[[], object], rounds: int) -> float:
    """The least microseconds of several calls."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took) * 1e6


def costs(tokenizers: dict[str, Tokenizer], fresh: Callable[[str], Tokenizer], text: str) -> None:
    """Print what reading a file and counting with it costs, beside the estimate."""
    print("\n| by | read, s | MiB | 900 characters, µs | 20,000 | longest wait of the loop for 400,000, ms |")
    print("|---|---|---|---|---|---|")
    estimate = (f"{best(partial(tokens, text[:size]), 200):.0f}" for size in (900, 20_000))
    idle = asyncio.run(_stall(lambda _: time.sleep(0.2), ""))
    print(f"| estimate (the loop beside a thread that sleeps) |  |  | {' | '.join(estimate)} | {idle:.1f} |")
    for family in tokenizers:
        before, began = _resident(), time.perf_counter()
        one = fresh(family)
        one.load()
        took, grown = time.perf_counter() - began, _resident() - before
        short, long = (best(partial(one.count, (text[:size],)), 30) for size in (900, 20_000))
        wait = asyncio.run(_stall(_counted(one), (text * 20)[:400_000]))
        print(f"| {family} | {took:.2f} | {grown} | {short:.0f} | {long:.0f} | {wait:.1f} |")


async def _stall(work: Callable[[str], object], text: str) -> float:
    """Milliseconds by which a loop with nothing else to do was late at most while a thread worked."""
    task = asyncio.create_task(asyncio.to_thread(work, text))
    latest = 0.0
    while not task.done():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        latest = max(latest, time.perf_counter() - began - 0.001)
    return latest * 1000


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


def write(overall: dict[str, tuple[float, float]]) -> None:
    """The errors as a table of the package."""
    rows = [f'    "{family}": ({middle:.0f}, {most:.0f}),' for family, (middle, most) in overall.items()]
    TARGET.write_text(
        "\n".join(
            [
                '"""How far the estimate of tokens is off by family; written by bench/tokens/exact.py."""',
                "",
                "from __future__ import annotations",
                "",
                f'DATE = "{time.strftime("%Y-%m-%d")}"',
                "ERRORS: dict[str, tuple[int, int]] = {",
                *rows,
                "}",
                '"""Per cent: the middle error, and the one that nine of ten passages of real text stay below."""',
                "",
            ]
        )
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizers", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()

    def fresh(family: str) -> Tokenizer:
        return Tokenizer(asked.tokenizers / FILES.get(family, f"{family}.json"), family)

    families = [name for name in WEIGHTS if (asked.tokenizers / FILES.get(name, f"{name}.json")).exists()]
    found = {family: fresh(family) for family in families}
    calibration, heldout = passages(asked.texts)
    for side, name in ((calibration, "calibration"), (heldout, "held out")):
        print(f"{name}: {', '.join(f'{kind} {len(some)}' for kind, some in side.items())}")
    print()
    overall = table(found, calibration, heldout)
    costs(found, fresh, "\n".join(heldout.get("english") or heldout[next(iter(heldout))])[:40_000])
    if asked.write:
        write(overall)


if __name__ == "__main__":
    main()
