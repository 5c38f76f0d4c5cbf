"""Train the task classifier: from routing/data/task_examples.jsonl to routing/data/tasks.bin. Takes about a minute.

    python scripts/train_tasks.py            train, and write the weights
    python scripts/train_tasks.py --dry-run  only say what cross-validation says

An example is {"task", "question", "attachments"?, "beside"?}: `beside` is how many characters the request has besides
the question. "{text}" and "{code}" in a question stand for the passages and programs at the end of the file. Strength
of the penalty and temperature come from cross-validation over these examples; the held-out prompts of
bench/router_tasks are not read here.
"""

from __future__ import annotations

import argparse
import random
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from meshwright.providers.builtin.computable import looks_computable
from meshwright.routing.grams import WORTH, grams
from meshwright.routing.tasks import TASKS
from meshwright.routing.weights import MIDDLE, Weights

DATA = Path(__file__).resolve().parents[1] / "src" / "meshwright" / "routing" / "data"
SEED = 20
FOLDS = 5
PENALTIES = (0.1, 0.3, 1.0)
STEPS = 250
LARGEST = 200_000
"""Bytes that the weights may take."""
Matrix = npt.NDArray[np.float32]

# What often stands before a question and says nothing about it.
OPENINGS = (
    "You are a helpful assistant.\n\n", "You are a helpful, honest assistant. Answer concisely.\n\n", "Hi! ", "Hello, ",
    "Please help me: ", "Hey, quick one: ", "User: ", "Task: ", "Q: ", "### Instruction:\n",
    "Du bist ein hilfreicher Assistent.\n\n",
    "Bitte: ", "Bonjour, ", "Hola, ", "System: follow the instructions of the user.\n\n", "I need your help. ",
)  # fmt: skip
CLOSINGS = (
    " Thanks!",
    " thanks",
    " please",
    "\n\nAnswer:",
    "\n### Response:\n",
    " Be brief.",
    " Danke!",
    " Merci.",
    " Gracias.",
    "\nA:",
)


class Example(msgspec.Struct, frozen=True):
    """A row of the examples; a passage or a program has no task."""

    task: str = ""
    question: str = ""
    attachments: tuple[str, ...] = ()
    beside: int = 0
    text: str = ""
    code: str = ""


class Row(msgspec.Struct, frozen=True):
    """One prompt to learn from: the example that it was made of, its task's number, what it counts, its grams."""

    source: int
    task: int
    weight: float
    plain: bool
    sets: tuple[set[str], ...]


def rows(examples: Sequence[Example], seed: int) -> list[Row]:
    """Each example as it is, with other passages, and with other openings, closings and manners of typing."""
    chance = random.Random(seed)
    texts = [example.text for example in examples if example.text]
    codes = [example.code for example in examples if example.code]
    labelled = [example for example in examples if example.task]
    many = Counter(example.task for example in labelled)
    order = list(TASKS)
    found = []
    for source, example in enumerate(labelled):
        filled = "{text}" in example.question or "{code}" in example.question
        prompts = [_fill(example.question, texts, codes, chance) for _ in range(3 if filled else 1)]
        plain = len(prompts)
        prompts += [_vary(prompt, chance) for prompt in prompts[:2]]
        attached = [example.attachments] * len(prompts)
        if "{text}" in example.question:
            prompts.append(example.question.replace("{text}", "").strip(" :\n"))
            attached.append(("file",))
        for number, (prompt, attachments) in enumerate(zip(prompts, attached, strict=True)):
            # An earlier conversation may stand before any question.
            beside = example.beside or (chance.choice((0, 0, 0, 0, 6_000)) if number >= plain else 0)
            sets = grams(prompt, len(prompt) + beside, attachments, looks_computable(prompt))
            weight = 1 / len(prompts) / many[example.task]
            found.append(Row(source, order.index(example.task), weight, number < plain, sets))
    return found


def _fill(question: str, texts: Sequence[str], codes: Sequence[str], chance: random.Random) -> str:
    text = "\n\n".join(chance.sample(texts, chance.choice((1, 1, 1, 2, 4))))
    return question.replace("{text}", text).replace("{code}", chance.choice(codes))


def _vary(prompt: str, chance: random.Random) -> str:
    """The same request as somebody else would type it."""
    manner = chance.randrange(5)
    if manner == 0:
        return prompt.lower().rstrip("?.! ")
    if manner == 1:
        return prompt + chance.choice(CLOSINGS)
    if manner == 2:
        return prompt[:1].upper() + prompt[1:]
    return chance.choice(OPENINGS) + prompt


def vocabulary(found: Sequence[Row]) -> list[str]:
    """Grams that at least two examples have: one that a single example has teaches that example only."""
    seen: dict[str, set[int]] = {}
    for row in found:
        for gram in set().union(*row.sets):
            seen.setdefault(gram, set()).add(row.source)
    return sorted(gram for gram, sources in seen.items() if len(sources) > 1)


def matrix(found: Sequence[Row], words: Sequence[str]) -> Matrix:
    """Rows by grams, weighed as `classify` weighs them."""
    place = {gram: at for at, gram in enumerate(words)}
    values = np.zeros((len(found), len(words)), np.float32)
    for at, row in enumerate(found):
        for worth, grams_of_set in zip(WORTH, row.sets, strict=True):
            known = [place[gram] for gram in grams_of_set if gram in place]
            values[at, known] = worth / np.sqrt(max(1, len(grams_of_set)))
    return values


