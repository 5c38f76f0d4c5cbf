"""A decision and what came of it, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape

from meshwright.catalog.media import measure as media
from meshwright.cli.output import out, print_table
from meshwright.ledger.evidence import JUDGE
from meshwright.store.rows import Feedback
from meshwright.types.decision import Attempt, Candidate, Decision, Features, Interval, Plan, Trace
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
                told = f"{escape(adapted.field)}: {adapted.action}, {escape(adapted.reason)}"
                out.print(f"  [yellow]adapted[/] for {escape(attempt.model)}: {told}")
    for verdict in trace.guards:
        where = f" (message {verdict.message + 1})" if verdict.message is not None else ""
        color = "red" if verdict.action == "block" else "cyan"
        out.print(f"  [{color}]{verdict.action}[/] {escape(verdict.rule)}: {escape(verdict.why)}{where}")
    if places := _went_to(trace.attempts):
        out.print(f"[dim]the data went to {escape(places)}[/]")
    _tell_rejected({note.about: note.told for note in trace.notes if note.kind == "rejected"})
    for note in trace.notes:
        if note.kind == "rejected":
            continue
        out.print(f"  [cyan]{note.kind.replace('_', ' ')}[/] {escape(note.about)}: {escape(note.told)}")
    if trace.of:
        what = "a judge's look at the answer to" if trace.path == JUDGE else "a copy of"
        out.print(f"  {what} {escape(trace.of)}; its answer went to nobody")
    if trace.cache in ("hit", "alike"):
        saved = "" if trace.saved_nano is None else f"; it had cost ${dollars(trace.saved_nano)}"
        told = " (to a question in other words)" if trace.cache == "alike" else ""
        out.print(f"  [cyan]cache[/] a kept answer was given again{told}{saved}")
    usage = trace.usage
    if usage is not None:
        told = f"{usage.total_input} tokens read ({usage.cache_read} from cache), {usage.total_output} written"
        out.print(f"\n{told}{' (estimated)' if usage.estimated else ''}; {_money(trace.cost)}")
    stages = "  ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in trace.stages.items())
    out.print(f"[dim]stages: {stages}[/]")


def tell_feedback(found: Sequence[Feedback]) -> None:
    """What was found out about the answer since."""
    if found:
        out.print("\n[bold]Feedback[/]")
        print_table(("model", "kind", "score", "by", "told"), [_feedback(one) for one in found])


def _feedback(one: Feedback) -> tuple[str, ...]:
    score = "—" if one.score is None else f"{one.score:.2f}"
    told = f"{one.text}{' (not learned from any more)' if one.aside is not None else ''}"
    return one.model, one.kind.replace("_", " "), score, one.principal or "nobody: it was seen", told[:200]


def _went_to(attempts: tuple[Attempt, ...]) -> str:
    """Every place that was sent something: provider, region and what is done with data there."""
    places = dict.fromkeys(
        f"{attempt.model.partition('/')[0]} ({' or '.join(attempt.regions) or 'region unknown'}, "
        f"privacy {attempt.privacy or 'unknown'})"
        for attempt in attempts
    )
    return "; ".join(places)


def tell_decision(decision: Decision) -> None:
    """The choice, the features, the candidates and the rejected."""
    asked = f"(asked: {escape(decision.asked)}, strategy: {decision.strategy})"
    if decision.plan.kind == "chain":
        out.print(f"\n[bold]{escape(' → '.join(decision.plan.models))}[/]  {asked}")
    else:
        out.print(f"\n[bold]{decision.plan.kind}[/]  {asked}")
        _tell_plan(decision.plan, "  ")
    out.print(f"because {escape(decision.because)}")
    if decision.propensity is not None:
        out.print(f"[dim]drawn by lot, with a chance of {decision.propensity:.4g}[/]")
    for part in decision.parts:
        _tell_part(part, "  ")
    seen = decision.features
    if seen is not None:
        tasks = ", ".join(f"{task} {share:.0%}" for task, share in list(seen.tasks.items())[:4])
        needs = f"; needs {', '.join(seen.needs)}" if seen.needs else ""
        turns = f"{seen.turns} turn" if seen.turns == 1 else f"{seen.turns} turns"
        size = f"about {seen.input_tokens} tokens{' (by its bytes)' if seen.rough else ''}, {turns}"
        out.print(f"[dim]seen: {f'{tasks}; ' if tasks else ''}{size}{needs}{_wishes(seen)}[/]")
        for line in (*map(media.told, seen.media), *(f"{n:,} tokens by {name}" for name, n in seen.counted.items())):
            out.print(f"[dim]      {escape(line)}[/]")
    candidates = list({candidate.model: candidate for candidate in _candidates(decision)}.values())
    if candidates:
        out.print("\n[bold]Candidates[/]")
        print_table(("model", "quality", "cost", "tokens out", "time", "why"), list(map(_candidate, candidates[:MOST])))
        if len(candidates) > MOST:
            out.print(f"[dim]… and {len(candidates) - MOST} more (--json shows all)[/]")
    _tell_rejected(decision.rejected)


def _tell_rejected(rejected: Mapping[str, str]) -> None:
    """Who could not serve the request, and why."""
    if rejected:
        out.print("\n[bold]Rejected[/]")
        rows = list(rejected.items())
        print_table(("model", "why"), rows[:MOST])
        if len(rows) > MOST:
            out.print(f"[dim]… and {len(rows) - MOST} more (--json shows all)[/]")


def _wishes(seen: Features) -> str:
    """What was said of the answer's length and of thinking, and which caches are warm."""
    told = [f"asks for about {seen.asked_for} tokens"] if seen.asked_for is not None else []
    told += [f"effort {seen.effort}"] if seen.effort else []
    told += [f"up to {seen.budget:,} tokens of thinking"] if seen.budget else []
    told += [f"cache of {escape(name)} holds {tokens:,} tokens" for name, tokens in seen.warm.items()]
    return "".join(f"; {one}" for one in told)


