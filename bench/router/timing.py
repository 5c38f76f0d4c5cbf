"""How long a decision takes, and what the weights weigh in memory."""

from __future__ import annotations

import time
import tracemalloc
from importlib.resources import files

from meshwright.routing.quality.knowledge import Knowledge
from meshwright.routing.quality.weights import read
from meshwright.routing.router import Router
from meshwright.types.model import Model, Price

CANDIDATES = (5, 50, 500)
DECISIONS = 1_000
QUESTIONS = (
    "A company's bonds pay 8% a year and sell at par. What is the yield to maturity?\nA. 4%\nB. 8%\nC. 12%\nD. 16%",
    "Write a function that returns the n-th Fibonacci number, and explain why it is fast.",
    "Who wrote the opera in which a barber arranges a marriage, and where was it first played?",
    "Summarise what follows in three sentences. " + "The committee met on Tuesday and discussed the harbour. " * 30,
)


def timings() -> None:
    """Print the table: questions of four kinds in turn, none of them twice, so that nothing is remembered."""
    tracemalloc.start()
    Knowledge(read((files("meshwright.routing") / "data" / "router.bin").read_bytes()))
    weighs = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    router = Router()
    measured = list(router.knowledge.models)
    print("## Time of a decision on one core (features, expectations, filters, ranking, words; CPU time)\n")
    print("| candidates | p50 ms | p99 ms | the same question again: p50 ms |\n| ---: | ---: | ---: | ---: |")
    for count in CANDIDATES:
        models = [
            Model(
                name=f"p{at}/{measured[at % len(measured)] if at % 2 else f'model-{at}'}",
                provider=f"p{at}",
                upstream=measured[at % len(measured)] if at % 2 else f"model-{at}",
                prices=(Price(input=100_000_000 * (at + 1), output=400_000_000 * (at + 1)),),
            )
            for at in range(count)
        ]
        taken = []
        for turn in range(DECISIONS):
            question = f"{QUESTIONS[turn % len(QUESTIONS)]} ({turn})"
            began = time.process_time()
            router.route(question, models, thrift=0.2)
            taken.append(time.process_time() - began)
        again = []
        for _ in range(DECISIONS):
            began = time.process_time()
            router.route(QUESTIONS[0], models, thrift=0.2)
            again.append(time.process_time() - began)
        taken.sort()
        again.sort()
        print(
            f"| {count} | {1000 * taken[len(taken) // 2]:.2f} | {1000 * taken[len(taken) * 99 // 100]:.2f} "
            f"| {1000 * again[len(again) // 2]:.2f} |",
            flush=True,
        )
    print(f"\nThe weights take {weighs / 2**20:.1f} MiB while they are read, in a worker that serves.")
