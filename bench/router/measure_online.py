"""How fast the router learns from the chosen model's outcomes alone: one command, tables on standard output.

    python bench/router/measure_online.py outcomes-dev.jsonl.gz [--first 0] [--seeds 6]

Every request is decided by the strategies themselves, on what had been learned until then; only the chosen model's
score is told to the learner, in lots of 50. Nothing is tuned here: the learner is the gateway itself's, as it is.
References in the same run: choosing by a coin, epsilon-greedy, the same learner told all scores, and `Router.fit` on
the same rows with all scores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from figures import apgr
from meshwright.routing.choose import choose
from meshwright.routing.policy import Policy
from meshwright.routing.quality.fit import fit
from meshwright.routing.quality.gains import Gains, pack, read
from meshwright.routing.quality.knowledge import Knowledge
from meshwright.routing.quality.online import Online, Outcome
from meshwright.routing.quality.rows import Row, read_rows
from meshwright.routing.quality.sight import sight
from meshwright.routing.quality.sketch import sketch
from meshwright.types.decision import Features
from meshwright.types.model import Model, Price

Array = npt.NDArray[np.float64]
SALT = 0x9E3779B97F4A7C15
LOT = 50
STREAM = 5_000
MARKS = (250, 500, 1_000, 2_000, 3_000, 4_000, 5_000)
GOAL = 0.95
STUDENT = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833)
"""The 95th percentile of Student's t for 2, 3, … 10 orders."""
STRONG, WEAK = "gpt-4-1106-preview", "mixtral-8x7b-instruct"
PRICES = {STRONG: 10.0, WEAK: 1.0}
THRIFT = 0.089
"""At which the dear model's price is worth about the mean gap between the two: the dial does not decide alone."""
POLICIES: Mapping[str, Policy] = {
    "bandit": Policy(name="r", strategy="bandit", pool=(), options={"thrift": THRIFT}),
    "epsilon-greedy, 0.1": Policy(name="r", strategy="learned", pool=(), options={"thrift": THRIFT, "explore": 0.1}),
    "coin": Policy(name="r", strategy="learned", pool=(), options={"thrift": THRIFT, "explore": 1.0}),
}
UNLIMITED = {"r": 10**17}


class World:
    """Questions with every model's score, what is kept of them, and what is expected of the models at first."""

    def __init__(self, rows: Sequence[Row], prior: Callable[[str, str], float], prices: Mapping[str, float]) -> None:
        self.rows = rows
        self.names = sorted(rows[0].scores)
        self.scores = np.array([[row.scores[name] for name in self.names] for row in rows])
        self.sketches = [sketch(sight(row.prompt), SALT) for row in rows]
        self.priors = np.array([[prior(name, row.prompt) for name in self.names] for row in rows])
        self.prices = prices

    def models(self, at: int) -> list[Model]:
        """The cards at one question; what was expected before stands on them as a skill."""
        return [
            Model(
                name=f"p/{name}",
                provider="p",
                upstream=name,
                skills={"*": float(self.priors[at, n])},
                prices=(
                    Price(input=int(1e9 * self.prices.get(name, 1.0)), output=int(1e9 * self.prices.get(name, 1.0))),
                ),
            )
            for n, name in enumerate(self.names)
        ]

    def expected(self, gains: Gains, ats: Sequence[int] | npt.NDArray[np.int64]) -> Array:
        """Qualities, questions by models."""
        told = []
        for at in ats:
            moved = gains.gain(self.sketches[at]) if gains.models else {}
            told.append(
                [
                    self.priors[at, n] + (moved[name].value if name in moved else 0.0)
                    for n, name in enumerate(self.names)
                ]
            )
        return np.array(told)

    def outcome(self, at: int, n: int, expected: float, score: float, key: str = "") -> Outcome:
        """What the learner is told."""
        return Outcome(
            key=key or f"{at} {n}",
            model=self.names[n],
            score=score,
            weight=1.0,
            prior=float(self.priors[at, n]),
            expected=expected,
            sketch=self.sketches[at],
        )


