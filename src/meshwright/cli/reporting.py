"""How routing has been doing, for people: a table by task, and predictions beside what they came to."""

from __future__ import annotations

from rich.markup import escape

from meshwright.cli.output import out, print_table
from meshwright.kernel.learning.reporting import Bin, Report, TaskLine
from meshwright.ledger.evidence import PURSE
from meshwright.routing.quality.gains import Gains
from meshwright.types.money import dollars

WIDE = 40
MOST_MODELS = 3


def tell_report(report: Report, gains: Gains | None) -> None:
    """What was learned here, how each task went, and the calibration plot."""
    if gains is not None and gains.models:
        out.print("\n[bold]Learned here[/]")
        rows = [
            (
                one.name,
                f"{one.level:+.3f}",
                f"{one.outcomes:,.0f}",
                f"-{one.trouble:.3f}" if one.trouble else "",
                one.drifted,
            )
            for one in sorted(gains.models, key=lambda one: -one.outcomes)
        ]
        print_table(("model", "beside what was expected", "outcomes", "for trouble", "change"), rows)
    for route, left in gains.left.items() if gains is not None else ():
        what = "judges" if route == PURSE else f"{route}, for trying models"
        out.print(f"[dim]{dollars(left)} USD are left today for {escape(what)}[/]")
    out.print(f"\n[bold]{report.requests:,} requests[/]")
    if report.tasks:
        head = ("task", "requests", "answered by", "cost each", "judged", "quality", "was expected", "regret")
        print_table(head, [_task(line, report.requests) for line in report.tasks])
    if report.ece is None:
        out.print("[dim]Nobody has judged an answer yet: POST /v1/feedback, or `mesh feedback ID --thumbs up`.[/]")
        return
    out.print(
        f"\n[bold]Predicted and found[/], {report.judged:,} judged answers; off by {report.ece:.3f} on average (ECE)"
    )
    for one in report.calibration:
        out.print(_plotted(one), markup=False)
    out.print("[dim]█ what was found, │ what was predicted[/]")


def _task(line: TaskLine, requests: int) -> tuple[str, ...]:
    models = list(line.models.items())
    told = ", ".join(f"{name} {count / line.requests:.0%}" for name, count in models[:MOST_MODELS])
    more = f", {len(models) - MOST_MODELS} more" if len(models) > MOST_MODELS else ""
    cost = "unknown" if line.cost is None else f"${dollars(round(line.cost))}"
    share = f"{line.requests:,} ({line.requests / requests:.0%})"
    return (
        line.task,
        share,
        told + more,
        cost,
        f"{line.judged:,}",
        *map(_number, (line.quality, line.expected, line.regret)),
    )


def _plotted(one: Bin) -> str:
    """A bar for what was found, a mark for what was predicted."""
    bar = ["█" if at < round(one.scored * WIDE) else "·" for at in range(WIDE + 1)]
    bar[round(one.expected * WIDE)] = "│"
    told = f"{one.expected:.2f} told, {one.scored:.2f} found ({one.count:,})"
    return f"  {one.low:.1f}–{one.high:.1f} {''.join(bar)} {told}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
