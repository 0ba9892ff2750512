"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), table 2: inverted residuals with linear bottlenecks."""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first."""


def make(kind: Kind, options: Options) -> Builder:
    """Return the network of width 1."""
    b = Builder(kind.name, describe(kind, options), dtype=options.dtype, seed=options.seed)
    size = options.image_size or 224
    with b.within("stem"):
        x = layer(b, "0", b.data("x", options.batch, 3, size, size), 3, 32, 3, stride=2)
    channels, index = 32, 0
    for expansion, outputs, count, first in STAGES:
        for i in range(count):
            index += 1
            with b.within(f"block{index}", block=True):
                x = inverted(b, x, channels, outputs, expansion, first if not i else 1)
            channels = outputs
    with b.within("head"):
        x = layer(b, "0", x, channels, 1280, 1)
        x = b.unary("flatten", "flatten", b.unary("avgpool", "global_avg_pool", x), start_dim=1)
        x = b.unary("dropout", "dropout", x, p=0.2, seed=b.next_seed() >> 16)
    classes = options.classes or 1000
    b.loss(b.linear("fc", x, 1280, classes, std=0.01), classes, options.batch)
    return b


def layer(b: Builder, name: str, x: str, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1,
          ) -> str:  # fmt: skip
    """Add convolution, normalisation and relu6."""
    x = b.conv(f"conv{name}", x, inputs, outputs, kernel, stride=stride, groups=groups)
    return b.unary(f"relu{name}", "relu6", b.norm(f"bn{name}", x, outputs))


def inverted(b: Builder, x: str, inputs: int, outputs: int, expansion: int, stride: int) -> str:
    """Add a block: expand by 1×1, convolve channel by channel, project linearly; a skip where the sizes agree."""
    width, y = inputs * expansion, x
    if expansion > 1:
        y = layer(b, "1", y, inputs, width, 1)
    y = layer(b, "2", y, width, width, 3, stride=stride, groups=width)
    y = b.norm("bn3", b.conv("conv3", y, width, outputs, 1), outputs)
    return b.binary("add", "add", y, x) if stride == 1 and inputs == outputs else y