def run(
    world: World,
    stream: npt.NDArray[np.int64],
    policy: Policy,
    watch: Callable[[int, Gains, Online], None],
    score: Callable[[int, int, int], float],
    online: Online | None = None,
) -> Array:
    """Decide, tell, learn; what each request earned."""
    online = online if online is not None else Online(SALT)
    gains, waiting = Gains(version=0, salt=SALT), list[Outcome]()
    earned = np.zeros(len(stream))
    for turn, at in enumerate(stream):
        moved = gains.gain(world.sketches[at]) if gains.models else {}
        seen = Features(
            task="", sure=0.0, tasks={}, input_tokens=200, gained=moved, conversation=f"{turn}", purse=UNLIMITED
        )
        decision = choose(seen, policy, world.models(at), {}, asked="r", snapshot=0)
        name = decision.plan.models[0].removeprefix("p/")
        n = world.names.index(name)
        expected = next(one.quality.value for one in decision.candidates if one.model == f"p/{name}" and one.quality)
        earned[turn] = score(turn, at, n)
        waiting.append(world.outcome(at, n, expected, float(earned[turn]), key=f"{turn}"))
        if len(waiting) == LOT:
            online.take(waiting)
            waiting.clear()
            gains = read(pack(online.gains(turn)))
            watch(turn + 1, gains, online)
    return earned


def everything(world: World, stream: npt.NDArray[np.int64]) -> Gains:
    """The same learner, told the scores of all models."""
    online = Online(SALT, window=len(stream) * len(world.names))
    for start in range(0, len(stream), LOT):
        online.take(
            [
                world.outcome(at, n, 0.5, float(world.scores[at, n]))
                for at in stream[start : start + LOT]
                for n in range(len(world.names))
            ],
            2,
        )
    while online.improve(20):
        pass
    return online.gains(1)


def pair(world: World, orders: Sequence[int], title: str) -> None:
    """Two models: APGR of what had been learned, on questions that were not in the stream."""
    strong, weak = world.names.index(STRONG), world.names.index(WEAK)
    found: dict[str, list[list[float]]] = {name: [] for name in POLICIES}
    told: list[float] = []
    fitted: list[float] = []
    for seed in orders:
        order = np.random.default_rng(seed).permutation(len(world.rows))
        stream, test = order[:STREAM], order[STREAM:]

        def area(expected: Array, test: npt.NDArray[np.int64] = test) -> float:
            return apgr(expected[:, strong] - expected[:, weak], world.scores[test, strong], world.scores[test, weak])

        told.append(area(world.expected(everything(world, stream), test)))
        knowledge = Knowledge(fit([world.rows[at] for at in stream]))
        whole = [knowledge.expect(world.rows[at].prompt) for at in test]
        fitted.append(area(np.array([[e[n].level + e[n].common + e[n].own for n in world.names] for e in whole])))
        for name, policy in POLICIES.items():
            reached: list[float] = []

            def watch(
                count: int,
                gains: Gains,
                _: Online,
                reached: list[float] = reached,
                test: npt.NDArray[np.int64] = test,
                area: Callable[[Array], float] = area,
            ) -> None:
                if count in MARKS:
                    reached.append(area(world.expected(gains, test)))

            run(world, stream, policy, watch, lambda _, at, n: float(world.scores[at, n]))
            found[name].append(reached)
    print(f"\n## {title}: APGR on {len(world.rows) - STREAM:,} questions left out, mean of {len(orders)} orders\n")
    print(
        f"All scores told: the same learner {np.mean(told):.3f}, `Router.fit` {np.mean(fitted):.3f}; a coin has 0.5.\n"
    )
    print("| chosen by | " + " | ".join(f"{mark:,}" for mark in MARKS)
          + " | of the learner told all, 90 % interval | order by order | of `Router.fit` |")  # fmt: skip
    print("| --- |" + " ---: |" * (len(MARKS) + 3))
    for name, runs in found.items():
        means = np.mean(runs, axis=0)
        shares = np.array([run[-1] for run in runs]) / np.array(told)
        marks = " | ".join(f"{value:.3f}" for value in means)
        each = ", ".join(f"{share:.0%}" for share in shares)
        print(f"| {name} | {marks} | {_between(shares)}{_first(means, float(np.mean(told)))} | {each} "
              f"| {means[-1] / np.mean(fitted):.1%} |", flush=True)  # fmt: skip


