"""One engine's time for forward and reverse pass of a graph, in a process of its own: ``python -m ... ENGINE FILE``."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WARM, RUNS = 10, 60


def ours(path: Path) -> Callable[[], object]:
    """Every value and every adjoint kept; the tensors are in memory before."""
    import resdebug
    from resdebug.network.substitution import with_values

    net = resdebug.load(path)
    net = with_values(net, {name: value.array() for name, value in net.values.items()})
    return lambda: resdebug.differentiate(net)


def pytorch(path: Path) -> Callable[[], object]:
    """Eager PyTorch with a hook on every tensor that keeps its gradient."""
    import torch

    import resdebug
    from tests.oracle.test_graphs_pytorch import OPERATORS

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    net = resdebug.load(path)
    plan = [net.nodes[i] for i in resdebug.differentiate(net).schedule.order[::-1]]
    leaves = {n.name: torch.tensor(net.values[n.name].array()) for n in plan if n.is_leaf}
    steps = [
        (n.name, OPERATORS[n.op], {e.slot: e.source for e in n.inputs if e is not None}, n.attributes)
        for n in plan
        if not n.is_leaf
    ]
    differentiable = {n.name for n in plan if n.is_differentiable_leaf}

    def run() -> object:
        tensors = {name: t.detach().requires_grad_(name in differentiable) for name, t in leaves.items()}
        adjoints: dict[str, object] = {}
        for name in differentiable:
            tensors[name].register_hook(lambda grad, name=name: adjoints.__setitem__(name, grad))
        for name, operator, slots, attributes in steps:
            tensor = operator({slot: tensors[source] for slot, source in slots.items()}, attributes)
            tensors[name] = tensor
            tensor.register_hook(lambda grad, name=name: adjoints.__setitem__(name, grad))
        tensors[net.target].backward()
        return adjoints

    return run


def main() -> None:
    """Print the median and the spread in milliseconds as JSON."""
    run = {"ours": ours, "pytorch": pytorch}[sys.argv[1]](Path(sys.argv[2]))
    for _ in range(WARM):
        run()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"median": statistics.median(times), "best": min(times)}))


if __name__ == "__main__":
    main()
