"""A tensor in a few numbers, and two tensors compared: see ``resdebug.passes.summary``."""

from __future__ import annotations

from resdebug.passes.summary import Summary, cosine, summarise

__all__ = ["Summary", "cosine", "summarise"]
