"""Make the small networks of this folder: ``python graphs/make_graphs.py [FOLDER]``.

Plain networkx and json; the numbers come from seeds, so that running it again changes nothing.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import networkx as nx

LAYERS = 20


class Maker:
    """Collects a network; remembers the block that is being built."""

    def __init__(self, name: str, target: str, description: str, seed: int = 0) -> None:
        self.graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(name=name, target=target, description=description)
        self.random = random.Random(seed)
        self.block = ""

    def numbers(self, *shape: int, most: float = 1.5) -> Any:
        """Return numbers with one decimal between −most and most, nested to a shape."""
        if not shape:
            tenths = int(self.random.random() * (20 * most + 1)) - int(10 * most)
            return tenths / 10
        return [self.numbers(*shape[1:], most=most) for _ in range(shape[0])]

    def leaf(self, name: str, op: str, value: Any) -> str:
        """Add an input, parameter or constant."""
        self.graph.add_node(name, op=op, **self._block(), value=value)
        return name

    def node(self, name: str, op: str, slots: dict[str, str], **attributes: Any) -> str:
        """Add an operator and the edges into its slots."""
        self.graph.add_node(name, op=op, **self._block(), **attributes)
        for slot, source in slots.items():
            self.graph.add_edge(source, name, slot=slot)
        return name

    def _block(self) -> dict[str, str]:
        return {"block": self.block} if self.block else {}

    def conv(self, k: str, x: str, channels: tuple[int, int], size: int = 3) -> str:
        """Add a convolution that keeps the image's size, with a weight of its own."""
        weight = self.leaf(f"W{k}", "parameter", self.numbers(channels[1], channels[0], size, size, most=0.9))
        slots = {"x": x, "weight": weight}
        return self.node(f"conv{k}", "conv2d", slots, **({"padding": size // 2} if size > 1 else {}))

    def norm(self, name: str, k: str, x: str, channels: int) -> str:
        """Add a batch normalisation by the statistics of the one image: training mode."""
        gamma = self.leaf(f"gamma{k}", "parameter", [round(1 + v / 5, 1) for v in self.numbers(channels)])
        beta = self.leaf(f"beta{k}", "parameter", [round(v / 3, 1) for v in self.numbers(channels)])
        return self.node(name, "batch_norm", {"x": x, "weight": gamma, "bias": beta}, training=True)

    def loss(self, x: str, target: Any) -> None:
        """Compare with a target."""
        self.block = ""
        self.leaf("t", "constant", target)
        self.node("loss", "mse_loss", {"x": x, "target": "t"})

    def write(self, folder: Path) -> None:
        """Write the file, a node and an edge a line."""
        data = nx.node_link_data(self.graph, edges="edges")
        name = data["graph"]["name"]
        lines = ['{"directed": true,', ' "multigraph": true,', ' "graph": {']
        about = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in data["graph"].items()]
        lines += [",\n".join(about) + "},", ' "nodes": [']
        nodes = [{"id": n.pop("id"), **n} for n in data["nodes"]]
        lines += [",\n".join("  " + json.dumps(n, ensure_ascii=False) for n in nodes) + "],", ' "edges": [']
        edges = [{k: e[k] for k in ("source", "target", "slot")} for e in data["edges"]]
        lines += [",\n".join("  " + json.dumps(e, ensure_ascii=False) for e in edges) + "]}"]
        (folder / f"{name}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def two_path() -> Maker:
    """Two numbers, two ways."""
    m = Maker(
        "two_path",
        "d",
        "c = a + b, d = a · c. The value a reaches d by two ways, through the product and through the sum, and both "
        "contributions are added: ∂d/∂a = 7 + 4 = 11. Averaged it would be 5.5, overwritten 4.",
    )
    m.leaf("a", "input", 4.0)
    m.leaf("b", "input", 3.0)
    m.node("c", "add", {"a": "a", "b": "b"})
    m.node("d", "mul", {"a": "a", "b": "c"})
    return m


def resblock() -> Maker:
    """The basic block of He et al. 2015 (arXiv 1512.03385), figure 2, with batch normalisation."""
    m = Maker(
        "resblock",
        "loss",
        "The basic residual block of He et al. 2015: conv, bn, relu, conv, bn, then the input x is added back, relu, "
        "and a loss. x is used twice, so two contributions reach it: one through the skip, unchanged, and one "
        "through the branch. Step with n down to x and read its ledger: they are added.",
        seed=RESBLOCK_SEED,
    )
    m.leaf("x", "input", m.numbers(1, 2, 3, 3))
    m.block = "block1"
    x = m.node("relu1", "relu", {"x": m.norm("bn1", "1", m.conv("1", "x", (2, 2)), 2)})
    x = m.norm("bn2", "2", m.conv("2", x, (2, 2)), 2)
    m.node("add", "add", {"a": x, "b": "x"})
    m.node("relu2", "relu", {"x": "add"})
    m.loss("relu2", m.numbers(1, 2, 3, 3))
    return m


def preact_block() -> Maker:
    """The pre-activation block of He et al. 2016 (arXiv 1603.05027), figure 1 (b)."""
    m = Maker(
        "preact_block",
        "loss",
        "The pre-activation block of He et al. 2016: bn, relu, conv, bn, relu, conv, and the input added back with "
        "nothing after the addition. So the adjoint of the sum reaches x whole: x̄ is the adjoint of add plus what "
        "comes through the branch.",
        seed=PREACT_SEED,
    )
    m.leaf("x", "input", m.numbers(1, 2, 3, 3))
    m.block = "block1"
    x = m.node("relu1", "relu", {"x": m.norm("bn1", "1", "x", 2)})
    x = m.norm("bn2", "2", m.conv("1", x, (2, 2)), 2)
    x = m.conv("2", m.node("relu2", "relu", {"x": x}), (2, 2))
    m.node("add", "add", {"a": x, "b": "x"})
    m.loss("add", m.numbers(1, 2, 3, 3))
    return m


def bottleneck() -> Maker:
    """The bottleneck block of He et al. 2015, figure 5, with a projection shortcut (option B)."""
    m = Maker(
        "bottleneck",
        "loss",
        "The bottleneck block of He et al. 2015: 1×1, 3×3 and 1×1 convolutions, and a projection shortcut, a 1×1 "
        "convolution with batch normalisation, because the number of channels grows from 2 to 4. Here the skip is "
        "no identity: its contribution to x has gone through the projection's transpose.",
        seed=BOTTLENECK_SEED,
    )
    m.leaf("x", "input", m.numbers(1, 2, 3, 3))
    m.block = "block1"
    x = m.node("relu1", "relu", {"x": m.norm("bn1", "1", m.conv("1", "x", (2, 2), 1), 2)})
    x = m.node("relu2", "relu", {"x": m.norm("bn2", "2", m.conv("2", x, (2, 2)), 2)})
    x = m.norm("bn3", "3", m.conv("3", x, (2, 4), 1), 4)
    weight = m.leaf("Wp", "parameter", m.numbers(4, 2, 1, 1, most=0.9))
    shortcut = m.norm("bnp", "p", m.node("proj", "conv2d", {"x": "x", "weight": weight}), 4)
    m.node("add", "add", {"a": x, "b": shortcut})
    m.node("relu3", "relu", {"x": "add"})
    m.loss("relu3", m.numbers(1, 4, 3, 3))
    return m


def twenty(*, residual: bool) -> Maker:
    """Twenty convolutions with relu, as they are or in ten residual blocks of two: the same weights in both."""
    plain = (
        "Twenty convolutions with relu, one behind the other, their weights a little too small. Every layer shrinks "
        "the adjoint, and what reaches the first one is almost nothing: look at the timeline. residual20 has the very "
        "same layers with skips."
    )
    skips = (
        "The twenty convolutions of plain20, with the very same weights, in ten residual blocks of two. At every fork "
        "the skip's contribution is added to the branch's, and the adjoint reaches the first layer at full size: "
        "compare the timeline with plain20's."
    )
    m = Maker("residual20" if residual else "plain20", "loss", skips if residual else plain)
    shape = [1, 4, 6, 6]
    x = m.leaf("x", "input", {"init": "normal", "shape": shape, "seed": 100})
    start = x
    for k in range(1, LAYERS + 1):
        m.block = f"block{(k + 1) // 2}" if residual else ""
        rule = {"init": "normal", "std": 0.1, "shape": [4, 4, 3, 3], "seed": k}
        weight = m.leaf(f"W{k}", "parameter", rule)
        x = m.node(f"conv{k}", "conv2d", {"x": x, "weight": weight}, padding=1)
        if residual and k % 2 == 0:
            x = m.node(f"add{k // 2}", "add", {"a": x, "b": start})
        x = m.node(f"relu{k}", "relu", {"x": x})
        start = x if k % 2 == 0 else start
    m.loss(x, {"init": "normal", "shape": shape, "seed": 200})
    return m


# Seeds with no relu near its kink, and with a skip and a branch of like size.
RESBLOCK_SEED, PREACT_SEED, BOTTLENECK_SEED = 5, 207, 241

if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for maker in (two_path(), resblock(), preact_block(), bottleneck(), twenty(residual=False), twenty(residual=True)):
        maker.write(target)
