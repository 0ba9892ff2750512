"""Single convolutions, in a process of its own: ``python -m ... ours|pytorch`` answers requests (see ``serving``).

Each side works on tensors in the layout that it itself produces. There are several of each, so that none is still in
the caches from the call before; weights are the same in every call, as in training.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import msgspec
import numpy as np

import resdebug
from resdebug.network.model import Node
from tests.benchmarks.flops import of_node
from tests.benchmarks.serving import serve

COPIES = 3
LEAST = 3
"""Calls, however long they take."""

WAYS = ("forward", "dW", "dX")

Call = Callable[[Any, Any, Any], object]
Case = tuple[dict[str, Call], list[Any], list[Any], Any]
"""What is timed, by name, on an input, an adjoint of the output and the weight."""


@dataclass(frozen=True)
class Shape:
    """A convolution as it occurs in a network; ``first`` if its input is the image, not what another layer made."""

    x: tuple[int, ...]
    weight: tuple[int, ...]
    y: tuple[int, ...]
    stride: int
    padding: int
    first: bool
    flops: int

    @property
    def name(self) -> str:
        """Batch, channels in and size of the image, channels out, kernel and stride."""
        n, channels, _, size = self.x
        return f"{n}x{channels}x{size}-{self.weight[0]}k{self.weight[2]}s{self.stride}"


def shapes(net: resdebug.Network) -> list[Shape]:
    """Return the convolutions of a network, each once, in order."""
    return list(dict.fromkeys(_shape(net, node) for node in net.nodes if node.op == "conv2d"))


def _shape(net: resdebug.Network, node: Node) -> Shape:
    at = {edge.slot: net[edge.source] for edge in node.inputs if edge is not None}
    settings = node.attributes
    if set(at) != {"x", "weight"} or settings["groups"] != 1 or settings["dilation"] != 1:
        raise ValueError(f"{node.name} is no plain convolution")
    return Shape(
        at["x"].shape, at["weight"].shape, node.shape, settings["stride"], settings["padding"], at["x"].is_leaf,
        of_node(net, node),
    )  # fmt: skip


def request(shape: Shape) -> dict[str, Any]:
    """Return a shape as the workers take it."""
    return asdict(shape)


def ours(shape: Shape) -> Case:
    """Our operator."""
    from resdebug.ops.convolution import Conv2d

    rng = np.random.default_rng(0)

    def like(dims: Iterable[int], *, made: bool = True) -> Any:
        """Random numbers, in the layout that our convolution gives to what it made."""
        n, channels, *places = dims
        numbers = rng.standard_normal((n, channels, *places), np.float32)
        if made:
            layout = Conv2d().forward(numbers[:, :1], np.ones((channels, 1, 1, 1), np.float32), None)
            layout[...] = numbers
            numbers = layout
        numbers.flags.writeable = False
        return numbers

    operator = Conv2d(stride=shape.stride, padding=shape.padding)
    weight = like(shape.weight, made=False)
    sides = [like(shape.x, made=not shape.first) for _ in range(COPIES)], [like(shape.y) for _ in range(COPIES)]
    y = sides[1][0]
    calls: dict[str, Call] = {
        "forward": lambda x, _, w: operator.forward(x, w, None),
        "dW": lambda x, ybar, w: operator.vjp(1, ybar, y, (x, w, None)),
        "dX": lambda x, ybar, w: operator.vjp(0, ybar, y, (x, w, None)),
    }
    return calls, *sides, weight


def pytorch(shape: Shape) -> Case:
    """PyTorch's kernels, without the graph that it would record."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.set_grad_enabled(False)
    stride, padding = [shape.stride] * 2, [shape.padding] * 2

    def backward(x: Any, ybar: Any, w: Any, *wanted: bool) -> object:
        settings = (stride, padding, [1, 1], False, [0, 0], 1)
        return torch.ops.aten.convolution_backward(ybar, x, w, None, *settings, list(wanted))

    calls: dict[str, Call] = {
        "forward": lambda x, _, w: torch.nn.functional.conv2d(x, w, None, stride, padding),
        "dW": lambda x, ybar, w: backward(x, ybar, w, False, True, False),
        "dX": lambda x, ybar, w: backward(x, ybar, w, True, False, False),
    }
    sides = ([torch.randn(size) for _ in range(COPIES)] for size in (shape.x, shape.y))
    return calls, *sides, torch.randn(shape.weight)


def measured(case: Case, seconds: float) -> dict[str, float]:
    """Return the median milliseconds of each call; each is made for so many seconds."""
    calls, inputs, adjoints, weight = case
    return {
        name: _median(call, cycle(zip(inputs, adjoints, strict=True)), weight, seconds) for name, call in calls.items()
    }


def _median(call: Call, tensors: Iterator[tuple[Any, Any]], weight: Any, seconds: float) -> float:
    call(*next(tensors), weight)
    times: list[float] = []
    while len(times) < LEAST or sum(times) < seconds:
        x, ybar = next(tensors)
        start = time.perf_counter()
        call(x, ybar, weight)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Answer requests for one side."""
    side = {"ours": ours, "pytorch": pytorch}[sys.argv[1]]
    kept: dict[Shape, Case] = {}

    def answer(seconds: float, shape: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(shape, Shape)
        if wanted not in kept:
            kept.clear()
            kept[wanted] = side(wanted)
        return measured(kept[wanted], seconds)

    if sys.argv[1] == "pytorch":
        import torch  # noqa: F401 - before it says that all is loaded

        serve(answer)
        return
    from resdebug.engine.allocation import keep_freed_memory
    from resdebug.ops import threads

    # As a pass does it.
    keep_freed_memory()
    with threads.ours():
        serve(answer)


if __name__ == "__main__":
    main()
