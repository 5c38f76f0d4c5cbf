"""Providers as rows of data. A new one is one row; see CONTRIBUTING.md."""

from __future__ import annotations

from meshwright.providers.builtin_row import BUILTIN
from meshwright.providers.hosted import HOSTED
from meshwright.providers.local import LOCAL
from meshwright.types.model import Provider

PROVIDERS: dict[str, Provider] = {row.name: row for row in (BUILTIN, *LOCAL, *HOSTED)}
