"""Tensors that later events need again: the latest in memory up to a limit, the rest by their place in the file."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from resdebug.verification.measured import Array
from resdebug.verification.reading import TraceFile

MOST: Final = 256 << 20
"""Bytes that are kept in memory."""
Key = tuple[str, str]
"""What it is (value, adjoint, partial), and of which node."""


class Operands:
    """Remembers where tensors stand, and as many of them as there is room for."""

    def __init__(self, file: TraceFile, most: int = MOST) -> None:
        self._file = file
        self._most = most
        self._places: dict[Key, int] = {}
        self._held: OrderedDict[Key, Array | None] = OrderedDict()
        self._bytes = 0

    def put(self, key: Key, at: int, array: Array | None) -> None:
        """Remember a tensor (None: only statistics of it are there)."""
        self._forget(key)
        self._places[key] = at
        self._hold(key, array)

    def get(self, key: Key) -> Array | None:
        """Return a tensor, None where it is not in the trace."""
        if key in self._held:
            return self._held[key]
        if key not in self._places:
            return None
        record = self._file.again(self._places[key])
        array = self._file.array(record[key[0]])
        self._hold(key, array)
        return array

    def _hold(self, key: Key, array: Array | None) -> None:
        self._held[key] = array
        self._bytes += 0 if array is None else array.nbytes + 100
        while self._bytes > self._most and len(self._held) > 1:
            self._forget(next(iter(self._held)))

    def _forget(self, key: Key) -> None:
        if key in self._held:
            array = self._held.pop(key)
            self._bytes -= 0 if array is None else array.nbytes + 100
