"""Pretend providers over the real dialects, on loopback, with faults on demand."""
