"""Runs a network in PyTorch: an interpreter of its nodes that shares nothing with the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import resdebug

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
F = torch.nn.functional

Slots = dict[str, Any]


def _batch_norm(s: Slots, a: Slots) -> Any:
    running = s.get("running_mean"), s.get("running_var")
    return F.batch_norm(s["x"], *running, s.get("weight"), s.get("bias"), a["training"], 0.1, a["eps"])


def _causal_mask(s: Slots, a: Slots) -> Any:
    above = torch.ones(s["x"].shape[-2:], dtype=torch.bool).triu(a["diagonal"] + 1)
    return s["x"].masked_fill(above, float("-inf"))


def _dropout(s: Slots, a: Slots) -> Any:
    draws = np.random.Generator(np.random.PCG64(a["seed"])).random(tuple(s["x"].shape))
    return s["x"] * torch.from_numpy(draws >= a["p"]) / (1 - a["p"])


OPERATORS: dict[str, Callable[[Slots, Slots], Any]] = {
    "add": lambda s, _: s["a"] + s["b"],
    "sub": lambda s, _: s["a"] - s["b"],
    "mul": lambda s, _: s["a"] * s["b"],
    "matmul": lambda s, _: s["a"] @ s["b"],
    "scale": lambda s, a: s["x"] * a["factor"],
    "relu": lambda s, _: F.relu(s["x"]),
    "relu6": lambda s, _: F.relu6(s["x"]),
    "gelu": lambda s, a: F.gelu(s["x"], approximate=a["approximate"]),
    "silu": lambda s, _: F.silu(s["x"]),
    "tanh": lambda s, _: torch.tanh(s["x"]),
    "sin": lambda s, _: torch.sin(s["x"]),
    "sigmoid": lambda s, _: torch.sigmoid(s["x"]),
    "softmax": lambda s, a: F.softmax(s["x"], a["dim"]),
    "causal_mask": _causal_mask,
    "dropout": _dropout,
    "conv2d": lambda s, a: F.conv2d(
        s["x"], s["weight"], s.get("bias"), a["stride"], a["padding"], a["dilation"], a["groups"]
    ),
    "conv_transpose2d": lambda s, a: F.conv_transpose2d(
        s["x"], s["weight"], s.get("bias"), a["stride"], a["padding"], a["output_padding"], a["groups"], a["dilation"]
    ),
    "batch_norm": _batch_norm,
    "layer_norm": lambda s, a: F.layer_norm(s["x"], a["normalized_shape"], s.get("weight"), s.get("bias"), a["eps"]),
    "rms_norm": lambda s, a: F.rms_norm(s["x"], a["normalized_shape"], s.get("weight"), a["eps"]),
    "max_pool2d": lambda s, a: F.max_pool2d(s["x"], a["kernel_size"], a["stride"], a["padding"]),
    "avg_pool2d": lambda s, a: F.avg_pool2d(s["x"], a["kernel_size"], a["stride"], a["padding"]),
    "global_avg_pool": lambda s, _: F.adaptive_avg_pool2d(s["x"], 1),
    "pad": lambda s, a: F.pad(s["x"], a["pad"], a["mode"], a["value"]),
    "concat": lambda s, a: torch.cat([s[f"x{i}"] for i in range(len(s))], a["dim"]),
    "flatten": lambda s, a: torch.flatten(s["x"], a["start_dim"], a["end_dim"]),
    "reshape": lambda s, a: s["x"].reshape(a["shape"]),
    "permute": lambda s, a: s["x"].permute(a["dims"]),
    "transpose": lambda s, a: s["x"].transpose(a["dim0"], a["dim1"]),
    "select": lambda s, a: s["x"].select(a["dim"], a["index"]),
    "embedding": lambda s, _: F.embedding(s["index"], s["weight"]),
    "linear": lambda s, _: F.linear(s["x"], s["weight"], s.get("bias")),
    "cross_entropy": lambda s, _: F.cross_entropy(s["x"], s["target"]),
    "mse_loss": lambda s, _: F.mse_loss(s["x"], s["target"]),
}


def interpret(net: resdebug.Network) -> dict[str, Any]:
    """Run a network in PyTorch, keep the gradient of every node, and go backward from the target."""
    tensors: dict[str, Any] = {}
    waiting = list(net.nodes)
    while waiting:
        later = []
        for node in waiting:
            taken = [edge for edge in node.inputs if edge is not None]
            if any(edge.source not in tensors for edge in taken):
                later.append(node)
                continue
            if node.is_leaf:
                tensor = torch.tensor(net.values[node.name].array())
                tensors[node.name] = tensor.requires_grad_(node.op != "constant" and tensor.is_floating_point())
            else:
                slots = {edge.slot: tensors[edge.source] for edge in taken}
                tensors[node.name] = OPERATORS[node.op](slots, node.attributes)
            if tensors[node.name].requires_grad:
                tensors[node.name].retain_grad()
        waiting = later
    tensors[net.target].backward()
    return tensors


def difference(ours: Any, theirs: Any, terms: float = 0.0) -> float:
    """Return the largest difference, relative to the largest finite number of either; infinities must agree.

    ``terms`` is the size of what was added up: rounding is relative to that where a sum cancels.
    """
    theirs = theirs.detach().numpy()
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return float("inf")
    finite = np.isfinite(theirs)
    if not np.array_equal(np.isfinite(ours), finite) or not np.array_equal(ours[~finite], theirs[~finite]):
        return float("inf")
    ours, theirs = ours[finite], theirs[finite]
    scale = max(float(np.abs(theirs).max(initial=0)), float(np.abs(ours).max(initial=0)), terms)
    return float(np.abs(ours - theirs).max(initial=0)) / scale if scale else 0.0


def worst_difference(net: resdebug.Network) -> float:
    """Return the largest difference to PyTorch over all values and adjoints; who has an adjoint must agree."""
    pass_ = resdebug.differentiate(net)
    tensors = interpret(net)
    worst = 0.0
    for node in net.nodes:
        adjoint, theirs = pass_.adjoint(node.name), tensors[node.name].grad
        worst = max(worst, difference(pass_.value(node.name), tensors[node.name]))
        assert (adjoint is None) == (theirs is None), node.name
        if adjoint is not None:
            # A shift before a normalisation, or that of a key in attention, has gradient 0: what is left is rounding.
            consumers = [pass_.adjoint(edge.consumer) for edge in pass_.arrivals(node.name)]
            terms = max((float(np.abs(a).max(initial=0)) for a in consumers if a is not None), default=0.0)
            worst = max(worst, difference(adjoint, theirs, terms))
    return worst
