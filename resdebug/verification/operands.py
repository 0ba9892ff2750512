"""Tensors that later events need again: the latest in memory up to a limit, the rest by their place in the file."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from resdebug.verification.measured import Array
from resdebug.verification.reading import TraceFile

MOST: Final = 256 << 20
"""Bytes that are kept in memory."""
_OBJECT: Final = 100
_NOWHERE: Final = -1


class Operand(msgspec.Struct, gc=False):
    """A tensor of the trace: its key in the record at a place, and as long as they are kept, its numbers."""

    key: str
    at: int
    array: Array | None


class Operands:
    """Keeps the numbers of as many operands as there is room for; the others are read again."""

    def __init__(self, file: TraceFile, most: int = MOST) -> None:
        self._file = file
        self._most = most
        self._held: deque[Operand] = deque()
        self._bytes = 0

    def keep(self, key: str, at: int, array: Array | None) -> Operand:
        """Return a tensor (None: only statistics of it are there) as something to ask for its numbers."""
        operand = Operand(key, at if array is not None else _NOWHERE, array)
        if array is not None:
            self._hold(operand, array)
        return operand

    def numbers(self, operand: Operand | None) -> Array | None:
        """Return the numbers of an operand, None where they are not in the trace."""
        if operand is None or operand.array is not None or operand.at == _NOWHERE:
            return None if operand is None else operand.array
        operand.array = array = self._file.array(getattr(self._file.again(operand.at), operand.key))
        if array is not None:
            self._hold(operand, array)
        return array

    def _hold(self, operand: Operand, array: Array) -> None:
        self._held.append(operand)
        self._bytes += array.nbytes + _OBJECT
        while self._bytes > self._most and len(self._held) > 1:
            oldest = self._held.popleft()
            if oldest.array is not None:
                self._bytes -= oldest.array.nbytes + _OBJECT
            oldest.array = None
