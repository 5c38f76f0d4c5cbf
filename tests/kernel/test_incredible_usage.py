"""What a provider says that an answer used is not believed where it cannot be: then the worst case counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.handle import handle
from meshwright.ledger.importing import Importer
from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.sim import Rule, Say, Sim, Upstream
from meshwright.store import accounts, allowances, decisions
from meshwright.store.database import Database, sqlite_url
from meshwright.types.decision import Attempt, Trace
from meshwright.types.principal import Allowance, Principal
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from tests.kernel.asking import said, serving
from tests.kernel.test_covered import Account

CHAT = CODECS["openai_chat"]
BUDGET = Allowance("key:1", "money", "month", 10**9)
TOML = """
[providers.a]
base_url = "{url}"
auth = "none"
models = ["m"]
[models."a/m"]
max_output = 4096
price = [{{ input = 1, output = 10 }}]
"""
LIES = (
    Usage(input=5, output=2**63 - 1),
    Usage(input=5, output=10**300),
    Usage(input=-5, output=-7),
    Usage(input=5, output=7, cost_nano=-3 * 10**9),
    Usage(input=5, output=7, cost_nano=10**30),
    Usage(),
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("lie", LIES, ids=["huge", "beyond-floats", "negative", "refund", "fortune", "nothing"])
async def test_an_answer_whose_usage_cannot_be_is_given_and_counts_for_what_was_set_aside(lie: Usage, stream: bool):
    upstream = Upstream(name="a", models=("m",), script=(Rule(say=Say(text="one two three", usage=lie)),))
    async with Sim([upstream]) as sim, serving(TOML.format(url=sim.url("a")), {}) as (kernel, _):
        kernel.purse = Purse(Account(BUDGET.amount), patience=0.05)
        body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50, "stream": stream}
        request = CHAT.decode_request(json.dumps(body).encode())
        principal = Principal(id="key:1", allowances=(BUDGET,))
        reply = await handle(kernel, Arrival(request=request, dialect=CHAT, principal=principal, path="/"))
        assert "error" not in await said(reply)
        (trace,) = kernel.recent.values()
        (attempt,) = trace.attempts
        assert (attempt.outcome, attempt.usage, attempt.cost, trace.cost) == ("ok", None, None, None)
        assert attempt.unpriced.startswith("the provider ")
        (charged,) = trace.charges.values()
        assert charged == attempt.charged
        assert 500_000 < charged < 1_000_000  # fifty tokens of output, and all that may have been read


def test_a_journal_of_an_older_version_with_a_sum_that_no_database_holds_keeps_nobody_from_being_counted(
    tmp_path: Path,
):
    database, journal = Database(sqlite_url(tmp_path / "mesh.db")), Journal(tmp_path / "journal", "w1")
    database.migrate()
    with database.begin() as transaction:
        allowances.put(transaction, (BUDGET,))
    account = "key:1/money/month/0"
    for id, charged in (("d1", 10**23), ("d2", 7)):
        attempts = (Attempt(model="a/m", began=0.0, outcome="ok", cost=charged, charged=charged),)
        charges = {account: charged}
        trace = Trace(id=id, at=1.0, principal="k", dialect="", outcome="ok", attempts=attempts, charges=charges)
        journal.record(trace)
    journal.close()
    assert Importer(tmp_path / "journal", database).run_once().traces == 2
    with database.read() as transaction:
        assert {one.id for one in decisions.recent(transaction)} == {"d1", "d2"}
        assert accounts.wants(transaction, [account]) == {}
    database.close()
