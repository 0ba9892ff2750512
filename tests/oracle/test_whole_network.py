"""A whole residual network, written a second time in PyTorch: every adjoint between image and loss agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import resdebug
from tests.engine.graphs import adjoint, convolutional, value
from tests.ops.checking import discrepancy

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
torch.set_num_threads(1)


def in_pytorch(leaves: dict[str, Any]) -> dict[str, Any]:
    """Compute the network of ``convolutional`` and keep every tensor by the name of its node."""
    f = torch.nn.functional
    made = dict(leaves)

    def conv(name: str, x: str, **settings: int) -> None:
        made[name] = f.conv2d(made[x], made[f"{name}.w"], **settings)

    def norm(name: str, x: str) -> None:
        made[name] = f.batch_norm(made[x], None, None, made[f"{name}.g"], made[f"{name}.b"], training=True)

    conv("conv0", "image", padding=1)
    norm("bn0", "conv0")
    made["relu0"] = f.relu(made["bn0"])
    made["pool"] = f.max_pool2d(made["relu0"], 2)
    conv("conv1", "pool", padding=1)
    norm("bn1", "conv1")
    made["relu1"] = f.relu(made["bn1"])
    conv("conv2", "relu1", padding=1)
    norm("bn2", "conv2")
    made["join1"] = made["bn2"] + made["pool"]
    made["relu2"] = f.relu(made["join1"])
    conv("conv3", "relu2", stride=2, padding=1)
    norm("bn3", "conv3")
    made["relu3"] = f.relu(made["bn3"])
    conv("conv4", "relu3", padding=1)
    norm("bn4", "conv4")
    conv("convp", "relu2", stride=2)
    norm("bnp", "convp")
    made["join2"] = made["bn4"] + made["bnp"]
    made["relu4"] = f.relu(made["join2"])
    made["average"] = f.adaptive_avg_pool2d(made["relu4"], 1)
    made["flat"] = made["average"].flatten(1)
    made["logits"] = f.linear(made["flat"], made["head.w"], made["head.b"])
    made["loss"] = f.cross_entropy(made["logits"], made["labels"])
    return made


# Rounding travels through some twenty layers: 1e-15 as seen in float64, 4e-7 in float32; another BLAS rounds otherwise.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 2e-14), ("float32", 5e-6)])
def test_every_value_and_every_adjoint(dtype: str, tolerance: float) -> None:
    p = convolutional(dtype).run("loss")
    leaves = {
        node.name: torch.from_numpy(np.array(value(p, node.name))).requires_grad_(node.type.is_float)
        for node in p.network.nodes
        if node.is_leaf
    }
    made = in_pytorch(leaves)
    assert set(made) == {node.name for node in p.network.nodes}
    names = [name for name in made if name != "labels"]
    gradients = torch.autograd.grad(made["loss"], [made[name] for name in names])
    for name, gradient in zip(names, gradients, strict=True):
        assert discrepancy(value(p, name), made[name].detach().numpy()) < tolerance, name
        assert discrepancy(adjoint(p, name), gradient.numpy()) < tolerance, name


def test_a_wrong_rule_does_not_agree() -> None:
    network = convolutional().network("loss")
    right, wrong = (resdebug.differentiate(network, rule=rule) for rule in ("sum", "mean"))
    assert discrepancy(adjoint(wrong, "image"), adjoint(right, "image")) > 1e-3
