"""PyTorch's own gradients are right, also in single precision; PyTorch's with a mistake get their diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.analysis.comparison import compare_gradients
from resdebug.api import read_gradients
from resdebug.network.precision import in_precision
from tests.support import GRAPHS

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")

from tests.oracle import interpreter  # noqa: E402 - it needs PyTorch

Function: Any = torch.autograd.Function


class GuidedRelu(Function):  # type: ignore[misc]
    @staticmethod
    def forward(_: Any, x: Any) -> Any:
        return x.clamp(min=0)

    @staticmethod
    def backward(_: Any, ybar: Any) -> Any:
        return ybar * (ybar > 0)


class UnmirroredConv(Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, stride: Any, padding: Any) -> Any:
        ctx.save_for_backward(x, weight)
        ctx.settings = stride, padding
        return torch.nn.functional.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, ybar: Any) -> Any:
        x, weight = ctx.saved_tensors
        grad = torch.nn.grad
        xbar = grad.conv2d_input(x.shape, weight.flip(2, 3), ybar, *ctx.settings)
        return xbar, grad.conv2d_weight(x, weight.shape, ybar, *ctx.settings), None, None


MISTAKES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "relu-mask-from-adjoint": ("relu", lambda s, _: GuidedRelu.apply(s["x"])),
    "kernel-not-flipped": (
        "conv2d",
        lambda s, a: UnmirroredConv.apply(s["x"], s["weight"], a["stride"], a["padding"]),
    ),
    "factor-two": ("mse_loss", lambda s, _: 0.5 * ((s["x"] - s["target"]) ** 2).mean()),
}


def gradients(network: resdebug.Network, *, everything: bool) -> dict[str, Any]:
    found = interpreter.interpret(network)
    return {
        name: tensor.grad.detach().clone()
        for name, tensor in found.items()
        if tensor.grad is not None and (everything or network[name].op == "parameter")
    }


GENERATED: dict[str, dict[str, Any]] = {
    "resnet20": {"batch": 2, "image_size": 8},
    "transformer": {"batch": 2, "width": 16, "heads": 2, "blocks": 2, "tokens": 8, "vocabulary": 20},
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("source", ["resblock", "bottleneck", "digits_resnet", *GENERATED])
def test_right_gradients_of_pytorch_are_right(tmp_path: Path, source: str, dtype: Any) -> None:
    made = GENERATED.get(source)
    whole = resdebug.load(GRAPHS / f"{source}.json") if made is None else resdebug.generate(source, **made)
    network = in_precision(whole, dtype)
    torch.save(gradients(network, everything=True), tmp_path / "g.pt")
    found = compare_gradients(network, read_gradients(tmp_path / "g.pt"))
    assert [(row.node, row.error, row.tolerance) for row in found.rows if row.state.value != "right"] == []
    assert found.precision == dtype
    assert found.explanations == ()


@pytest.mark.parametrize(("dtype", "everything"), [("float64", True), ("float32", False)])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_made_in_pytorch_are_named(
    monkeypatch: pytest.MonkeyPatch, mistake: str, dtype: Any, everything: bool
) -> None:
    network = in_precision(resdebug.load(GRAPHS / "bottleneck.json"), dtype)
    op, rule = MISTAKES[mistake]
    monkeypatch.setitem(interpreter.OPERATORS, op, rule)
    given = {name: np.asarray(array) for name, array in gradients(network, everything=everything).items()}
    found = compare_gradients(network, given)
    assert mistake in {m.name for e in found.explanations for m in e.mistakes}


def test_a_skip_cut_off_by_detach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network = resdebug.load(GRAPHS / "resblock.json")
    monkeypatch.setitem(interpreter.OPERATORS, "add", lambda s, _: s["a"] + s["b"].detach())
    given = {name: np.asarray(array) for name, array in gradients(network, everything=True).items()}
    found = compare_gradients(network, given)
    assert found.explanations[0].mistakes[0].name == "skip-forgotten"
    assert found.explanations[0].candidates[0].source == "x"
