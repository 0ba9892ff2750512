"""A block's branch scaled by α, or deleted: what becomes of the target and of the adjoints at all depths.

α = 0 is the network without the branch, as ReZero (Bachlechner et al. 2020) and SkipInit begin; 1 leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from resdebug.debugger.editor import Editor
from resdebug.debugger.edits import ScaleEdge
from resdebug.engine.norms import norm
from resdebug.engine.reverse import reverse_pass
from resdebug.ops.base import Array
from resdebug.passes.blocks import Block
from resdebug.passes.protocol import Pass

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scaled:
    """What a factor on a block's branch gives: the target, and the norms of the adjoints of the nodes asked for."""

    factor: float
    target: float
    norms: tuple[float, ...]


def scaled(
    pass_: Pass, block: Block, factors: Sequence[float], nodes: Sequence[str], progress: Progress | None = None
) -> list[Scaled]:
    """Run the network with the branches of a block multiplied by each factor.

    Raises BadInput for a recorded pass, which cannot be run.
    """
    told = []
    for done, factor in enumerate(factors, start=1):
        editor = Editor(pass_)
        for edge in block.branches:
            editor.apply(ScaleEdge(edge.consumer, edge.slot, factor))
        after = editor.pass_
        value = after.value(after.target)
        adjoints = [after.adjoint(name) for name in nodes]
        norms = tuple(0.0 if adjoint is None else norm(adjoint) for adjoint in adjoints)
        told.append(Scaled(factor, float("nan") if value is None else float(value.reshape(-1)[0]), norms))
        if progress is not None:
            progress(done, len(factors))
    return told


@dataclass(frozen=True, slots=True)
class Deletion:
    """A block's branches taken out: the adjoint at a node as the paths predict it, and as it is when run again."""

    before: float
    predicted: float
    """The norm without all paths through these branches, every saved value as it was."""
    measured: float
    """The norm in the network without them, where the values above them are others too."""
    error: float
    """‖predicted − measured‖ / ‖measured‖; the prediction is exact where the network above is linear."""


def deletion(pass_: Pass, block: Block, node: str) -> Deletion:
    """Predict and measure what deleting a block's branches does to the adjoint of ``node``.

    Raises BadInput for a recorded pass, KeyError for a node without an adjoint.
    """
    adjoint = pass_.adjoint(node)
    if adjoint is None:
        raise KeyError(f"{node} has no adjoint")
    values: list[Array | None] = [None] * len(pass_.network.nodes)
    for i in pass_.schedule.order:
        values[i] = pass_.value(pass_.network.nodes[i].name)
    weights = dict.fromkeys((edge.index for edge in block.branches), 0.0)
    without = reverse_pass(pass_.network, pass_.schedule, values, weights=weights)
    predicted = without[pass_.network[node].index]
    editor = Editor(pass_)
    for edge in block.branches:
        editor.apply(ScaleEdge(edge.consumer, edge.slot, 0.0))
    measured = editor.pass_.adjoint(node)
    if predicted is None or measured is None:
        raise KeyError(f"{node} has no adjoint without the block")
    with np.errstate(all="ignore"):
        gap = norm(np.asarray(predicted, np.float64) - np.asarray(measured, np.float64))
    size = norm(measured)
    return Deletion(norm(adjoint), norm(predicted), size, gap / size if size else gap)
