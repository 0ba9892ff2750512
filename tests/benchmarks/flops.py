"""Floating-point operations of a network, counted from its shapes: two for every multiplication with its addition.

Convolutions, linear layers and matrix products are counted as they are defined; everything else is small beside them,
and a method that gets by with fewer counts as a faster one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from resdebug.network.model import Network, Node
from resdebug.network.order import schedule

LINEAR_SLOTS = frozenset({"x", "weight", "a", "b"})
"""Slots whose VJP is a product as large as the forward one; a bias is only summed."""


@dataclass(frozen=True)
class Flops:
    """Operations of the forward pass, and of every VJP that the reverse pass runs."""

    forward: int
    reverse: int

    @property
    def total(self) -> int:
        """Both passes."""
        return self.forward + self.reverse


def of_node(net: Network, node: Node) -> int:
    """Return the operations of one forward computation, 0 where there are no products."""
    shapes = {edge.slot: net[edge.source].shape for edge in node.inputs if edge is not None}
    if node.op.startswith("conv_transpose"):
        return 2 * shapes["x"][0] * math.prod(shapes["x"][2:]) * math.prod(shapes["weight"])
    if node.op.startswith("conv"):
        return 2 * node.shape[0] * math.prod(node.shape[2:]) * math.prod(shapes["weight"])
    if node.op == "linear":
        return 2 * math.prod(shapes["x"][:-1]) * math.prod(shapes["weight"])
    if node.op == "matmul":
        return 2 * math.prod(node.shape) * shapes["a"][-1]
    return 0


def count(net: Network) -> Flops:
    """Return the operations of a whole pass."""
    plan = schedule(net)
    forward = reverse = 0
    for i in plan.order:
        products = of_node(net, net.nodes[i])
        forward += products
        reverse += products * sum(edge.slot in LINEAR_SLOTS for edge in plan.deliveries[i])
    return Flops(forward, reverse)
