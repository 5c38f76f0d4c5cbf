"""How good the learned router is, and how fast: one command, tables on standard output, curves as SVG in a folder.

    python bench/router/measure_router.py outcomes-dev.jsonl.gz [--quick] [--plots FOLDER]

Nothing is tuned here: every router learns from the training rows of a split alone, ours with the penalty that it finds
on rows it sets aside itself.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from baselines import ROUTERS, Array, Case, Places, Predict
from figures import aiq, apgr, bootstrap, cpt, curve
from meshwright.providers.builtin.extract.rank import Ranker
from meshwright.routing.quality.rows import Row, read_rows
from meshwright.routing.quality.sight import asked
from pictures import curves
from timing import timings
from trust import trust

FOLDS = 5
LABELS = 1_500
STRONG, WEAK = "gpt-4-1106-preview", "mixtral-8x7b-instruct"
PUBLISHED = "RouteLLM, best published with 1,500 labels: APGR 0.603, CPT50 35.4 %"
# Billions of parameters as a stand-in for price: the rows have none.
SIZES = {
    "llama3-chatqa-1.5-8b": 8, "qwen2.5-7b-instruct": 7, "llama3-chatqa-1.5-70b": 70,
    "llama-3.1-nemotron-51b-instruct": 51, "mistral-7b-instruct-v0.3": 7, "gemma-2-9b-it": 9,
    "llama-3.1-8b-instruct": 8, "codegemma-7b": 7, "llama-3.3-nemotron-super-49b-v1": 49,
}  # fmt: skip


def splits(case: Case, kind: str, draws: int) -> Iterator[tuple[Places, Places]]:
    """Training and test rows. "labels" draws 1,500; "seen" leaves rows out, "unseen" whole subjects."""
    rng = np.random.default_rng(0)
    everything = np.arange(len(case.rows))
    if kind == "labels":
        for _ in range(draws):
            order = rng.permutation(everything)
            yield order[:LABELS], order[LABELS:]
        return
    subjects = np.unique(case.tasks)
    groups = rng.permutation(everything) if kind == "seen" else rng.permutation(subjects)
    for fold in range(FOLDS):
        left = groups[fold::FOLDS]
        out = np.isin(everything, left) if kind == "seen" else np.isin(case.tasks, left)
        yield everything[~out], everything[out]


def measured(only: str) -> dict[str, Predict]:
    """The routers that are measured: all, or those whose name begins so beside the one that a pool is compared with."""
    return {name: router for name, router in ROUTERS.items() if name.startswith((only, "best single"))}


def pair(case: Case, draws: int, plots: Path | None, only: str) -> None:
    """Two models: which questions need the strong one."""
    strong, weak = case.scores[:, case.models.index(STRONG)], case.scores[:, case.models.index(WEAK)]
    print(f"\n## Two models, {len(case.rows):,} MMLU rows ({STRONG}, {WEAK})\n\n{PUBLISHED}\n")
    print(
        "| router | split | APGR, mean of splits | CPT50 %, mean | all together, 90% interval | CPT50 %, 90% interval |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for kind in ("labels", "seen", "unseen"):
        drawn: dict[str, tuple[Array, Array]] = {}
        for name, router in measured(only).items():
            if name == "best single" or (kind == "unseen" and router is ROUTERS["best per task (label given)"]):
                continue  # it does not tell one question from another
            found, wins, rows = [], [], []
            for train, test in splits(case, kind, draws):
                told = router(case, train, test)
                win = told[:, case.models.index(STRONG)] - told[:, case.models.index(WEAK)]
                found.append((apgr(win, strong[test], weak[test]), cpt(win, strong[test], weak[test])))
                wins.append(win)
                rows.append(test)
            win, at = np.concatenate(wins), np.concatenate(rows)
            columns = (win, strong[at], weak[at])
            area = bootstrap(lambda picks: apgr(*picks), columns)
            share = bootstrap(lambda picks: cpt(picks[0], picks[1], picks[2]), columns)
            mean = np.mean(found, axis=0)
            print(
                f"| {name} | {kind} | {mean[0]:.3f} | {mean[1]:.1f} | {apgr(*columns):.3f} "
                f"({area[0]:.3f} to {area[1]:.3f}) | {cpt(*columns):.1f} ({share[0]:.1f} to {share[1]:.1f}) |",
                flush=True,
            )
            shares, means = curve(*columns)
            drawn[name] = (100 * shares, means)
        title = f"Two models, {kind}: score by share of calls to {STRONG}"
        if plots is not None:
            curves(plots / f"pair-{kind}.svg", title, "calls to the stronger model, %", "mean score", drawn)


def pool(case: Case, plots: Path | None, only: str) -> None:
    """Many models: who answers best, and what it takes."""
    sizes = np.array([SIZES.get(model, 10) for model in case.models], dtype=float)
    print(f"\n## {len(case.models)} models, {len(case.rows):,} rows of 14 tasks (five-fold; cost: 1e9 parameters)\n")
    print(
        "| router | split | accuracy, 90% interval | points above best single | AIQ, 90% interval |\n"
        "| --- | --- | ---: | ---: | ---: |"
    )
    for kind in ("seen", "unseen"):
        drawn: dict[str, tuple[Array, Array]] = {}
        best = np.zeros(len(case.rows))
        for name, router in sorted(measured(only).items(), key=lambda item: item[0] != "best single"):
            told = np.zeros_like(case.scores)
            for train, test in splits(case, kind, 1):
                told[test] = router(case, train, test)
            got = case.scores[np.arange(len(told)), told.argmax(axis=1)]
            if name == "best single":
                best = got
            low, high = bootstrap(lambda picks: float(picks[0].mean()), (got,))
            less, more = bootstrap(lambda picks: 100 * float(picks[0].mean()), (got - best,))
            chosen = _chosen(told, sizes)
            costs, means = _paid(chosen, case.scores, sizes)
            few, many = bootstrap(
                lambda picks: aiq(*_paid(picks[0], picks[1], sizes)), (chosen, case.scores), times=100
            )
            print(
                f"| {name} | {kind} | {got.mean():.4f} ({low:.4f} to {high:.4f}) | {100 * (got - best).mean():+.2f} "
                f"({less:+.2f} to {more:+.2f}) | {aiq(costs, means):.4f} ({few:.4f} to {many:.4f}) |",
                flush=True,
            )
            order = np.argsort(costs, kind="stable")
            drawn[name] = (costs[order], means[order])
        # Ours first, so that it is drawn thick.
        drawn = dict(sorted(drawn.items(), key=lambda item: not item[0].startswith("learned")))
        title = f"{len(case.models)} models, {kind}: accuracy by mean size of the model asked"
        if plots is not None:
            curves(plots / f"pool-{kind}.svg", title, "parameters, 1e9", "accuracy", drawn)


def _chosen(told: Array, sizes: Array) -> Array:
    """The model that each row is sent to, at 26 weights of cost against quality: rows by weights."""
    weights = (0.0, *np.geomspace(1e-4, 1, 25))
    return np.stack([(told - weight * sizes / sizes.max()).argmax(axis=1) for weight in weights], axis=1).astype(float)


def _paid(chosen: Array, scores: Array, sizes: Array) -> tuple[Array, Array]:
    """Mean cost and mean score at each weight."""
    picked = chosen.astype(int)
    return sizes[picked].mean(axis=0), np.take_along_axis(scores, picked, axis=1).mean(axis=0)


def main() -> None:
    """Everything, in the order in which a reader wants it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--quick", action="store_true", help="two draws of labels instead of ten")
    parser.add_argument(
        "--plots", type=Path, default=Path("bench/out/router"), help="write curves to this folder; bench/out/router"
    )
    parser.add_argument("--only", default="", help="measure the router whose name begins so, and draw no curves")
    given = parser.parse_args()
    if not given.only:
        timings()
    plots = None if given.only else given.plots
    rows = list(read_rows(given.rows))
    embed = Ranker().embed
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.source, []).append(row)
    known = [Case(found, embed([asked(row.prompt) for row in found]).astype(np.float64)) for found in cases.values()]
    for case in known:
        if set(case.models) == {STRONG, WEAK}:
            pair(case, 2 if given.quick else 10, plots, given.only)
        else:
            pool(case, plots, given.only)
    print(
        "\n## Are predicted qualities true?\n\n"
        "| source | split | Brier score (of the means) | calibration error | 90% intervals hold | without spread |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |"
    )
    for case in known:
        for kind in ("seen", "unseen"):
            trust(case, kind, list(splits(case, kind, 1)))
    print(
        f"\nLargest memory of this run: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
