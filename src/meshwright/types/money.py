"""Money is integer nano-dollars: 1 USD = 1,000,000,000. Prices are nano-dollars per million tokens, also integers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANO = 1_000_000_000


def nano(dollars: str | int | Decimal) -> int:
    """Dollars to nano-dollars, rounded half to even. Floats are not taken: they cannot say 0.1."""
    return int((Decimal(dollars) * NANO).to_integral_value(ROUND_HALF_EVEN))


def dollars(amount: int) -> str:
    """Nano-dollars as a plain decimal with at least two places: 1_500_000 -> "0.0015"."""
    whole, rest = divmod(abs(amount), NANO)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{digits}"
