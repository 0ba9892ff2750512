"""Every value and every adjoint of every node of every graph, against PyTorch.

The networks are walked by an interpreter of their files written here, which shares nothing with the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from tests.support import GRAPHS

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
F = torch.nn.functional

FILES = sorted(GRAPHS.glob("*.json"))
BOUND = 1e-12


def _batch_norm(s: dict[str, Any], a: dict[str, Any]) -> Any:
    return F.batch_norm(
        s["x"],
        s.get("running_mean"),
        s.get("running_var"),
        s.get("weight"),
        s.get("bias"),
        a["training"],
        0.1,
        a["eps"],
    )


OPERATORS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "add": lambda s, _: s["a"] + s["b"],
    "mul": lambda s, _: s["a"] * s["b"],
    "relu": lambda s, _: F.relu(s["x"]),
    "conv2d": lambda s, a: F.conv2d(s["x"], s["weight"], s.get("bias"), a["stride"], a["padding"]),
    "batch_norm": _batch_norm,
    "global_avg_pool": lambda s, _: F.adaptive_avg_pool2d(s["x"], 1),
    "flatten": lambda s, a: torch.flatten(s["x"], a["start_dim"], a["end_dim"]),
    "linear": lambda s, _: F.linear(s["x"], s["weight"], s.get("bias")),
    "cross_entropy": lambda s, _: F.cross_entropy(s["x"], s["target"]),
    "mse_loss": lambda s, _: F.mse_loss(s["x"], s["target"]),
}


def interpret(net: resdebug.Network) -> dict[str, Any]:
    """Run a network in PyTorch, keep the gradient of every node, and go backward from the target."""
    tensors: dict[str, Any] = {}
    waiting = list(net.nodes)
    while waiting:
        node = waiting.pop(0)
        taken = [edge for edge in node.inputs if edge is not None]
        if any(edge.source not in tensors for edge in taken):
            waiting.append(node)
            continue
        if node.is_leaf:
            tensor = torch.tensor(net.values[node.name].array())
            tensors[node.name] = tensor.requires_grad_(node.op != "constant")
        else:
            slots = {edge.slot: tensors[edge.source] for edge in taken}
            tensors[node.name] = OPERATORS[node.op](slots, node.attributes)
        if tensors[node.name].requires_grad:
            tensors[node.name].retain_grad()
    tensors[net.target].backward()
    return tensors


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference, relative to the largest number of either."""
    theirs = theirs.detach().numpy()
    scale = max(float(np.abs(theirs).max()), float(np.abs(ours).max()))
    return float(np.abs(ours - theirs).max()) / scale if scale else 0.0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_node(path: Path) -> None:
    net = resdebug.load(path)
    pass_ = resdebug.differentiate(net)
    tensors = interpret(net)
    worst = 0.0
    for node in net.nodes:
        adjoint = pass_.adjoint(node.name)
        worst = max(worst, difference(pass_.value(node.name), tensors[node.name]))
        if tensors[node.name].grad is None:
            assert adjoint is None, node.name
        else:
            assert adjoint is not None, node.name
            worst = max(worst, difference(adjoint, tensors[node.name].grad))
    assert worst < BOUND
