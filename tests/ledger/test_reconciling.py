"""Our books are held against what a provider says, in the shapes that providers export and in any other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from meshwright.ledger.exports import Told, bare, read_export
from meshwright.ledger.reconciling import reconcile
from meshwright.store import decisions
from meshwright.store.database import Database
from meshwright.types.errors import InvalidRequest, NotFound
from tests.ledger.traces import trace
from tests.store.databases import fresh

ANTHROPIC = """usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,\
web_search_count,inference_geo,speed
2025-10-09,claude-opus-5-20260801,k,Default,standard,≤ 200k,900,1,2,100,200,0,,
2025-10-09,claude-opus-5-20260801,other,Default,standard,≤ 200k,100,0,0,0,7,0,,
"""
ANTHROPIC_COST = """usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd
2025-10-09,Claude Opus 5,Default,k,message,≤ 200k,input_no_cache,1.25,1.25
2025-10-09,Claude Opus 5,Default,k,message,≤ 200k,output,0.07,0.07
"""
OPENAI = """start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,input_tokens,\
output_tokens,input_cached_tokens
1759968000,1760054400,2025-10-09T00:00:00+00:00,2025-10-10T00:00:00+00:00,p,3.0,gpt-6-2026-01-01,4212,1673,100
1760054400,1760140800,2025-10-10T00:00:00+00:00,2025-10-11T00:00:00+00:00,,,,,,
"""
OPENAI_COST = """start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item
1759968000,1760054400,2025-10-09T00:00:00+00:00,2025-10-10T00:00:00+00:00,0.1234567,usd,"gpt-6-2026-01-01, input"
1759968000,1760054400,2025-10-09T00:00:00+00:00,2025-10-10T00:00:00+00:00,0.5,usd,"gpt-6-2026-01-01, output"
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ANTHROPIC, {("2025-10-09", "claude-opus-5"): Told(input=1103, output=207)}),
        (ANTHROPIC_COST, {("2025-10-09", "claude-opus-5"): Told(cost=1_320_000_000)}),
        ("\ufeff" + OPENAI, {("2025-10-09", "gpt-6"): Told(input=4212, output=1673)}),
        (OPENAI_COST, {("2025-10-09", "gpt-6"): Told(cost=623_456_700)}),
    ],
    ids=["anthropic usage", "anthropic cost", "openai usage", "openai cost"],
)
def test_the_exports_of_providers_are_known(text: str, found: dict[tuple[str, str], Told]):
    assert read_export(text) == found


def test_any_other_file_is_read_by_naming_its_columns():
    text = "When,Which,Paid,Read\n2026-01-31T23:30:00-02:00,m,0.5,10\n"
    told = read_export(text, {"day": ["When"], "model": ["Which"], "cost": ["Paid"], "input": ["Read"]})
    assert told == {("2026-02-01", "m"): Told(cost=500_000_000, input=10)}


@pytest.mark.parametrize(
    ("text", "columns", "told"),
    [
        ("a,b\n1,2\n", None, r"no header line of a known export; it has a, b.*--column day="),
        ("", None, r"it has nothing"),
        ("a,b\n1,2\n", {"day": ["a"], "model": ["c"], "cost": ["b"]}, r"no column c"),
        ("a,b\n1,2\n", {"day": ["a"], "model": ["b"]}, r"tokens or a cost"),
        ("a,b\n1,2\n", {"colour": ["a"]}, r"colour"),
        ("usage_date_utc,model,cost_usd\n2026-01-01,m,1\n2026-01-01,m,x\n", None, r"Line 3"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, columns: dict[str, list[str]] | None, told: str):
    with pytest.raises(InvalidRequest, match=told):
        read_export(text, columns)


def test_names_on_bills_and_in_requests_are_the_same_name():
    names = ("anthropic/claude-haiku-4-5-20251001", "Claude Haiku 4.5", "claude-haiku-4-5", "claude-haiku-4.5")
    assert {bare(name) for name in names} == {"claude-haiku-4-5"}
    assert bare("openai/gpt-4o-2024-08-06") == "gpt-4o"


@pytest.fixture
def database(tmp_path: Path):
    database = fresh(tmp_path)
    at = 1_759_968_000.0 + 3600
    with database.begin() as transaction:
        found = [trace(f"d{n}", at=at, cost=100_000_000) for n in range(3)]
        renamed = [
            msgspec.structs.replace(
                one,
                attempts=tuple(
                    msgspec.structs.replace(attempt, model="p/gpt-6") for attempt in one.attempts if attempt.usage
                ),
            )
            for one in found
        ]
        decisions.insert(transaction, [decisions.prepare(one) for one in renamed])
    yield database
    database.close()


def lines(database: Database, theirs: dict[tuple[str, str], Told], tolerance: float = 0.01):
    with database.read() as transaction:
        return reconcile(transaction, "p", theirs, tolerance)


def test_books_that_agree_agree_to_the_cent(database: Database):
    (line,) = lines(database, {("2025-10-09", "gpt-6"): Told(cost=305_000_000, input=3000, output=600)})
    assert (line.agrees, line.ours_nano, line.ours_input, line.ours_output) == (True, 300_000_000, 3000, 600)


@pytest.mark.parametrize(
    "theirs",
    [
        Told(cost=320_000_000),
        Told(cost=280_000_000),
        Told(input=3100, output=600),
        Told(input=3000, output=700),
    ],
)
def test_money_or_tokens_that_differ_are_told(database: Database, theirs: Told):
    (line,) = lines(database, {("2025-10-09", "gpt-6"): theirs})
    assert not line.agrees


def test_what_only_one_side_knows_is_told(database: Database):
    found = lines(database, {("2025-10-09", "other"): Told(cost=10**9), ("2025-10-08", "gpt-6"): Told(cost=0)})
    assert [(one.day, one.model, one.agrees) for one in found] == [
        ("2025-10-08", "gpt-6", True),
        ("2025-10-09", "gpt-6", False),
        ("2025-10-09", "other", False),
    ]


def test_a_file_without_usage_is_an_error(database: Database):
    with pytest.raises(NotFound, match="no usage in it"):
        lines(database, {})
