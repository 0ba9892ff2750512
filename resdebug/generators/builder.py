"""Collects a network as node-link data: nodes, edges into slots, and parameters with their initialisers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Init = dict[str, Any]


class Builder:
    """A network in the making; every method that adds a node returns its name, to be used as an input."""

    def __init__(self, name: str, description: str, *, dtype: str, seed: int) -> None:
        self.about = {"name": name, "target": "loss", "dtype": dtype, "description": description}
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, str]] = []
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - for networks, not for secrets
        self.path = ""
        self.block = ""

    @property
    def document(self) -> dict[str, Any]:
        """The network as node-link data."""
        return {
            "directed": True, "multigraph": True, "graph": self.about, "nodes": self.nodes, "edges": self.edges,
        }  # fmt: skip

    @property
    def parameter_count(self) -> int:
        """How many numbers training changes."""
        return sum(math.prod(n["value"]["shape"]) for n in self.nodes if n["op"] == "parameter")

    @contextmanager
    def within(self, name: str, *, block: bool = False) -> Iterator[None]:
        """Put ``name.`` before all names that are added meanwhile; with ``block`` it is a foldable group too."""
        path, outer = self.path, self.block
        self.path = f"{path}{name}."
        self.block = self.path[:-1] if block else outer
        yield
        self.path, self.block = path, outer

    def node(self, name: str, op: str, slots: dict[str, str] | None = None, /, **attributes: Any) -> str:
        """Add a node with edges into its slots."""
        full = self.path + name
        entry = {"id": full, "op": op, **attributes}
        if self.block:
            entry["block"] = self.block
        self.nodes.append(entry)
        self.edges += [{"source": source, "target": full, "slot": slot} for slot, source in (slots or {}).items()]
        return full

    def next_seed(self) -> int:
        """Return a seed for the next random tensor: each has its own, all follow from the network's."""
        return self.below(1 << 48)

    def below(self, count: int) -> int:
        """Return a random number from 0 to ``count`` − 1, the same for a seed in every version of Python."""
        return int(self.random.random() * count)

    def parameter(self, name: str, *shape: int, std: float | None = None, fill: float | None = None) -> str:
        """Add a parameter: filled with one number, normal with ``std``, or by He et al.'s rule."""
        value: Init = {"init": "kaiming_normal", "shape": list(shape)}
        if fill is not None:
            value["init"] = "zeros" if fill == 0 else "ones" if fill == 1 else "constant"
            value |= {"value": fill} if value["init"] == "constant" else {}
            return self.node(name, "parameter", value=value)
        value |= {"seed": self.next_seed()} if std is None else {"init": "normal", "std": std, "seed": self.next_seed()}
        return self.node(name, "parameter", value=value)

    def data(self, name: str, *shape: int) -> str:
        """Add a random input."""
        return self.node(name, "input", value={"init": "normal", "shape": list(shape), "seed": self.next_seed()})

    def indices(self, name: str, below: int, *shape: int) -> str:
        """Add constant whole numbers from 0 to ``below`` − 1."""
        numbers = [self.below(below) for _ in range(math.prod(shape))]
        return self.node(name, "constant", dtype="int64", shape=list(shape), value=numbers)

    def conv(
        self, name: str, x: str, inputs: int, outputs: int, kernel: int, *, groups: int = 1, bias: bool = False,
        std: float | None = None, fill: float | None = None, **settings: int,
    ) -> str:  # fmt: skip
        """Add a square convolution, padded to keep the image's size at stride 1."""
        with self.within(name):
            slots = {"x": x}
            shape = (outputs, inputs // groups, kernel, kernel)
            slots["weight"] = self.parameter("weight", *shape, std=std, fill=fill)
            if bias:
                slots["bias"] = self.parameter("bias", outputs, fill=0)
        given: dict[str, int] = {"padding": kernel // 2, **settings} | ({"groups": groups} if groups > 1 else {})
        plain = {"stride": 1, "padding": 0}
        return self.node(name, "conv2d", slots, **{k: v for k, v in given.items() if v != plain.get(k)})

    def norm(self, name: str, x: str, channels: int, *, fill: float = 1) -> str:
        """Add a batch normalisation that uses the statistics of the batch, as training does."""
        with self.within(name):
            slots = {
                "x": x, "weight": self.parameter("weight", channels, fill=fill),
                "bias": self.parameter("bias", channels, fill=0),
            }  # fmt: skip
        return self.node(name, "batch_norm", slots, training=True)

    def layer_norm(self, name: str, x: str, width: int, *, op: str = "layer_norm", eps: float = 1e-5) -> str:
        """Add a normalisation over the last axis; ``rms_norm`` has no bias."""
        with self.within(name):
            slots = {"x": x, "weight": self.parameter("weight", width, fill=1)}
            if op == "layer_norm":
                slots["bias"] = self.parameter("bias", width, fill=0)
        return self.node(name, op, slots, normalized_shape=[width], eps=eps)

    def linear(
        self, name: str, x: str, inputs: int, outputs: int, *, bias: bool = True, std: float | None = None,
        fill: float | None = None, bias_fill: float = 0,
    ) -> str:  # fmt: skip
        """Add a fully connected layer."""
        with self.within(name):
            slots = {"x": x, "weight": self.parameter("weight", outputs, inputs, std=std, fill=fill)}
            if bias:
                slots["bias"] = self.parameter("bias", outputs, fill=bias_fill)
        return self.node(name, "linear", slots)

    def unary(self, name: str, op: str, x: str, **attributes: Any) -> str:
        """Add an operator of one tensor."""
        return self.node(name, op, {"x": x}, **attributes)

    def binary(self, name: str, op: str, a: str, b: str) -> str:
        """Add an operator of two tensors."""
        return self.node(name, op, {"a": a, "b": b})

    def concat(self, name: str, *parts: str, dim: int = 1) -> str:
        """Set tensors one behind the other."""
        return self.node(name, "concat", {f"x{i}": part for i, part in enumerate(parts)}, dim=dim)

    def classify(self, x: str, channels: int, classes: int, batch: int, *, fill: float | None = None) -> None:
        """Add the end of an image classifier: global average, one linear layer, cross entropy with random labels."""
        x = self.unary("flatten", "flatten", self.unary("avgpool", "global_avg_pool", x), start_dim=1)
        self.loss(self.linear("fc", x, channels, classes, std=None if fill == 0 else channels**-0.5, fill=fill),
                  classes, batch)  # fmt: skip

    def loss(self, x: str, classes: int, *shape: int) -> None:
        """Compare scores (N, C, …) with random labels."""
        self.node("loss", "cross_entropy", {"x": x, "target": self.indices("labels", classes, *shape)})