def _between(shares: Array) -> str:
    """The mean over orders and its 90 % interval, by Student's t."""
    told = f"{shares.mean():.1%}"
    if len(shares) < 2:
        return told
    half = STUDENT[min(len(shares), len(STUDENT) + 1) - 2] * shares.std(ddof=1) / np.sqrt(len(shares))
    return f"{told} ({shares.mean() - half:.1%} to {shares.mean() + half:.1%})"


def _first(means: Array, whole: float) -> str:
    reached = [mark for mark, value in zip(MARKS, means, strict=True) if value >= GOAL * whole]
    return f"; {GOAL:.0%} at {reached[0]:,}" if reached else ""


class Last:
    """Keeps what was learned at the end of a stream."""

    def __init__(self) -> None:
        self.gains: Gains

    def __call__(self, _: int, gains: Gains, __: Online) -> None:
        """Called after each lot."""
        self.gains = gains


def pool(world: World, orders: Sequence[int]) -> None:
    """Many models: what their choice earns, on questions that were not in the stream, and on the way."""
    size = len(world.rows) - 700
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in orders:
        order = np.random.default_rng(seed).permutation(len(world.rows))
        stream, test = order[:size], order[size:]

        def picks(expected: Array, test: npt.NDArray[np.int64] = test) -> float:
            return float(world.scores[test, expected.argmax(axis=1)].mean())

        single = world.scores[stream].mean(axis=0).argmax()
        found.setdefault("best single model", []).append((float(world.scores[test, single].mean()), float("nan")))
        found.setdefault("the same learner, told all scores", []).append(
            (picks(world.expected(everything(world, stream), test)), float("nan"))
        )
        for name, policy in POLICIES.items():
            free = msgspec.structs.replace(policy, options={**policy.options, "thrift": 0.0})
            last = Last()
            earned = run(world, stream, free, last, lambda _, at, n: float(world.scores[at, n]))
            found.setdefault(name, []).append((picks(world.expected(last.gains, test)), float(earned.mean())))
    print(
        f"\n## {len(world.names)} models: accuracy after {size:,} requests, and on the way; "
        f"mean of {len(orders)} orders\n"
    )
    print("| chosen by | on 700 questions left out | on the way |\n| --- | ---: | ---: |")
    for name, values in found.items():
        after, way = np.mean(values, axis=0)
        print(f"| {name} | {after:.4f} | {'' if np.isnan(way) else f'{way:.4f}'} |", flush=True)


