"""Ids of our files and batches, which tell them from what a provider keeps."""

from __future__ import annotations

import secrets


def new_id(kind: str) -> str:
    """An id of ours: providers' own never begin so, and that is how the two are told apart."""
    return f"{kind}mesh_{secrets.token_hex(16)}"


def ours(id: str) -> bool:
    """Whether it is an id of `new_id`."""
    return id.startswith(("file-mesh_", "batch_mesh_", "msgbatch_mesh_"))
