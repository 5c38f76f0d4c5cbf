"""The exam: every scenario once, side by side, through a real gateway. `make bench-failover` prints the score.

Each has providers of its own, so none makes another's rest. Verdicts are those of failoverbench: "pass" is rescued and
well-behaved, "partial" rescued, "safe" a clean error in time, "fail" a hang, a truncated answer or a grave misconduct.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from meshwright.sim.seen import Seen
from tests.failover.measured import Measured, Told, ask
from tests.failover.scenarios import FULL, QUICK, SCENARIOS, TEXT, Scenario, Times, upstreams
from tests.gateway import Gateway
from tests.server.pretend import Pretend

ALIVE_SECONDS = 10.0


class Verdict(NamedTuple):
    """The mark of one scenario, and why it is not better."""

    scenario: Scenario
    mark: str
    why: str
    seen: Measured


def toml(pretend: Pretend, times: Times, *, tuned: bool = True) -> str:
    """The gateway's configuration. Not `tuned`: everything as it is for somebody who has set nothing."""
    # Scenarios are taken side by side: each has the second attempts that a gateway of its own would allow.
    lines = [f"[builtin]\nenabled = false\n\n[failure]\nbudget_least = {3 * len(SCENARIOS)}\n"]
    if tuned:
        lines.append(f"open_seconds = {times.open}\n")
    haste = (f"between_bytes_seconds = {times.between}",) if tuned else ()
    lines += [pretend.toml(one.id.lower(), ("m",), *haste) for one in SCENARIOS]
    spares = [one.id.lower() for one in SCENARIOS]
    lines += [pretend.toml("any", (*spares, "alive"), *haste), pretend.toml("no_prefill", spares, *haste)]
    for one in SCENARIOS:
        name = one.id.lower()
        lines.append(f'[routes.{name}]\nstrategy = "fixed"\npool = ["{name}/m", "{one.spare}/{name}"]')
        if tuned:
            lines.append(f'on_break = "continue"\nfirst_token_seconds = {times.first_token}')
    return "\n".join(lines) + "\n"


def exam(folder: Path, times: Times, *, tuned: bool = True) -> list[Verdict]:
    """Every scenario's verdict."""
    with (
        Pretend(upstreams(times)) as pretend,
        Gateway(folder, toml(pretend, times, tuned=tuned)) as gateway,
        ThreadPoolExecutor(len(SCENARIOS)) as threads,
    ):
        return list(threads.map(lambda one: _taken(one, pretend, gateway, times), SCENARIOS))


def _taken(one: Scenario, pretend: Pretend, gateway: Gateway, times: Times) -> Verdict:
    name = one.id.lower()
    if not one.sequence:
        seen = _seen(one, pretend, ask(gateway.url, f"route/{name}", one.longest), _alive(gateway))
        return _judged(one, seen)
    began, told, sent = time.monotonic(), [], []
    for number in range(times.requests):
        time.sleep(max(0.0, began + number * times.every - time.monotonic()))
        sent.append(time.monotonic() - began)
        told.append(ask(gateway.url, f"route/{name}", 30.0))
    worst = next((each for each in told if each.error or each.text != TEXT), told[-1])
    seen = _seen(one, pretend, worst, _alive(gateway))
    during = [each for each, at in zip(told, sent, strict=True) if at < times.outage]
    answers = [each for each in pretend.sim.seen(name) if each.status == 200]
    return _judged(
        one,
        seen._replace(
            during=len(during),
            served_during=sum(1 for each in during if not each.error),
            back=answers[0].at - pretend.sim.seen(name)[0].at - times.outage if answers else None,
        ),
    )


def _alive(gateway: Gateway) -> bool:
    return ask(gateway.url, "any/alive", ALIVE_SECONDS, stream=False).text == TEXT


def _seen(one: Scenario, pretend: Pretend, told: Told, alive: bool) -> Measured:
    name = one.id.lower()
    first = tuple(each.at for each in pretend.sim.seen(name))
    spare = [each for each in pretend.sim.seen(one.spare) if _model(each) == name]
    rejected = any(each.status == 400 for each in spare)
    return Measured(told, told.text == TEXT and not told.error, first, len(spare), rejected, alive)


def _model(seen: Seen) -> str:
    return str(json.loads(seen.body or b"{}").get("model", ""))


def _judged(one: Scenario, seen: Measured) -> Verdict:
    broken = [check for check in one.checks if not check.holds(seen)]
    grave = [check.name for check in broken if check.grave]
    if seen.told.hung:
        return Verdict(one, "fail", "it hung", seen)
    if not seen.failed and not seen.complete and one.ideal == "answer":
        return Verdict(one, "fail", "half an answer was passed off as one", seen)
    if grave:
        return Verdict(one, "fail", f"not: {', '.join(grave)}", seen)
    if seen.failed != (one.ideal == "error"):
        if one.ideal == "error":
            return Verdict(one, "partial", "answered around the refusal", seen)
        return Verdict(one, "safe", seen.told.error[:200], seen)
    if broken:
        return Verdict(one, "partial", f"not: {', '.join(check.name for check in broken)}", seen)
    return Verdict(one, "pass", "", seen)


def main() -> int:
    """Take the exam and print the score; 0 when all are passed."""
    parser = argparse.ArgumentParser(description="The sixteen faults of failoverbench.")
    parser.add_argument(
        "--quick", action="store_true", help="short times, for a look; the score is that of the full ones"
    )
    parser.add_argument("--defaults", action="store_true", help="with nothing set")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = exam(Path(folder), QUICK if chosen.quick else FULL, tuned=not chosen.defaults)
    for verdict in verdicts:
        one, seen = verdict.scenario, verdict.seen
        told = f"{len(seen.first)} + {seen.spare} attempts, {seen.seconds:5.1f} s"
        sys.stdout.write(f"{one.id}  {one.title:38} {verdict.mark:8} {told}  {verdict.why}\n")
    passed = sum(verdict.mark == "pass" for verdict in verdicts)
    counts = {mark: sum(verdict.mark == mark for verdict in verdicts) for mark in ("pass", "partial", "safe", "fail")}
    sys.stdout.write(
        f"{passed} of {len(verdicts)} ({', '.join(f'{count} {mark}' for mark, count in counts.items())})\n"
    )
    return 0 if passed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
