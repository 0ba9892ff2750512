"""Leaves: where a network's numbers enter."""

from __future__ import annotations

from typing import ClassVar

from resdebug.ops.base import Operator


class Input(Operator, frozen=True, tag="input"):
    """Data that the network is applied to; it gets an adjoint when it is floating point."""

    formula: ClassVar[str] = "{y}  is given"
    shapes: ClassVar[str] = "any shape"


class Parameter(Operator, frozen=True, tag="parameter"):
    """Numbers that training changes; their adjoint is the gradient."""

    formula: ClassVar[str] = "{y}  is learned"
    shapes: ClassVar[str] = "any shape"


class Constant(Operator, frozen=True, tag="constant"):
    """Numbers that nobody differentiates by: masks, scales, running statistics."""

    formula: ClassVar[str] = "{y}  is fixed"
    shapes: ClassVar[str] = "any shape"
    convention: ClassVar[str] = "a constant takes no adjoint"
