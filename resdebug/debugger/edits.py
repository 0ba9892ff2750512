"""What can be changed in a network, each a small description; ``edited.py`` makes the changed network.

All but the numbers of leaves is changed with nodes and operators that a file can hold, so that the changed network can
be saved, opened, and run by anybody:

- ``CutReverse`` puts a ``stop_gradient`` on an edge: values stay, and the edge's contribution is not sent.
- ``CutForward`` puts a constant of zeros in the place of an operand: the consumer meets zeros, and nothing goes back
  through that edge either.
- ``ScaleEdge`` puts a ``scale`` on an edge: the operand is multiplied by a factor, and so is what goes back.
- ``SetSeed`` puts a ``scale`` after the target, and differentiates that: so the old target's adjoint is the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from resdebug.network.types import shape_text
from resdebug.text import visible

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetValue:
    """Give an input, parameter or constant other numbers: all of them, or with ``index`` one.

    A single number fills the whole tensor. Another shape is accepted where every operator still agrees.
    """

    node: str
    value: Any
    index: Index | None = None

    def __str__(self) -> str:
        """Say what is changed."""
        at = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        array = np.asarray(self.value)
        plain = array.size == 1 and array.dtype.kind in "fiub"
        shown = f"{array.item():.6g}" if plain else f"an array of {shape_text(array.shape)}"
        return f"{visible(self.node)}{at} = {shown}"


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """Give an attribute of an operator another value, checked by the operator's own declaration."""

    node: str
    key: str
    value: Any

    def __str__(self) -> str:
        """Say what is changed."""
        return f"{visible(self.node)}.{visible(self.key)} = {visible(str(self.value))}"


@dataclass(frozen=True, slots=True)
class SetSeed:
    """Start the reverse pass with another number than 1."""

    value: float

    def __str__(self) -> str:
        """Say what is changed."""
        return f"seed = {self.value:.6g}"


@dataclass(frozen=True, slots=True)
class CutReverse:
    """Drop the contribution through one edge; values stay as they are."""

    consumer: str
    slot: str

    def __str__(self) -> str:
        """Say what is changed."""
        return f"no contribution through {visible(self.consumer)}.{visible(self.slot)}"


@dataclass(frozen=True, slots=True)
class CutForward:
    """Let the consumer meet zeros in one slot."""

    consumer: str
    slot: str

    def __str__(self) -> str:
        """Say what is changed."""
        return f"zeros into {visible(self.consumer)}.{visible(self.slot)}"


@dataclass(frozen=True, slots=True)
class ScaleEdge:
    """Multiply what goes through one edge, forward and in reverse."""

    consumer: str
    slot: str
    factor: float

    def __str__(self) -> str:
        """Say what is changed."""
        return f"{visible(self.consumer)}.{visible(self.slot)} scaled by {self.factor:.6g}"


@dataclass(frozen=True, slots=True)
class SetRule:
    """Accumulate contributions by another rule; all but ``sum`` are wrong on purpose."""

    rule: str

    def __str__(self) -> str:
        """Say what is changed."""
        return f"accumulation rule {visible(self.rule)}"


Edit: TypeAlias = SetValue | SetAttribute | SetSeed | CutReverse | CutForward | ScaleEdge | SetRule
