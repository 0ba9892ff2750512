"""Products of any number of tensors over named axes, and the outer product."""

from __future__ import annotations