def _tell_plan(plan: Plan, indent: str) -> None:
    """The tree of a plan, a line for each step."""
    settings = ", ".join(f"{name} {value}" for name, value in plan.settings.items() if value != "")
    for at, step in enumerate(plan.steps, 1):
        word = escape(" → ".join(step.models)) if step.kind == "chain" else step.kind
        out.print(f"{indent}{at}. {word}")
        _tell_plan(step, indent + "   ")
    if plan.by is not None:
        word = escape(" → ".join(plan.by.models)) if plan.by.kind == "chain" else plan.by.kind
        out.print(f"{indent}by {word}")
        _tell_plan(plan.by, indent + "   ")
    if settings:
        out.print(f"[dim]{indent}({escape(settings)})[/]")


def _tell_part(part: Decision, indent: str) -> None:
    """Why a step chose what it chose."""
    drawn = f" (chance {part.propensity:.4g})" if part.propensity is not None else ""
    out.print(f"[dim]{indent}{escape(part.route)}[/]: {escape(part.because)}{drawn}")
    for inner in part.parts:
        _tell_part(inner, indent + "  ")


def _candidates(decision: Decision) -> list[Candidate]:
    """Those of the decision and of its steps."""
    return [*decision.candidates, *(candidate for part in decision.parts for candidate in _candidates(part))]


def _candidate(candidate: Candidate) -> tuple[str, ...]:
    cost = "unknown" if candidate.cost is None else f"${dollars(round(candidate.cost.value))}"
    tokens = "" if candidate.tokens is None else f"{candidate.tokens.value:,.0f}"
    time = _interval(candidate.latency, " s")
    if candidate.first is not None:
        time += f", first token {candidate.first.value:.2f} s"
    return candidate.model, _interval(candidate.quality, ""), cost, tokens, time, candidate.why


def _interval(interval: Interval | None, unit: str) -> str:
    return "unknown" if interval is None else f"{interval.value:.2f}{unit} ({interval.low:.2f}–{interval.high:.2f})"


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    tokens = f"{attempt.usage.total_input}/{attempt.usage.total_output}" if attempt.usage else "—"
    cost = _money(attempt.cost) if not attempt.unpriced else f"unknown: {attempt.unpriced}"
    model = f"{attempt.model} ({attempt.role})" if attempt.role else attempt.model
    return model, attempt.outcome, _ms(attempt.began), _ms(attempt.first_byte), _ms(attempt.ended), tokens, cost


def _ms(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds * 1000:.1f} ms"


def _money(amount: int | None) -> str:
    return "cost unknown" if amount is None else f"${dollars(amount)}"
