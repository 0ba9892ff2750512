"""The same network in another floating-point precision."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resdebug.errors import BadInput, Fault
from resdebug.network.distinct import Distinct
from resdebug.network.model import Network
from resdebug.network.types import TensorType
from resdebug.network.values import Value, fitted
from resdebug.text import human_bytes

Precision = Literal["float64", "float32"]


@dataclass(frozen=True, slots=True)
class Converted:
    """A value of floating point whose numbers are taken in another precision."""

    of: Value
    type: TensorType

    def array(self) -> np.ndarray:
        """Return the numbers. Raises TensorFault when a file is at fault, or a number is beyond the precision."""
        return fitted(self.of.array(), self.type.dtype)


def in_precision(network: Network, dtype: Precision) -> Network:
    """Return ``network`` with all its floating-point tensors in ``dtype``; itself where they are already.

    Whole numbers and booleans stay. Raises BadInput when values and adjoints would not fit into memory any more.
    """
    before = network.nodes.types
    types = [TensorType(type_.shape, dtype) if type_.is_float else type_ for type_ in before.things]
    if types == list(before.things):
        return network
    counts = np.bincount(before.number, minlength=len(types)).tolist()
    needed = 2 * sum(type_.nbytes * count for type_, count in zip(types, counts, strict=True))
    if needed > network.limit:
        what = f"in {dtype} the pass takes {human_bytes(needed)}, over the limit of {human_bytes(network.limit)}"
        raise BadInput(Fault("S002", what, "make it smaller, or raise the limit with --memory"))
    other = copy(network)
    other.nodes = nodes = network.nodes.with_types(Distinct(tuple(types), before.number))
    other.dtype = dtype
    other.values = {
        name: Converted(value, nodes.types.at(nodes.place[name])) if value.type.is_float else value
        for name, value in network.values.items()
    }
    other.schedules = {}
    other.programs = {}
    return other
