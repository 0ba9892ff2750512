"""What a tensor is before anybody has its numbers: a shape and a type of element."""

from __future__ import annotations

import math
from typing import Final

import msgspec

ITEM_BYTES: Final = {
    "float32": 4, "float64": 8,
    "bool": 1, "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
}  # fmt: skip
FLOATS: Final = ("float64", "float32")
INTEGERS: Final = tuple(name for name in ITEM_BYTES if name not in FLOATS)


class TensorType(msgspec.Struct, frozen=True, gc=False):
    """Shape (framework-neutral: N, C, H, W) and element type of a tensor, named as numpy names it."""

    shape: tuple[int, ...]
    dtype: str = "float64"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take."""
        return self.size * ITEM_BYTES[self.dtype]

    @property
    def extent(self) -> int:
        """Bytes that the elements would take if empty axes had one: what an array's shape must be able to address."""
        return math.prod(n for n in self.shape if n) * ITEM_BYTES[self.dtype]

    @property
    def is_float(self) -> bool:
        """Whether such a tensor can have an adjoint; integers and booleans have none."""
        return self.dtype in FLOATS

    def with_shape(self, *shape: int) -> TensorType:
        """Return the type of another shape and the same elements."""
        return TensorType(shape, self.dtype)

    def __str__(self) -> str:
        return f"{shape_text(self.shape)} {self.dtype}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape as it is shown everywhere: ``(8,16,16)``; a scalar is ``()``."""
    return f"({','.join(map(str, shape))})"
