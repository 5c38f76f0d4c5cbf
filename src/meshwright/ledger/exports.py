"""Usage and cost files that providers let their customers download, read into totals per day and model.

Shapes that are known by their header line:
- Anthropic's Console, usage: `usage_date_utc, model_version, usage_input_tokens_no_cache, …, usage_output_tokens`;
- Anthropic's Console, cost: `usage_date_utc, model, token_type, cost_usd, …`, models by the names that people use;
- OpenAI's dashboard, usage: `start_time, …, model, input_tokens (cached ones included), output_tokens, …`;
- OpenAI's dashboard, cost: `start_time, …, amount_value, amount_currency, line_item ("MODEL, input"), …`.
Any other is read by naming its columns.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from meshwright.types.errors import InvalidRequest
from meshwright.types.money import nano

ROLES = ("day", "model", "input", "output", "cost")
_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")
_APART = re.compile(r"[\s._:@]+")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns say what; tokens may be the sum of several. A file may lack tokens, or cost."""

    day: str
    model: str
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    cost: str = ""

    def columns(self) -> set[str]:
        """All of them."""
        return {self.day, self.model, *self.input, *self.output, *((self.cost,) if self.cost else ())}


SHAPES = (
    Shape(
        day="usage_date_utc",
        model="model_version",
        input=(
            "usage_input_tokens_no_cache",
            "usage_input_tokens_cache_write_5m",
            "usage_input_tokens_cache_write_1h",
            "usage_input_tokens_cache_read",
        ),
        output=("usage_output_tokens",),
    ),
    Shape(day="usage_date_utc", model="model", cost="cost_usd"),
    Shape(day="start_time", model="model", input=("input_tokens",), output=("output_tokens",)),
    Shape(day="start_time", model="line_item", cost="amount_value"),
)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of one day and model. Money is nano-dollars; None: the file does not say."""

    input: int | None = None
    output: int | None = None
    cost: int | None = None


def read_export(text: str, columns: Mapping[str, Sequence[str]] | None = None) -> dict[tuple[str, str], Told]:
    """Totals by (day, model as `bare` has it). `columns` names the columns of a shape that is not known, by role.

    Raises InvalidRequest with the line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    head = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = head
    shape = _named(columns) if columns else next((one for one in SHAPES if one.columns() <= set(head)), None)
    if shape is None or (missing := sorted(shape.columns() - set(head))):
        lacking = f"no column {missing[0]}" if shape is not None else "no header line of a known export"
        raise InvalidRequest(
            f"The file has {lacking}; it has {', '.join(head[:12]) or 'nothing'}.",
            field="columns",
            fix="Name them: --column day=… --column model=… --column cost=… (or input=, output=).",
        )
    found: dict[tuple[str, str], Told] = {}
    for row in reader:
        model = (row[shape.model] or "").partition(",")[0].strip()
        if not model:
            continue  # buckets in which nothing was used
        try:
            key = _day(row[shape.day] or ""), bare(model)
            told = Told(
                input=sum(_count(row[name]) for name in shape.input) if shape.input else None,
                output=sum(_count(row[name]) for name in shape.output) if shape.output else None,
                cost=nano(Decimal(row[shape.cost] or "0")) if shape.cost else None,
            )
        except (ValueError, InvalidOperation, OverflowError):
            raise InvalidRequest(f"Line {reader.line_num} of the file cannot be read.", field="columns") from None
        found[key] = _sum(found.get(key), told)
    return found


def bare(model: str) -> str:
    """A model's name without what differs between a bill and a request: provider, date, spaces, dots, case."""
    name = _APART.sub("-", model.rpartition("/")[2].strip().lower())
    return _DATED.sub("", name)


def _named(columns: Mapping[str, Sequence[str]]) -> Shape:
    for role, names in columns.items():
        if role not in ROLES or (role not in ("input", "output") and len(names) != 1):
            raise InvalidRequest(
                f'"{role[:40]}" is not said that way.', field="columns", fix=f"Roles: {', '.join(ROLES)}, each once."
            )
    if not {"day", "model"} <= set(columns) or not set(columns) & {"input", "output", "cost"}:
        raise InvalidRequest("A day, a model, and tokens or a cost are needed.", field="columns")
    return Shape(
        day=columns["day"][0],
        model=columns["model"][0],
        input=tuple(columns.get("input", ())),
        output=tuple(columns.get("output", ())),
        cost=columns["cost"][0] if "cost" in columns else "",
    )


def _day(text: str) -> str:
    """The date in UTC of seconds since 1970, or of an ISO date or time."""
    text = text.strip()
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC).date().isoformat()
    at = datetime.fromisoformat(text)
    return (at.astimezone(UTC) if at.tzinfo is not None else at).date().isoformat()


def _count(text: str | None) -> int:
    number = Decimal((text or "0").strip().replace(",", "") or "0")
    if number != int(number):
        raise ValueError(text)
    return int(number)


def _sum(one: Told | None, other: Told) -> Told:
    if one is None:
        return other
    return Told(
        input=_plus(one.input, other.input), output=_plus(one.output, other.output), cost=_plus(one.cost, other.cost)
    )


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
