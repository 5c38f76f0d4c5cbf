"""The provider `builtin`: three small models that need no key, no network and no service."""

from __future__ import annotations

from meshwright.providers.builtin.chat import MODELS
from meshwright.providers.builtin.computable import looks_computable
from meshwright.providers.builtin.transport import BuiltinTransport, unavailable

__all__ = ["MODELS", "BuiltinTransport", "looks_computable", "unavailable"]