def fit(kernel: Matrix, found: Sequence[Row], penalty: float) -> tuple[Matrix, Matrix]:
    """Coefficients of the rows, and the bias: the optimum is a weighted sum of rows, so that is what is sought.

    Accelerated gradient descent on the mean log loss plus `penalty` / (2 n) times the squared length of the weights.
    """
    tasks = np.array([row.task for row in found])
    weight = np.array([row.weight for row in found], np.float32)[:, None]
    weight /= weight.sum()
    truth = np.eye(len(TASKS), dtype=np.float32)[tasks]
    shrink = penalty / len(found)
    power = np.ones(len(found), np.float32)
    for _ in range(20):
        power = kernel @ (power * weight[:, 0])
        power /= np.linalg.norm(power)
    step = 1.0 / (0.5 * float(power @ (kernel @ (power * weight[:, 0]))) + shrink)
    now = before = np.zeros((len(found), len(TASKS)), np.float32)
    bias = bias_before = np.zeros(len(TASKS), np.float32)
    for turn in range(STEPS):
        momentum = turn / (turn + 3)
        ahead, bias_ahead = now + momentum * (now - before), bias + momentum * (bias - bias_before)
        miss = weight * (softmax(kernel @ ahead + bias_ahead) - truth)
        before, bias_before = now, bias
        now = ahead - step * (miss + shrink * ahead)
        bias = bias_ahead - step * miss.sum(axis=0)
    return now, bias


def softmax(scores: Matrix) -> Matrix:
    """Each row's scores as probabilities."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Matrix = odds / odds.sum(axis=1, keepdims=True)
    return shares


def loss(scores: Matrix, tasks: npt.NDArray[np.int64]) -> float:
    """Mean log loss."""
    return float(-np.log(softmax(scores)[np.arange(len(tasks)), tasks] + 1e-12).mean())


def cross_validate(kernel: Matrix, found: Sequence[Row], penalty: float) -> tuple[float, float, float]:
    """Log loss at the best temperature, that temperature, and accuracy, over unvaried prompts of examples left out."""
    sources = sorted({row.source for row in found})
    random.Random(SEED).shuffle(sources)
    fold = {source: at % FOLDS for at, source in enumerate(sources)}
    told, tasks = [], []
    for left in range(FOLDS):
        train = [at for at, row in enumerate(found) if fold[row.source] != left]
        test = [at for at, row in enumerate(found) if fold[row.source] == left and row.plain]
        coefficients, bias = fit(kernel[np.ix_(train, train)], [found[at] for at in train], penalty)
        told.append(kernel[np.ix_(test, train)] @ coefficients + bias)
        tasks += [found[at].task for at in test]
    scores, truth = np.concatenate(told), np.array(tasks)
    temperatures = np.geomspace(0.2, 3.0, 80)
    losses = [loss((scores / heat).astype(np.float32), truth) for heat in temperatures]
    best = int(np.argmin(losses))
    return losses[best], float(temperatures[best]), float((scores.argmax(axis=1) == truth).mean())


def packed(words: Sequence[str], weights: Matrix, bias: Matrix) -> bytes:
    """The file: grams that matter most, as many as fit."""
    scale = float(np.abs(weights).max()) / (MIDDLE - 1)
    steps = np.rint(weights / scale).astype(np.int64)
    order = np.argsort(-np.abs(steps).max(axis=1), kind="stable")
    kept = int((np.abs(steps).max(axis=1) > 0).sum())
    while True:
        chosen = np.sort(order[:kept])
        table = Weights(
            tuple(TASKS), scale, tuple(float(value) for value in bias), tuple(words[at] for at in chosen),
            (steps[chosen] + MIDDLE).astype(np.uint8).tobytes(),
        )  # fmt: skip
        data = zlib.compress(msgspec.msgpack.encode(table), 9)
        if len(data) <= LARGEST:
            print(f"{kept} of {len(words)} grams kept, {len(data):,} bytes")
            return data
        kept = kept * LARGEST // len(data)


def main(arguments: Mapping[str, bool]) -> None:
    """Read, choose, train, write."""
    lines = (DATA / "task_examples.jsonl").read_text(encoding="utf-8").splitlines()
    found = rows([msgspec.json.decode(line, type=Example, strict=True) for line in lines], SEED)
    words = vocabulary(found)
    values = matrix(found, words)
    kernel = values @ values.T
    print(f"{len({row.source for row in found})} examples, {len(found)} prompts, {len(words)} grams")
    tried = []
    for penalty in PENALTIES:
        entropy, heat, right = cross_validate(kernel, found, penalty)
        tried.append((entropy, penalty, heat))
        print(f"penalty {penalty:g}: log loss {entropy:.4f} at temperature {heat:.2f}, accuracy {right:.3f}")
    _, penalty, heat = min(tried)
    if arguments["dry_run"]:
        return
    coefficients, bias = fit(kernel, found, penalty)
    weights = values.T @ coefficients / np.float32(heat)
    (DATA / "tasks.bin").write_bytes(packed(words, weights, bias / np.float32(heat)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    main(vars(parser.parse_args()))
