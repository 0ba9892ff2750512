"""ConvNeXt-T (Liu et al. 2022, arXiv 2201.03545), figure 4 and table 9, without stochastic depth."""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe

STAGES = ((3, 96), (3, 192), (9, 384), (3, 768))
STD, LAYER_SCALE, EPS = 0.02, 1e-6, 1e-6


def make(kind: Kind, options: Options) -> Builder:
    """Return the network; normalisations over channels stand between two permutations."""
    about = f"{describe(kind, options)} Stochastic depth is left out."
    b = Builder(kind.name, about, dtype=options.dtype, seed=options.seed)
    size = options.image_size or 224
    with b.within("stem"):
        x = patches(b, "conv", b.data("x", options.batch, 3, size, size), 3, STAGES[0][1], 4)
        x = over_channels(b, "norm", x, STAGES[0][1])
    channels = STAGES[0][1]
    for stage, (count, width) in enumerate(STAGES, start=1):
        if stage > 1:
            with b.within(f"downsample{stage}"):
                x = patches(b, "conv", over_channels(b, "norm", x, channels), channels, width, 2)
            channels = width
        for i in range(count):
            with b.within(f"stage{stage}.{i}", block=True):
                x = block(b, x, width)
    x = b.unary("flatten", "flatten", b.unary("avgpool", "global_avg_pool", x), start_dim=1)
    classes = options.classes or 1000
    x = b.layer_norm("norm", x, channels, eps=EPS)
    b.loss(b.linear("head", x, channels, classes, std=STD), classes, options.batch)
    return b


def patches(b: Builder, name: str, x: str, inputs: int, outputs: int, size: int) -> str:
    """Add a convolution whose windows do not overlap."""
    return b.conv(name, x, inputs, outputs, size, stride=size, padding=0, bias=True, std=STD)


def over_channels(b: Builder, name: str, x: str, channels: int) -> str:
    """Normalise every place over its channels."""
    with b.within(name):
        y = b.layer_norm("ln", b.unary("nhwc", "permute", x, dims=[0, 2, 3, 1]), channels, eps=EPS)
        return b.unary("nchw", "permute", y, dims=[0, 3, 1, 2])


def block(b: Builder, x: str, width: int) -> str:
    """Add depthwise 7×7, layer norm, a two-layer perceptron over channels, layer scale, and the skip."""
    y = b.conv("dwconv", x, width, width, 7, groups=width, bias=True, std=STD)
    y = b.layer_norm("norm", b.unary("nhwc", "permute", y, dims=[0, 2, 3, 1]), width, eps=EPS)
    y = b.unary("gelu", "gelu", b.linear("pwconv1", y, width, 4 * width, std=STD))
    y = b.linear("pwconv2", y, 4 * width, width, std=STD)
    y = b.binary("scaled", "mul", y, b.parameter("layer_scale", width, fill=LAYER_SCALE))
    return b.binary("add", "add", b.unary("nchw", "permute", y, dims=[0, 3, 1, 2]), x)
