"""DenseNet-121 (Huang et al. 2017, arXiv 1608.06993), table 1: growth 32, bottlenecks of 4, compression 1/2."""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe

GROWTH, LAYERS = 32, (6, 12, 24, 16)


def make(kind: Kind, options: Options) -> Builder:
    """Return the network; every layer's new channels are set behind all before it."""
    b = Builder(kind.name, describe(kind, options), dtype=options.dtype, seed=options.seed)
    size = options.image_size or 224
    x = b.conv("conv0", b.data("x", options.batch, 3, size, size), 3, 64, 7, stride=2)
    x = b.unary("relu0", "relu", b.norm("norm0", x, 64))
    x = b.unary("pool0", "max_pool2d", x, kernel_size=3, stride=2, padding=1)
    channels = 64
    for i, count in enumerate(LAYERS, start=1):
        for j in range(1, count + 1):
            with b.within(f"denseblock{i}.denselayer{j}", block=True):
                x = b.concat("concat", x, layer(b, x, channels))
            channels += GROWTH
        if i < len(LAYERS):
            with b.within(f"transition{i}", block=True):
                x = b.unary("relu", "relu", b.norm("norm", x, channels))
                x = b.conv("conv", x, channels, channels // 2, 1)
                x = b.unary("pool", "avg_pool2d", x, kernel_size=2)
            channels //= 2
    x = b.unary("relu5", "relu", b.norm("norm5", x, channels))
    b.classify(x, channels, options.classes or 1000, options.batch)
    return b


def layer(b: Builder, x: str, channels: int) -> str:
    """Add normalisation, relu and a 1×1 convolution, and the same with 3×3: ``GROWTH`` new channels."""
    y = b.unary("relu1", "relu", b.norm("norm1", x, channels))
    y = b.conv("conv1", y, channels, 4 * GROWTH, 1)
    y = b.unary("relu2", "relu", b.norm("norm2", y, 4 * GROWTH))
    return b.conv("conv2", y, 4 * GROWTH, GROWTH, 3)
