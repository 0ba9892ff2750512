"""What is found where two passes are compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from resdebug.analysis.likeness import Likeness
from resdebug.passes.protocol import Of

EVERYTHING: Final = (Of.VALUE, Of.CONTRIBUTION, Of.ADJOINT)


@dataclass(frozen=True, slots=True)
class Divergence:
    """A tensor that is not the same in both passes."""

    of: Of
    node: str
    """Whose value or adjoint, or who receives the contribution; the name in the first pass."""
    other: str
    """The same node's name in the second pass."""
    consumer: str = ""
    slot: str = ""
    index: tuple[int, ...] | None = None
    """The element that is furthest off, None where there are no two numbers to compare."""
    first: float | None = None
    second: float | None = None
    ulps: int | None = None
    """Numbers of the narrower type between the two, None where they are not finite."""
    relative: float = float("inf")
    """Largest error of an element, relative to the larger of its size and the tensor's root mean square."""
    weight: float = float("inf")
    """``‖first − second‖ / ‖first‖``."""
    elements: int = 0
    differing: int = 0
    looks: tuple[Likeness, ...] = ()
    """What it looks like, likeliest first."""
    event: int = 0
    """Position in the first pass after the event."""


@dataclass
class Comparison:
    """What two passes have in common, and where they part."""

    divergences: list[Divergence] = field(default_factory=list)
    """In the order of the first pass, as far as they have been looked for."""
    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)
    rewired: list[tuple[str, str]] = field(default_factory=list)
    """Nodes that are not the same operator of the same inputs, and how they differ."""
    compared: dict[Of, int] = field(default_factory=lambda: dict.fromkeys(EVERYTHING, 0))
    by_statistics: int = 0
    """Tensors of which one of the passes holds only statistics, and these were compared."""
    absent: int = 0
    """Tensors of which one of the passes holds not even these."""
    worst: float = 0.0
    """Largest relative error among tensors that count as the same."""
    worst_at: str = ""

    @property
    def first(self) -> Divergence | None:
        """The first divergence in the order of the pass."""
        return self.divergences[0] if self.divergences else None

    @property
    def alike(self) -> bool:
        """Whether both have the same nodes, with the same operators and inputs."""
        return not (self.only_first or self.only_second or self.rewired)

    @property
    def same(self) -> bool:
        """Whether both passes have the same nodes and numbers."""
        return self.alike and not self.divergences

    def by_weight(self) -> list[Divergence]:
        """Return all divergences, the heaviest first."""
        return sorted(self.divergences, key=lambda d: -d.weight)
