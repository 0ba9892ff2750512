"""Windows that slide over an image: which of them see what, one place of the kernel after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as every
from typing import Any, Final

import numpy as np

from resdebug.verification.formulas.case import Case, many
from resdebug.verification.measured import Array


class Window:
    """Kernel, stride, dilation, padding before and after, and how many windows there are, per axis."""

    def __init__(self, c: Case, sizes: tuple[int, ...], kernel: tuple[int, ...], counts: tuple[int, ...]) -> None:
        axes = len(sizes)
        self.kernel, self.sizes, self.counts = kernel, sizes, counts
        stride = c.get("stride", 1)
        self.stride = kernel if stride is None else many(stride, axes)
        self.dilation = many(c.get("dilation", 1), axes)
        self.before = self._before(c.get("padding", 0), axes)

    def _before(self, padding: Any, axes: int) -> tuple[int, ...]:
        if padding == "valid":
            return (0,) * axes
        if padding == "same":
            return tuple(d * (k - 1) // 2 for d, k in zip(self.dilation, self.kernel, strict=True))
        given = many(padding, axes)
        return given[::2] if len(given) == 2 * axes else given

    def each_place(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """Yield every place of the kernel, which windows see something of x there, and where in x."""
        for place in every(*(range(k) for k in self.kernel)):
            windows, seen = [], []
            for i, n, count, step, apart, before in zip(
                place, self.sizes, self.counts, self.stride, self.dilation, self.before, strict=True
            ):
                inside = [w for w in range(count) if 0 <= w * step - before + i * apart < n]
                first, last = (inside[0], inside[-1]) if inside else (0, -1)
                windows.append(slice(first, last + 1))
                start = first * step - before + i * apart
                seen.append(slice(start, start + (last - first) * step + 1 if inside else start, step))
            if all(s.stop > s.start for s in seen):
                yield place, tuple(windows), tuple(seen)


ALL: Final = slice(None)


def at(*parts: Any) -> tuple[Any, ...]:
    """Return an index made of whole numbers, slices and tuples of them."""
    return parts


def double(array: Array) -> Array:
    """Return an operand in double precision."""
    return np.asarray(array, dtype=np.float64)
