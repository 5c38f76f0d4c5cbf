"""Failing well: when to wait, whom to leave alone, how much trying again is too much. Sums over given times."""
