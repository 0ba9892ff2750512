"""The residual networks for CIFAR-10 of He et al. 2015 (arXiv 1512.03385), section 4.2, and their variants.

Three stages of 16, 32 and 64 channels; where the size changes, the shortcut takes every second place and pads the new
channels with zeros (option A), so that it has no parameters.
"""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import Residual, describe


def make(kind: Kind, options: Options) -> Builder:
    """Return ResNet-``kind.setting``: 6n + 2 layers."""
    per_stage = (kind.setting - 2) // 6
    b = Builder(kind.name, describe(kind, options), dtype=options.dtype, seed=options.seed)
    size, classes = options.image_size or 32, options.classes or 10
    net = Residual(b, options, blocks=3 * per_stage)
    x = net.stem(b.data("x", options.batch, 3, size, size), 3, 16, kernel=3)
    channels = 16
    for stage in range(3):
        outputs = 16 << stage
        for i in range(per_stage):
            stride = 2 if stage and not i else 1
            with b.within(f"layer{stage + 1}.{i}", block=True):
                x = net.basic(x, channels, outputs, stride, padded_shortcut)
            channels = outputs
    x = net.end(x, channels)
    b.classify(x, channels, classes, options.batch, fill=0 if options.fixup else None)
    return b


def padded_shortcut(b: Builder, x: str, inputs: int, outputs: int, stride: int) -> str:
    """Take every ``stride``-th place and pad channels with zeros on both sides."""
    if stride > 1:
        x = b.unary("shortcut.subsample", "avg_pool2d", x, kernel_size=1, stride=stride)
    if inputs != outputs:
        before = (outputs - inputs) // 2
        x = b.unary("shortcut.pad", "pad", x, pad=[0, 0, 0, 0, before, outputs - inputs - before])
    return x
