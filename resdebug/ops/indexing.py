"""Elements picked by an index."""

from __future__ import annotations
