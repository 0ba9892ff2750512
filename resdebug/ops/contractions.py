"""Products of any number of tensors over named axes, and the outer product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator

_FORM = re.compile(r"[A-Za-z]*(,[A-Za-z]*)*(->[A-Za-z]*)?")


class Outer(Operator, frozen=True, tag="outer"):
    """Every element of one vector times every element of another."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} · {b}", "an element of a met all of b, in its row"),
        Slot("b", "{b̄} += {ȳ}ᵀ · {a}", "an element of b met all of a, in its column"),
    )
    formula: ClassVar[str] = "{y} = {a} · {b}ᵀ"
    shapes: ClassVar[str] = "a (n), b (m) → (n, m)"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        """Both are vectors."""
        for key, vector in (("a", a), ("b", b)):
            if len(vector.shape) != 1:
                raise RuleBroken(f"{key} is {shape_text(vector.shape)}", key=key, hint="it takes vectors")
        return a.with_shape(*a.shape, *b.shape)

    def forward(self, a: Array, b: Array) -> Array:
        """Return all products."""
        return np.outer(a, b)

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Return ``ȳ b``."""
        return np.asarray(np.matmul(ybar, b))

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Return ``ȳᵀ a``."""
        return np.asarray(np.matmul(ybar.T, a))


class Terms(NamedTuple):
    """An equation taken apart: the letters of every operand, and those of the output."""

    operands: tuple[str, ...]
    output: str


class Einsum(Operator, frozen=True, tag="einsum"):
    """The sum over named axes of a product of tensors: ``ij,jk->ik`` is the matrix product."""

    variadic: ClassVar[bool] = True
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += einsum of {ȳ} and the other operands, to the axes of {x}",
            "the product is linear in each operand: the output's letters and this operand's change places",
        ),
    )
    formula: ClassVar[str] = "{y} = einsum({equation}; {x})"
    shapes: ClassVar[str] = "x0, x1, …: one axis per letter, a letter has one size → one axis per output letter"
    convention: ClassVar[str] = (
        "letters that are not in the output are summed over; without -> the output has the letters that occur once, "
        "in alphabetical order; a letter twice in one operand takes its diagonal; no ellipsis, and "
        "no axis of size 1 is stretched"
    )
    equation: Annotated[
        str, msgspec.Meta(max_length=500, description="letters of each operand -> letters of the output")
    ]

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Write the equation with an arrow."""
        return {"equation": self.equation.replace(" ", "").replace("->", " → ").replace(",", ", ").strip()}

    def terms(self) -> Terms:
        """Return the equation's parts. Raises RuleBroken."""
        text = self.equation.replace(" ", "")
        if not _FORM.fullmatch(text):
            raise RuleBroken("equation is not of the form ij,jk->ik", key="equation", hint="letters, commas, one ->")
        left, arrow, output = text.partition("->")
        operands = tuple(left.split(","))
        letters = left.replace(",", "")
        if not arrow:
            return Terms(operands, "".join(sorted(c for c in set(letters) if letters.count(c) == 1)))
        for letter in output:
            if letter not in letters or output.count(letter) > 1:
                why = "is in no operand" if letter not in letters else "stands twice in the output"
                raise RuleBroken(
                    f'equation: "{letter}" {why}', key="equation", hint="name each axis of the output once"
                )
        return Terms(operands, output)

    def infer(self, *inputs: TensorType) -> TensorType:
        """Every letter has one size."""
        operands, output = self.terms()
        if len(operands) != len(inputs):
            what = f"equation has {len(operands)} operands, and there are {len(inputs)} inputs"
            raise RuleBroken(what, key="equation", hint="separate operands by commas")
        sizes: dict[str, tuple[int, int]] = {}
        for i, (letters, x) in enumerate(zip(operands, inputs, strict=True)):
            if len(letters) != len(x.shape):
                what = f'x{i} is {shape_text(x.shape)}, and equation gives it the axes "{letters}"'
                raise RuleBroken(what, key=f"x{i}", hint="one letter per axis")
            for letter, n in zip(letters, x.shape, strict=True):
                m, before = sizes.setdefault(letter, (n, i))
                if n != m:
                    what = f"x{i} is {shape_text(x.shape)} and x{before} is {shape_text(inputs[before].shape)}"
                    raise RuleBroken(f'{what}: "{letter}" is {n} and {m}', key=f"x{i}", hint="a letter has one size")
        return inputs[0].with_shape(*(sizes[letter][0] for letter in output))

    def forward(self, *inputs: Array) -> Array:
        """Return the sum of products."""
        operands, output = self.terms()
        return _einsum(operands, output, inputs)

    def vjp(self, position: int, ybar: Array, y: Array, inputs: Sequence[Array | None]) -> Array:
        """Exchange ``ȳ`` and the operand; spread what was summed alone; put a diagonal back in its place."""
        operands, output = self.terms()
        x = inputs[position]
        if x is None:
            raise ValueError(f"x{position} is empty")
        letters = operands[position]
        others = [
            (t, a) for i, (t, a) in enumerate(zip(operands, inputs, strict=True)) if i != position and a is not None
        ]
        seen = output + "".join(term for term, _ in others)
        unique = "".join(dict.fromkeys(letters))
        kept = "".join(c for c in unique if c in seen)
        part = _einsum((output, *(t for t, _ in others)), kept, (ybar, *(a for _, a in others)))
        size = dict(zip(letters, x.shape, strict=True))
        part = np.broadcast_to(part.reshape([size[c] if c in kept else 1 for c in unique]), [size[c] for c in unique])
        if len(unique) == len(letters):
            return part
        grid = dict(zip(unique, np.ogrid[tuple(slice(size[c]) for c in unique)], strict=True))
        result = np.zeros(x.shape, dtype=ybar.dtype)
        result[tuple(grid[c] for c in letters)] = part
        return result

    def vjp_x(self, ybar: Array, y: Array, *inputs: Array) -> Array:
        """Return the first operand's contribution."""
        return self.vjp(0, ybar, y, inputs)


def _einsum(operands: Sequence[str], output: str, arrays: Sequence[Array]) -> Array:
    return np.asarray(np.einsum(f"{','.join(operands)}->{output}", *arrays, optimize=len(arrays) > 2))
