"""How large a computation may be. Everything is checked while reading, before any number is built."""

from __future__ import annotations

MAX_TEXT = 1_000
"""Characters of a question. Longer texts are not one computation."""

MAX_TOKENS = 400
MAX_DEPTH = 40
"""Nested parentheses, powers and functions."""

MAX_LITERAL = 400
"""Digits of a number as typed."""

MAX_DIGITS = 4_000
"""Digits of a number as computed; Python itself refuses to print over 4,300."""

MAX_DEGREE = 60
"""Degree of a polynomial that is expanded, factored or solved, and the most terms it may have is this squared."""

MAX_ITEMS = 200
"""Numbers of a list."""

MAX_FACTORED = 60
"""Digits of a number to be factored; a hard one runs into the time limit before that."""

MAX_ANSWER = 6_000
"""Characters of an answer. A longer one helps nobody."""
