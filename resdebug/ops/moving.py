"""Elements moved about: padded, rolled, flipped."""

from __future__ import annotations
