"""Networks for these tests, built as a user builds them: with plain networkx."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

import resdebug
from resdebug import LivePass, Network
from tests.ops.draws import Array


class Graph:
    """Puts nodes and edges into a MultiDiGraph; inputs are given in slot order, None where a slot stays empty."""

    def __init__(self, **about: Any) -> None:
        self.graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(**about)

    def leaf(self, name: str, value: Any, op: str = "input") -> str:
        """Add an input, parameter or constant."""
        self.graph.add_node(name, op=op, value=np.asarray(value))
        return name

    def node(self, name: str, op: str, *inputs: str | None, **attributes: Any) -> str:
        """Add an operator and the edges into it."""
        self.graph.add_node(name, op=op, **attributes)
        for slot, source in enumerate(inputs):
            if source is not None:
                self.graph.add_edge(source, name, slot=slot)
        return name

    def network(self, target: str) -> Network:
        """Return the checked network."""
        return resdebug.from_networkx(self.graph, target=target)

    def run(self, target: str, rule: str = "sum") -> LivePass:
        """Return a whole pass."""
        return resdebug.differentiate(self.network(target), rule=rule)


def number(array: Array | None) -> float:
    """Return the one number of an adjoint or value that must be there."""
    assert array is not None
    return float(array.item())


def adjoint(pass_: LivePass, name: str) -> Array:
    """Return an adjoint that must be there."""
    found = pass_.adjoint(name)
    assert found is not None
    return found


def value(pass_: LivePass, name: str) -> Array:
    """Return a value that must be there."""
    found = pass_.value(name)
    assert found is not None
    return found


def chain(blocks: int, shortcut: float = 1.0, branch: float = 0.5, start: float = 1.0) -> Graph:
    """x_{l+1} = shortcut · x_l + branch · x_l, for x0 to x_blocks; an identity shortcut is a bare edge."""
    graph = Graph()
    x = graph.leaf("x0", start)
    for i in range(blocks):
        skip = x if shortcut == 1 else graph.node(f"skip{i}", "scale", x, factor=shortcut)
        long = graph.node(f"branch{i}", "scale", x, factor=branch)
        x = graph.node(f"x{i + 1}", "add", skip, long)
    return graph


def draw(seed: int, *shape: int) -> Array:
    """Return normal random numbers."""
    return np.random.default_rng(seed).standard_normal(shape)


def convolutional(dtype: str = "float64") -> Graph:
    """A small residual network: stem, max pooling, one identity block, one projection block, head, cross-entropy.

    It has every join and fork that a ResNet has, and batch normalisation in training.
    """
    graph = Graph(dtype=dtype)
    seeds = iter(range(100))

    def parameter(name: str, *shape: int, around: float = 0.0) -> str:
        return graph.leaf(name, around + 0.5 * draw(next(seeds), *shape), "parameter")

    def norm(name: str, x: str, channels: int) -> str:
        weight, bias = parameter(f"{name}.g", channels, around=1.0), parameter(f"{name}.b", channels)
        return graph.node(name, "batch_norm", x, weight, bias, training=True)

    def conv(name: str, x: str, out: int, inside: int, kernel: int, **settings: Any) -> str:
        return graph.node(name, "conv2d", x, parameter(f"{name}.w", out, inside, kernel, kernel), **settings)

    image = graph.leaf("image", draw(next(seeds), 2, 1, 6, 6))
    x = graph.node("relu0", "relu", norm("bn0", conv("conv0", image, 2, 1, 3, padding=1), 2))
    x = graph.node("pool", "max_pool2d", x, kernel_size=2)
    long = graph.node("relu1", "relu", norm("bn1", conv("conv1", x, 2, 2, 3, padding=1), 2))
    long = norm("bn2", conv("conv2", long, 2, 2, 3, padding=1), 2)
    x = graph.node("relu2", "relu", graph.node("join1", "add", long, x))
    long = graph.node("relu3", "relu", norm("bn3", conv("conv3", x, 3, 2, 3, stride=2, padding=1), 3))
    long = norm("bn4", conv("conv4", long, 3, 3, 3, padding=1), 3)
    short = norm("bnp", conv("convp", x, 3, 2, 1, stride=2), 3)
    x = graph.node("relu4", "relu", graph.node("join2", "add", long, short))
    x = graph.node("flat", "flatten", graph.node("average", "global_avg_pool", x), start_dim=1)
    x = graph.node("logits", "linear", x, parameter("head.w", 3, 3), parameter("head.b", 3))
    labels = graph.leaf("labels", np.array([2, 0]))
    graph.node("loss", "cross_entropy", x, labels)
    return graph
