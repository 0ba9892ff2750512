"""What the network must know of an operator, and no more: its slots, its attributes, its shape rule.

The operators themselves live one floor above; they are handed in as a catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, Protocol

import msgspec

from resdebug.network.types import TensorType

LEAVES: Final = ("input", "parameter", "constant")


class Slot(msgspec.Struct, frozen=True):
    """A named argument of an operator.

    ``contribution`` is the formula of what its VJP sends to the node in this slot, with the placeholders of
    ``resdebug.ops.formula``; it is empty for a slot that takes no adjoint. ``because`` says in a sentence why the
    formula is what it is. ``elements`` says which element types may stand there.
    """

    name: str
    contribution: str = ""
    because: str = ""
    optional: bool = False
    elements: Literal["float", "integer", "any"] = "float"

    @property
    def differentiable(self) -> bool:
        """Whether the operator has a VJP for this slot."""
        return bool(self.contribution)


class Bound(msgspec.Struct, frozen=True):
    """Indices go from 0 to ``count`` − 1, of so many ``what``; ``ignored`` is allowed beside them."""

    count: int
    what: str
    ignored: int | None = None


class RuleBroken(Exception):
    """An operator's rule refuses its inputs or attributes; ``key`` names the slot or attribute at fault."""

    def __init__(self, what: str, *, key: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.key = key
        self.hint = hint


class Signature(Protocol):
    """The face of an operator that the network sees; its fields are the operator's attributes."""

    slots: ClassVar[tuple[Slot, ...]]
    variadic: ClassVar[bool]

    def infer(self, *inputs: Any, **kwargs: Any) -> TensorType:
        """Return the output's type from one input type per slot (None where an optional slot is empty).

        Raises RuleBroken when the operator cannot take them. Takes no memory.
        """
        ...

    def index_bounds(self, *inputs: Any) -> Mapping[str, Bound]:
        """Return what the indices in each slot that takes them point at, from types that ``infer`` accepted."""
        ...

    def workspace(self, *inputs: Any) -> int:
        """Return how many bytes the operator takes for itself while it works, from types that ``infer`` accepted."""
        ...


Catalogue = Mapping[str, type[Signature]]


def slots_of(operator: type[Signature] | Signature, count: int) -> tuple[Slot, ...]:
    """Return the slots of an operator that has ``count`` inputs; a variadic operator numbers its only slot."""
    if not operator.variadic:
        return operator.slots
    slot = operator.slots[0]
    return tuple(numbered(slot, index) for index in range(max(count, 1)))


def numbered(slot: Slot, index: int) -> Slot:
    """Return the ``index``-th slot of a variadic operator: ``x`` becomes ``x0``, ``x1``, ..."""
    return msgspec.structs.replace(slot, name=f"{slot.name}{index}")


def slot_name(operator: Signature, position: int) -> str:
    """Return the name of the slot at ``position``."""
    return f"{operator.slots[0].name}{position}" if operator.variadic else operator.slots[position].name


def slot_names(catalogue: Catalogue) -> frozenset[str]:
    """Return the names of all slots there are; those of variadic operators are numbered, without end."""
    return frozenset(slot.name for operator in catalogue.values() if not operator.variadic for slot in operator.slots)


def name_of(operator: Signature) -> str:
    """Return what files call an operator."""
    return str(operator.__struct_config__.tag)  # type: ignore[attr-defined]