def drift(world: World, orders: Sequence[int]) -> None:
    """The stronger model loses half of its good answers midway."""
    half = STREAM // 2
    strong = world.names.index(STRONG)
    print(f"\n## The stronger model falls at request {half:,}: half of its good answers are bad from then on\n")
    print("| chosen by | noticed after (requests) | false alarms before | earned in the 500 before | 1st 250 after |"
          " 2nd 250 | 3rd 250 | last 500 | best single after |")  # fmt: skip
    print("| --- |" + " ---: |" * 8)
    for name, policy in POLICIES.items():
        free = msgspec.structs.replace(policy, options={**policy.options, "thrift": 0.0})
        lines = []
        for seed in orders:
            rng = np.random.default_rng(seed)
            stream = rng.permutation(len(world.rows))[:STREAM]
            spoiled = rng.random(len(stream)) < 0.5
            noticed: list[int] = []
            early: list[int] = []

            def score(turn: int, at: int, n: int, spoiled: npt.NDArray[np.bool_] = spoiled) -> float:
                lost = n == strong and turn >= half and spoiled[turn]
                return 0.0 if lost else float(world.scores[at, n])

            def watch(
                count: int, _: Gains, online: Online, noticed: list[int] = noticed, early: list[int] = early
            ) -> None:
                if count <= half:
                    early[:] = [len(online.drifts)]
                elif not noticed and len(online.drifts) > early[0]:
                    noticed.append(count - half)

            earned = run(world, stream, free, watch, score)
            after = world.scores[stream[half:]] * np.where(
                (np.arange(len(world.names)) == strong) & spoiled[half:, None], 0.0, 1.0
            )
            lines.append(
                [
                    float(noticed[0]) if noticed else np.nan,
                    float(early[0]),
                    earned[half - 500 : half].mean(),
                    *(earned[half + at : half + at + 250].mean() for at in (0, 250, 500)),
                    earned[-500:].mean(),
                    after.mean(axis=0).max(),
                ]
            )
        means = np.nanmean(lines, axis=0)
        print(f"| {name} | {means[0]:.0f} | {means[1]:.1f} | " + " | ".join(f"{one:.3f}" for one in means[2:]) + " |",
              flush=True)  # fmt: skip


def ingestion(world: World) -> None:
    """How long 10,000 new outcomes take to be taken in, at once."""
    print("\n## Taking in 10,000 outcomes at once (CPU time; 200 ms are the goal)\n")
    print("| on top of | taken in, ms | made ready for workers, ms |\n| ---: | ---: | ---: |")
    online = Online(SALT)
    for before in (0, 10_000, 20_000):
        lot = [
            world.outcome(
                at % len(world.rows), at % 2, 0.5, float(world.scores[at % len(world.rows), at % 2]), f"{before + at}"
            )
            for at in range(10_000)
        ]
        began = time.process_time()
        online.take(lot)
        middle = time.process_time()
        pack(online.gains(1))
        print(
            f"| {before:,} | {1000 * (middle - began):.0f} | {1000 * (time.process_time() - middle):.0f} |", flush=True
        )


def main() -> None:
    """Everything, in the order in which a reader wants it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--seeds", type=int, default=6, help="orders of the stream")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first order")
    parser.add_argument("--only", default="", help="pair, pool, drift or ingestion")
    given = parser.parse_args()
    rows: dict[str, list[Row]] = {}
    for row in read_rows(given.rows):
        rows.setdefault(row.source, []).append(row)
    two = next(one for one in rows.values() if len(one[0].scores) == 2)
    many = next(one for one in rows.values() if len(one[0].scores) > 2)
    flat = World(two, lambda _, __: 0.5, PRICES)
    orders = range(given.first, given.first + given.seeds)
    if given.only in ("", "ingestion"):
        ingestion(flat)
    if given.only in ("", "pair"):
        pair(flat, orders, "Two models, from nothing")
        elsewhere = Knowledge(fit(many))
        pair(
            World(two, _by(elsewhere), PRICES),
            orders,
            "Two models, from what other models made of other questions",
        )
    if given.only in ("", "drift"):
        drift(flat, orders)
    if given.only in ("", "pool"):
        pool(World(many, lambda _, __: 0.5, {}), orders)


def _by(knowledge: Knowledge) -> Callable[[str, str], float]:
    """Models that nobody has measured: even odds, moved as `levels` moves them by how hard it is for others."""

    def prior(_: str, prompt: str) -> float:
        every = knowledge.expect(prompt).values()
        return 0.5 + 0.5 * sum(one.common for one in every) / len(every)

    return prior


if __name__ == "__main__":
    main()
