"""What a pass keeps of every node, by node index: scalars side by side in one vector, other tensors one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from resdebug.ops.base import Array


class ByNode(Protocol):
    """Values or adjoints by node index, None where there is none; a list of arrays is one."""

    def __getitem__(self, index: int, /) -> Array | None:
        """Return one node's array."""

    def __setitem__(self, index: int, array: Any, /) -> None:
        """Keep one node's array."""


class Kept:
    """Arrays by node index, most of them places in one vector.

    ``places`` says per node index where in the vector a scalar lies, -1 for what is kept for itself. A scalar is handed
    out as a read-only view, made when somebody asks.
    """

    def __init__(self, places: Sequence[int], count: int, dtype: str) -> None:
        self.places = places
        self.vector: Array = np.empty(count, dtype)
        self._shown = self.vector.view()
        self._shown.flags.writeable = False
        self._others: dict[int, Array] = {}

    def __getitem__(self, index: int, /) -> Array | None:
        place = self.places[index]
        if place < 0:
            return self._others.get(index)
        scalar: Array = self._shown[place, ...]
        return scalar

    def __setitem__(self, index: int, array: Array, /) -> None:
        place = self.places[index]
        if place < 0:
            self._others[index] = array
        else:
            self.vector[place] = array
