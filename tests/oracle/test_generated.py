"""Every kind of generated network, made small, against PyTorch: every value and every adjoint of every node.

Rounding grows with depth and is amplified by batch statistics over few elements: 6e-13 is the largest seen, the bound
leaves two digits for another BLAS.
"""

from __future__ import annotations

from typing import Any

import pytest

from resdebug.generators.kinds import KINDS, make
from resdebug.generators.options import Options
from resdebug.network.building import build
from resdebug.ops import CATALOGUE
from tests.oracle.interpreter import worst_difference

BOUND = 1e-10

SMALL: dict[str, dict[str, Any]] = {
    "resnet20": {"image_size": 8, "batch": 2},
    "resnet18": {"image_size": 33, "classes": 10, "batch": 2},
    "resnet50": {"image_size": 33, "classes": 10, "batch": 2},
    "resnext50": {"image_size": 33, "classes": 10, "batch": 2},
    "se_resnet50": {"image_size": 33, "classes": 10, "batch": 2},
    "wide_resnet": {"image_size": 8, "depth": 10, "width": 2, "batch": 2},
    "densenet121": {"image_size": 64, "classes": 10, "batch": 2},
    "mobilenetv2": {"image_size": 33, "classes": 10, "batch": 2},
    "convnext_tiny": {"image_size": 32, "classes": 10},
    "unet": {"image_size": 16, "depth": 2, "width": 4},
    "highway": {"blocks": 5, "width": 10},
    "transformer": {"blocks": 2, "width": 12, "heads": 3, "tokens": 5, "vocabulary": 11},
    "rnn": {"steps": 5, "width": 4},
    "random": {"nodes": 300},
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    (kind, {flag: True})
    for kind in ("resnet20", "resnet18", "resnet50")
    for flag in ("preact", "plain", "rezero", "fixup")
] + [("transformer", {"norm": norm}) for norm in ("post", "rms")]


@pytest.mark.parametrize(
    ("kind", "variant"),
    [*((kind, {}) for kind in SMALL), *VARIANTS],
    ids=lambda v: v if isinstance(v, str) else "-".join(map(str, v.values())) or "standard",
)
def test_every_node(kind: str, variant: dict[str, Any]) -> None:
    options = Options(dtype="float64", seed=1, **SMALL[kind], **variant)
    net = build(make(kind, options).document, CATALOGUE)
    assert worst_difference(net) < BOUND


def test_every_module_of_generators_is_compared() -> None:
    assert {KINDS[kind].module for kind in SMALL} == {kind.module for kind in KINDS.values()}
