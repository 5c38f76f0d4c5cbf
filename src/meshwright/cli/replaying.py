"""What another policy would have done, for people."""

from __future__ import annotations

from rich.markup import escape

from meshwright.cli.output import out, print_table
from meshwright.kernel.learning.replaying import Replayed
from meshwright.routing.what_if import Estimate, WhatIf
from meshwright.types.money import dollars

MOST = 20


def tell_replay(result: WhatIf, found: Replayed) -> None:
    """Choices, cost and quality, now and then, and what the log can say of it."""
    if not result.requests:
        out.print("There is no request in the log to replay.")
    else:
        served = result.requests - result.unserved
        out.print(f"{result.requests:,} requests; {result.same:,} of {served:,} would have gone the same way.")
        if result.unserved:
            out.print(f"[red]{result.unserved:,} could not have been served at all[/] and are not judged.")
        print_table(
            ("per request", "as it was", "with the other"),
            [
                ("cost", _cost(result.cost_now), _cost(result.cost_then)),
                ("quality", _quality(result.quality_now), _quality(result.quality_then)),
            ],
        )
        if result.judged:
            out.print(
                f"[dim]quality: {result.judged:,} requests were judged (feedback, judges); they stand for those that "
                "nobody judged[/]"
            )
        for name, estimate in (("cost", result.cost_then), ("quality", result.quality_then)):
            if estimate is None:
                out.print(f"[yellow]{name}: nothing is known of it, neither seen nor predicted.[/]")
            elif not estimate.supported:
                out.print(f"[yellow]{name}: the log cannot support this figure: {escape(estimate.why)}.[/]")
        out.print(
            f"[dim]The log could have chosen the same for about {result.support:.0%}; what it has seen of that is "
            f"worth {result.effective:,.0f} requests. Intervals are 95%.[/]\n"
        )
        rows = sorted(found.shares.items(), key=lambda row: (-row[1][1], -row[1][0], row[0]))
        print_table(
            ("comes first", "as it was", "with the other"),
            [(name, f"{now:,}", f"{then:,}") for name, (now, then) in rows[:MOST]],
        )
        if len(rows) > MOST:
            out.print(f"[dim]… and {len(rows) - MOST} more (--json shows all)[/]")
    for reason, count in found.left_out.items():
        out.print(f"[dim]left out: {count:,} {escape(reason)}[/]")


def _cost(estimate: Estimate | None) -> str:
    if estimate is None:
        return "unknown"
    low, value, high = (dollars(max(0, round(one))) for one in (estimate.low, estimate.value, estimate.high))
    return f"${value} (${low}–${high})"


def _quality(estimate: Estimate | None) -> str:
    if estimate is None:
        return "unknown"
    return f"{estimate.value:.3f} ({max(0.0, estimate.low):.3f}–{min(1.0, estimate.high):.3f})"
