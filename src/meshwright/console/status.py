"""The status page: what is served, how to use it, and what was decided of late. One file, no script, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from time import gmtime, strftime

from meshwright.kernel.snapshot import Snapshot
from meshwright.types.decision import Trace
from meshwright.types.money import dollars

STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a7d5c}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:2rem 0 .5rem}p{margin:.3rem
0}.ok{color:var(--accent);font-weight:600} pre,code{font:13px/1.45
ui-monospace,monospace}pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;
padding:.7rem;overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;
padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}
.scroll{overflow-x:auto}summary{margin:2rem 0 .5rem;font-weight:600;cursor:pointer}
td:nth-child(5){white-space:nowrap}.dim{opacity:.65}
"""


def page(snapshot: Snapshot, traces: Sequence[Trace], address: str) -> str:
    """The whole page."""
    count = len(snapshot.deployments)
    providers = _counted(_providers(snapshot), "provider")
    key = "" if snapshot.open else " -H 'authorization: Bearer YOUR_KEY'"
    curl = f"""curl {address}/v1/chat/completions{key} -H 'content-type: application/json' \\
  -d '{{"model": "auto", "messages": [{{"role": "user", "content": "What is 12.5% of 840?"}}]}}'"""
    clients = f"""OpenAI(base_url="{address}/v1", api_key="…")      # openai
Anthropic(base_url="{address}", api_key="…")      # anthropic"""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Meshwright</title><style>{STYLE}</style><h1>Meshwright</h1>"
        f'<p><span class="ok">serving</span> {_counted(count, "model")} of {providers} · '
        f"snapshot {snapshot.version} · {'open to this machine' if snapshot.open else 'keys required'}</p>"
        f"<h2>Ask</h2><pre>{escape(curl)}</pre><pre>{escape(clients)}</pre>"
        f"<h2>Latest decisions</h2>{_decisions(traces, snapshot.open)}"
        f"<h2>Models</h2>{_models(snapshot)}"
        f"<details><summary>{_counted(len(snapshot.refused), 'provider')} known, not served</summary>"
        f"{_refused(snapshot)}</details>"
        '<p class="dim">Machine-readable: <a href="/v1/models">models</a> · <a href="/v1/decisions">decisions</a> · '
        '<a href="/metrics">metrics</a> · <a href="/openapi.json">OpenAPI</a></p></html>'
    )


def _providers(snapshot: Snapshot) -> int:
    return len({deployment.provider.name for deployment in snapshot.deployments.values()})


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{cells}</tr>{lines}</table></div>'


def _decisions(traces: Sequence[Trace], open_to_all: bool) -> str:
    if not open_to_all:
        return '<p class="dim">They need a key: <code>mesh explain ID</code>.</p>'
    if not traces:
        return '<p class="dim">None yet.</p>'
    rows = []
    for trace in traces:
        because = trace.decision.because if trace.decision else trace.error
        cost = "unknown" if trace.cost is None else f"${dollars(trace.cost)}"
        at = strftime("%H:%M:%S", gmtime(trace.at))
        rows.append((at, trace.id, trace.served or "—", trace.outcome, f"{trace.seconds * 1000:.0f} ms", cost, because))
    return _table(("UTC", "decision", "served by", "outcome", "time", "cost", "because"), rows)


def _models(snapshot: Snapshot) -> str:
    rows = []
    for name, deployment in snapshot.deployments.items():
        model = deployment.model
        price = model.prices[0] if model.prices else None
        told = (
            "unknown"
            if price is None or price.input is None
            else f"${dollars(price.input)} / ${dollars(price.output or 0)}"
        )
        window = "unknown" if model.window is None else f"{model.window:,}"
        able = ", ".join(ability for ability, can in model.abilities.items() if can) or "unknown"
        rows.append((name, window, told, able))
    return _table(("model", "window (tokens)", "in / out per million", "abilities"), rows)


def _refused(snapshot: Snapshot) -> str:
    return _table(("provider", "why"), [(name, reason) for name, reason in snapshot.refused.items()])
