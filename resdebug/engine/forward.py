"""The forward pass: every value that the target depends on, inputs before consumers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from resdebug.engine.kept import ByNode
from resdebug.engine.plan import calls
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.model import Network, Node
from resdebug.network.tensorfiles import TensorFault, refused
from resdebug.ops import threads
from resdebug.ops.base import Array, Operator
from resdebug.text import visible

Progress = Callable[[int], None]
"""Called with the number of nodes done so far."""


def operator_of(node: Node) -> Operator:
    """Return the operator of a node; the catalogue that the network was checked with holds nothing else."""
    return cast("Operator", node.operator)


def leaf_value(network: Network, node: Node) -> Array:
    """Return the numbers of an input, parameter or constant, read-only.

    Raises BadInput when a tensor file turns out to be at fault.
    """
    try:
        array: Array = network.values[node.name].array()
    except TensorFault as error:
        raise refused(error, Place(node=node.name)) from None
    return frozen(array)


def frozen(array: Array) -> Array:
    """Return ``array`` made read-only (a read-only view where it is somebody else's)."""
    flags = array.flags
    if flags.writeable:
        if array.base is not None or not flags.owndata:
            array = array.view()
        array.setflags(write=False)
    return array


def inputs_of(node: Node, values: ByNode) -> list[Array | None]:
    """Return one saved value per slot of ``node``."""
    return [None if edge is None else values[edge.source_index] for edge in node.inputs]


def evaluate(network: Network, order: Iterable[int], values: ByNode, progress: Progress | None = None) -> None:
    """Fill ``values`` (per node index) for the nodes in ``order``, which has inputs before consumers.

    NaN and infinity propagate as IEEE 754 says, without warnings. Raises BadInput when an index is out of range.
    """
    of_node = calls(network)
    with threads.ours():
        for done, i in enumerate(order, start=1):
            if values[i] is None:
                forward, _, operands = of_node[i]
                if forward is None:
                    values[i] = leaf_value(network, network.nodes[i])
                else:
                    inputs = [None if k is None else values[k] for k in operands]
                    try:
                        values[i] = frozen(np.asarray(forward(*inputs)))
                    except IndexError as error:
                        raise _beyond(network.nodes[i], error) from None
            if progress is not None:
                progress(done)


def result(node: Node, values: ByNode) -> Array:
    """Return what the operator of ``node`` makes of its saved inputs. Raises BadInput when an index is out of range."""
    try:
        return frozen(np.asarray(operator_of(node).forward(*inputs_of(node, values))))
    except IndexError as error:
        raise _beyond(node, error) from None


def _beyond(node: Node, error: IndexError) -> BadInput:
    what = f'"{visible(node.name)}": {node.op}: {error}'
    return BadInput(Fault("N001", what, "correct the index", Place(node=node.name)))
