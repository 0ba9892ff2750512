"""Small networks that tests build with plain networkx, worked by hand where numbers are asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

import resdebug
from resdebug.passes.live import LivePass

GRAPHS = Path(__file__).parents[1] / "graphs"


class Builder:
    """Collects nodes and edges in a networkx multigraph."""

    def __init__(self, target: str, name: str = "test", **about: Any) -> None:
        self.graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(name=name, target=target, **about)

    def leaf(self, name: str, value: Any, op: str = "input", **attributes: Any) -> str:
        self.graph.add_node(name, op=op, value=value, **attributes)
        return name

    def add(self, name: str, op: str, inputs: dict[str, str], **attributes: Any) -> str:
        self.graph.add_node(name, op=op, **attributes)
        for slot, source in inputs.items():
            self.graph.add_edge(source, name, slot=slot)
        return name

    def network(self) -> resdebug.Network:
        return resdebug.from_networkx(self.graph)

    def run(self, **options: Any) -> LivePass:
        return resdebug.differentiate(self.network(), **options)

    def save(self, path: Path) -> Path:
        path.write_text(json.dumps(nx.node_link_data(self.graph, edges="edges"), default=_plain), encoding="utf-8")
        return path


def _plain(value: Any) -> Any:
    return value.tolist()


def two_path() -> Builder:
    """d = a · (a + b) with a = 4, b = 3: ∂d/∂a = c + a = 7 + 4 = 11, ∂d/∂b = a = 4."""
    b = Builder("d", "two_path")
    b.leaf("a", 4.0)
    b.leaf("b", 3.0)
    b.add("c", "add", {"a": "a", "b": "b"})
    b.add("d", "mul", {"a": "a", "b": "c"})
    return b


def block(names: dict[str, str] | None = None, *, projection: bool = False) -> Builder:
    """A residual block: conv-bn-relu-conv-bn, add, relu, and a loss; ``names`` renames nodes."""
    rename = names or {}

    def n(name: str) -> str:
        return rename.get(name, name)

    rng = np.random.default_rng(5)
    b = Builder(n("loss"), "block")
    b.leaf(n("x"), rng.normal(size=(1, 2, 3, 3)))
    b.leaf("t", rng.normal(size=(1, 2, 3, 3)), "constant")
    last = n("x")
    for k in ("1", "2"):
        b.leaf(f"W{k}", rng.normal(size=(2, 2, 3, 3)), "parameter", block="b1")
        b.leaf(f"gamma{k}", [1.0, 0.9], "parameter", block="b1")
        b.leaf(f"beta{k}", [0.1, -0.2], "parameter", block="b1")
        b.add(n(f"conv{k}"), "conv2d", {"x": last, "weight": f"W{k}"}, padding=1, block="b1")
        slots = {"x": n(f"conv{k}"), "weight": f"gamma{k}", "bias": f"beta{k}"}
        last = b.add(n(f"bn{k}"), "batch_norm", slots, training=True, block="b1")
        if k == "1":
            last = b.add(n("relu1"), "relu", {"x": last}, block="b1")
    skip = n("x")
    if projection:
        b.leaf("P", rng.normal(size=(2, 2, 1, 1)), "parameter", block="b1")
        skip = b.add(n("proj"), "conv2d", {"x": n("x"), "weight": "P"}, block="b1")
    b.add(n("add"), "add", {"a": last, "b": skip}, block="b1")
    b.add(n("relu2"), "relu", {"x": n("add")}, block="b1")
    b.add(n("loss"), "mse_loss", {"x": n("relu2"), "target": "t"})
    return b


def residual_chain(blocks: int, scale: float = 0.5) -> Builder:
    """x_{l+1} = x_l + a·x_l: dx_L/dx_0 = (1 + a)^L."""
    b = Builder(f"x{blocks}", "chain")
    b.leaf("x0", 1.0)
    for k in range(blocks):
        b.add(f"f{k}", "scale", {"x": f"x{k}"}, factor=scale, block=f"block{k}")
        b.add(f"x{k + 1}", "add", {"a": f"f{k}", "b": f"x{k}"}, block=f"block{k}")
    return b


HOSTILE = [
    '"], n1 [label="', "\\N\\G\\", "<b>bold</b>", "&lt;i&gt;", '"]; click x "javascript:alert(1)"', "]]> <script>",
    "=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "\rreturn", "'quoted", "a,b\n\"c\"", "../../etc/passwd", "CON", "value/x",
    "x\x1b[31mred", "`code`", "%%{init: {}}%%", "end", "subgraph", "#35;", "$\\alpha$", "ä→ȳ", "x\u202ey", " spaced ",
]  # fmt: skip
"""Names of nodes."""


def hostile() -> LivePass:
    """A sum of leaves with these names, each used twice."""
    b = Builder("the end")
    last = b.leaf("start", [1.0, -2.0])
    for k, name in enumerate(HOSTILE):
        b.leaf(name, [float(k + 1), 0.0], "parameter", block=name)
        b.add(f"twice{k}", "mul", {"a": name, "b": name})
        last = b.add(f"sum{k}", "add", {"a": last, "b": f"twice{k}"})
    b.add("the end", "sum", {"x": last})
    return b.run()
