"""One engine's time for forward and reverse pass of a graph of scalars, in a process of its own.

``python -m tests.benchmarks.scalars ENGINE FILE``; ENGINE is ours, micrograd, autograd or pytorch. A peer builds the
same computation anew in every run, as all three record what they are to differentiate while they compute; it is asked
for the gradients of the leaves only, where ours keeps every adjoint and every contribution. Each peer's gradients are
compared with ours first.
"""

from __future__ import annotations

import gc
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import resdebug

SECONDS, RUNS = 10.0, 60
BOUND = 1e-9

Plan = list[tuple[str, tuple[int, ...]]]
Gradients = Sequence[float]


def plan(network: resdebug.Network) -> tuple[list[float], Plan, list[str]]:
    """Return the leaves' numbers, then each node's operator and the places of its operands, and the leaves' names."""
    order = resdebug.differentiate(network).schedule.order[::-1]
    leaves = [i for i in order if network.nodes[i].is_leaf]
    rest = [i for i in order if not network.nodes[i].is_leaf]
    places = {i: k for k, i in enumerate((*leaves, *rest))}
    names = [network.nodes[i].name for i in leaves]
    numbers = [float(network.values[name].array()) for name in names]
    steps = [
        (network.nodes[i].op, tuple(places[e.source_index] for e in network.nodes[i].inputs if e is not None))
        for i in rest
    ]
    return numbers, steps, names


def ours(network: resdebug.Network) -> Callable[[], Gradients]:
    """Every value, every adjoint and every contribution kept, on a network that has been run before."""

    def run() -> Gradients:
        resdebug.differentiate(network, norms=True)
        return ()

    return run


def micrograd(network: resdebug.Network) -> Callable[[], Gradients]:
    """Its Value, which knows neither tanh nor sine: both are made here as it makes its own operators."""
    from micrograd.engine import Value

    def unary(x: Any, y: float, slope: float) -> Any:
        out = Value(y, (x,))

        def backward() -> None:
            x.grad += slope * out.grad

        out._backward = backward
        return out

    def tanh(x: Any) -> Any:
        y = math.tanh(x.data)
        return unary(x, y, 1 - y * y)

    def sin(x: Any) -> Any:
        return unary(x, math.sin(x.data), math.cos(x.data))

    operators: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "relu": lambda x: x.relu(), "tanh": tanh, "sin": sin,
    }  # fmt: skip
    numbers, steps, _ = plan(network)

    def run() -> Gradients:
        nodes = [Value(number) for number in numbers]
        for op, operands in steps:
            nodes.append(operators[op](*[nodes[k] for k in operands]))
        nodes[-1].backward()
        return [node.grad for node in nodes[: len(numbers)]]

    return run


def autograd(network: resdebug.Network) -> Callable[[], Gradients]:
    """HIPS autograd, with each leaf a root of its own: a list of them would cost a list in every step back."""
    import autograd.numpy as anp
    from autograd.core import VJPNode, backward_pass
    from autograd.tracer import new_box, trace_stack

    operators: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "relu": lambda x: anp.maximum(x, 0.0), "tanh": anp.tanh, "sin": anp.sin,
    }  # fmt: skip
    numbers, steps, _ = plan(network)

    def keep(gradients: list[float], k: int, gradient: float) -> tuple[()]:
        gradients[k] = gradient
        return ()

    def run() -> Gradients:
        gradients = [0.0] * len(numbers)
        with trace_stack.new_trace() as trace:
            nodes = []
            for k, number in enumerate(numbers):
                root = VJPNode.new_root()
                root.vjp = partial(keep, gradients, k)
                nodes.append(new_box(number, trace, root))
            for op, operands in steps:
                nodes.append(operators[op](*[nodes[k] for k in operands]))
            end = nodes[-1]
        backward_pass(1.0, end._node)
        return gradients

    return run


def pytorch(network: resdebug.Network) -> Callable[[], Gradients]:
    """Eager tensors of shape (), in double precision, on one thread."""
    import torch

    torch.set_num_threads(1)
    operators: dict[str, Callable[..., Any]] = {
        "add": torch.add, "sub": torch.sub, "mul": torch.mul, "relu": torch.relu, "tanh": torch.tanh, "sin": torch.sin,
    }  # fmt: skip
    numbers, steps, _ = plan(network)

    def run() -> Gradients:
        leaves = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
        nodes = list(leaves)
        for op, operands in steps:
            nodes.append(operators[op](*[nodes[k] for k in operands]))
        nodes[-1].backward()
        return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]

    return run


def compare(network: resdebug.Network, gradients: Gradients) -> None:
    """Raise ValueError unless a peer found the gradients that we find."""
    p = resdebug.differentiate(network)
    for name, gradient in zip(plan(network)[2], gradients, strict=True):
        adjoint = p.adjoint(name)
        mine = 0.0 if adjoint is None else adjoint.item()
        if not math.isclose(mine, gradient, rel_tol=BOUND, abs_tol=BOUND):
            raise ValueError(f"{name}: {mine} here and {gradient} there")


def main() -> None:
    """Print the median of a run in milliseconds, and in nanoseconds a node, as JSON."""
    engine = {"ours": ours, "micrograd": micrograd, "autograd": autograd, "pytorch": pytorch}[sys.argv[1]]
    network = resdebug.load(Path(sys.argv[2]))
    nodes = len(network.nodes)
    run = engine(network)
    try:
        gradients = run()
    except RecursionError:
        print(json.dumps({"median": None, "per_node_ns": None, "error": "RecursionError"}))
        return
    if gradients:
        compare(network, gradients)
    gc.collect()
    gc.freeze()  # the network is no burden on a peer's collections
    times: list[float] = []
    while len(times) < 3 or (len(times) < RUNS and sum(times) < SECONDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    median = statistics.median(times)
    print(json.dumps({"median": 1e3 * median, "best": 1e3 * min(times), "per_node_ns": 1e9 * median / nodes}))


if __name__ == "__main__":
    main()
