"""A decision and what came of it, for people."""

from __future__ import annotations

from rich.markup import escape

from meshwright.cli.output import out, print_table
from meshwright.types.decision import Attempt, Candidate, Decision, Interval, Trace
from meshwright.types.money import dollars

MOST = 12


def tell_trace(trace: Trace) -> None:
    """Everything of a trace."""
    form = "stream" if trace.stream else "whole"
    out.print(f"[bold]{trace.id}[/]  {escape(trace.dialect)}  {form}  asked by {escape(trace.principal)}")
    color = "green" if trace.outcome == "ok" else "red"
    told = f"({trace.status}) in {trace.seconds * 1000:.1f} ms; served by {escape(trace.served) or 'nobody'}"
    out.print(f"[{color}]{trace.outcome}[/] {told}")
    if trace.error:
        out.print(f"[red]{escape(trace.error)}[/]")
    if trace.decision is not None:
        tell_decision(trace.decision)
    if trace.attempts:
        out.print("\n[bold]What happened[/]")
        print_table(
            ("model", "outcome", "from", "first byte", "to", "tokens in/out", "cost"),
            list(map(_attempt, trace.attempts)),
        )
        for attempt in trace.attempts:
            if attempt.error:
                out.print(f"  [red]{escape(attempt.model)}: {escape(attempt.error)}[/]")
            for adapted in attempt.adaptations:
                out.print(f"  [yellow]adapted[/] {escape(adapted.field)}: {adapted.action}, {escape(adapted.reason)}")
    usage = trace.usage
    if usage is not None:
        told = f"{usage.total_input} tokens read ({usage.cache_read} from cache), {usage.total_output} written"
        out.print(f"\n{told}{' (estimated)' if usage.estimated else ''}; {_money(trace.cost)}")
    stages = "  ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in trace.stages.items())
    out.print(f"[dim]stages: {stages}[/]")


def tell_decision(decision: Decision) -> None:
    """The choice, the features, the candidates and the rejected."""
    plan = escape(" → ".join(decision.plan.models))
    out.print(f"\n[bold]{plan}[/]  (asked: {escape(decision.asked)}, strategy: {decision.strategy})")
    out.print(f"because {escape(decision.because)}")
    seen = decision.features
    if seen is not None:
        tasks = ", ".join(f"{task} {share:.0%}" for task, share in list(seen.tasks.items())[:4])
        needs = f"; needs {', '.join(seen.needs)}" if seen.needs else ""
        size = f"about {seen.input_tokens} tokens, {seen.turns} turns"
        out.print(f"[dim]seen: {f'{tasks}; ' if tasks else ''}{size}{needs}[/]")
    if decision.candidates:
        out.print("\n[bold]Candidates[/]")
        shown = decision.candidates[:MOST]
        print_table(("model", "quality", "cost", "latency", "why"), list(map(_candidate, shown)))
        if len(decision.candidates) > MOST:
            out.print(f"[dim]… and {len(decision.candidates) - MOST} more (--json shows all)[/]")
    if decision.rejected:
        out.print("\n[bold]Rejected[/]")
        rows = list(decision.rejected.items())
        print_table(("model", "why"), rows[:MOST])
        if len(rows) > MOST:
            out.print(f"[dim]… and {len(rows) - MOST} more (--json shows all)[/]")


def _candidate(candidate: Candidate) -> tuple[str, ...]:
    cost = "unknown" if candidate.cost is None else f"${dollars(round(candidate.cost.value))}"
    return candidate.model, _interval(candidate.quality, ""), cost, _interval(candidate.latency, " s"), candidate.why


def _interval(interval: Interval | None, unit: str) -> str:
    return "unknown" if interval is None else f"{interval.value:.2f}{unit} ({interval.low:.2f}–{interval.high:.2f})"


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    tokens = f"{attempt.usage.total_input}/{attempt.usage.total_output}" if attempt.usage else "—"
    cost = _money(attempt.cost) if not attempt.unpriced else f"unknown: {attempt.unpriced}"
    return attempt.model, attempt.outcome, _ms(attempt.began), _ms(attempt.first_byte), _ms(attempt.ended), tokens, cost


def _ms(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds * 1000:.1f} ms"


def _money(amount: int | None) -> str:
    return "cost unknown" if amount is None else f"${dollars(amount)}"
