"""How good the task classifier is on prompts that it was not made from, and what a decision costs.

    python bench/router_tasks/measure.py                      held-out prompts, then microseconds
    python bench/router_tasks/measure.py --outside FILE.gz    also public prompts: JSON lines with "task" and "prompt"
    python bench/router_tasks/measure.py --wrong              also the prompts that it got wrong

Held-out prompts were written before the first training and are never used for it. Prints Markdown.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from meshwright.providers.builtin.computable import looks_computable
from meshwright.routing.classify import classify
from meshwright.routing.policy import Policy, Signal
from meshwright.routing.route import route
from meshwright.routing.tasks import TASKS
from meshwright.types.content import Message, Text
from meshwright.types.model import Model, Price
from meshwright.types.request import Request

HERE = Path(__file__).resolve().parent
BINS = 10
# Public benchmarks, by the task that their prompts are. Where several are right, all are named.
OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "gsm8k": ("maths",),
    "agentverse-mgsm": ("maths",),
    "math": ("maths", "compute"),
    "mbpp": ("code",),
    "human_eval": ("code",),
    "trivia_qa": ("knowledge",),
    "natural_qa": ("knowledge",),
    "arc_challenge": ("knowledge",),
    "openbook_qa": ("knowledge",),
    "commonsense_qa": ("knowledge",),
    "commongen": ("write",),
    "agentverse-logicgrid": ("reason",),
}


class Prompt(msgspec.Struct, frozen=True):
    """A held-out prompt; `beside` is how many characters the request has besides the question."""

    task: str
    question: str
    attachments: tuple[str, ...] = ()
    beside: int = 0


class Row(msgspec.Struct, frozen=True):
    """A public prompt."""

    task: str
    prompt: str
    part: str = "dev-train"
    source: str = "llmrouter9"


def told(prompt: Prompt) -> tuple[str, float]:
    """The likeliest task and its probability."""
    question = prompt.question
    sure = looks_computable(question)
    found = classify(question, len(question) + prompt.beside, prompt.attachments, sure)
    return next(iter(found.items()))


def held_out(wrong: bool) -> None:
    """Accuracy, recall and precision of each task, and how honest the probabilities are."""
    lines = (HERE / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    prompts = [msgspec.json.decode(line, type=Prompt) for line in lines]
    answers = [told(prompt) for prompt in prompts]
    right = [prompt.task == task for prompt, (task, _) in zip(prompts, answers, strict=True)]
    sure = [share for _, share in answers]
    count = len(prompts)
    print(
        f"{count} held-out prompts: accuracy {sum(right) / count:.3f}, mean confidence {sum(sure) / count:.3f}, "
        f"expected calibration error {calibration_error(sure, right):.3f} ({BINS} bins)\n"
    )
    print("| task | prompts | recall | precision | taken for |\n| --- | ---: | ---: | ---: | --- |")
    said = Counter(task for task, _ in answers)
    for task in TASKS:
        mine = [at for at, prompt in enumerate(prompts) if prompt.task == task]
        hits = sum(right[at] for at in mine)
        others = Counter(answers[at][0] for at in mine if not right[at])
        taken = ", ".join(f"{other} {times}" for other, times in others.most_common())
        print(f"| {task} | {len(mine)} | {hits / len(mine):.2f} | {hits / max(1, said[task]):.2f} | {taken} |")
    print("\n| confidence | prompts | right |\n| --- | ---: | ---: |")
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = [hit for hit, share in zip(right, sure, strict=True) if low <= share < high]
        if inside:
            print(f"| {low:.2f} to {min(high, 1.0):.2f} | {len(inside)} | {sum(inside) / len(inside):.2f} |")
    if wrong:
        for prompt, (task, share) in zip(prompts, answers, strict=True):
            if prompt.task != task:
                print(f"- {prompt.task} taken for {task} ({share:.2f}): {prompt.question[:100]!r}")


def calibration_error(sure: Sequence[float], right: Sequence[bool]) -> float:
    """Mean distance between confidence and accuracy over equally wide bins, weighed by their size."""
    error = 0.0
    for low in range(BINS):
        inside = [at for at, share in enumerate(sure) if min(int(share * BINS), BINS - 1) == low]
        if inside:
            error += abs(sum(sure[at] for at in inside) - sum(right[at] for at in inside)) / len(sure)
    return error


def outside(path: Path) -> None:
    """Recall on public prompts whose task is plain from where they come."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [msgspec.json.decode(line, type=Row) for line in lines]
    print("\n| public prompts | task | prompts | recall |\n| --- | --- | ---: | ---: |")
    for source, tasks in OUTSIDE.items():
        mine = [row.prompt for row in rows if (row.task, row.part, row.source) == (source, "dev-train", "llmrouter9")]
        hits = [told(Prompt("", prompt))[0] in tasks for prompt in mine]
        if mine:
            print(f"| {source} | {' or '.join(tasks)} | {len(mine)} | {sum(hits) / len(hits):.2f} |")


def microseconds(what: Callable[[], object], times: int = 100) -> float:
    """The best of five means."""
    what()
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            what()
        best = min(best, (time.perf_counter() - began) / times)
    return best * 1e6


def speed() -> None:
    """What classification and whole decisions cost."""
    text = "Could you please explain how the council decided on the bridge and what the costs for shops would be? "
    print("\n| what | microseconds |\n| --- | ---: |")
    for name, question in (("500 characters", (text * 5)[:500]), ("1,000,000 characters", text * 10_000)):
        spent = microseconds(lambda question=question: classify(question, len(question), (), 0.0))  # type: ignore[misc]
        print(f"| classify, {name} | {spent:.0f} |")
    request = Request(model="auto", messages=(Message("user", (Text((text * 5)[:500]),)),))
    for size in (3, 600):
        price = Price(input=1_000_000_000, output=4_000_000_000)
        models = [
            Model(
                name=f"p/m{at}",
                provider="p",
                upstream=f"m{at}",
                window=128_000,
                prices=(price,),
                skills={"*": 0.5 + at / 2_000},
            )
            for at in range(size)
        ]
        signals = {model.name: Signal(0.2, 1.0 + at) for at, model in enumerate(models)}
        names = tuple(model.name for model in models)
        for strategy in ("fixed", "cheapest", "fastest", "task"):
            policy = Policy(name="auto", strategy=strategy, pool=names)
            spent = microseconds(lambda: route(request, policy, models, signals, asked="auto", snapshot=1), 30)  # noqa: B023
            print(f"| route, {strategy}, pool of {size} | {spent:.0f} |")
        named = Policy(name="p/m0", strategy="fixed", pool=names[:1], named=True)
    spent = microseconds(lambda: route(request, named, models[:1], signals, asked="p/m0", snapshot=1))
    print(f"| route, a model by name | {spent:.0f} |")


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outside", type=Path)
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    held_out(arguments.wrong)
    if arguments.outside:
        outside(arguments.outside)
    speed()


if __name__ == "__main__":
    main()
