"""Wide residual networks (Zagoruyko and Komodakis 2016, arXiv 1605.07146), table 1: pre-activation, few but wide."""

from __future__ import annotations

from dataclasses import replace

from resdebug.errors import Fault, UsageError
from resdebug.generators.builder import Builder
from resdebug.generators.imagenet_resnet import projection
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import Residual, describe


def make(kind: Kind, options: Options) -> Builder:
    """Return WRN-depth-width: 6n + 4 layers, three stages of 16, 32 and 64 times width channels."""
    depth, width = options.depth or 28, options.width or 10
    if depth < 10 or (depth - 4) % 6:
        raise UsageError(
            Fault("U001", f"a wide ResNet of depth {depth} does not exist", "depth is 6n + 4: 16, 22, 28, 40")
        )
    b = Builder(f"wide_resnet{depth}_{width}", describe(kind, options), dtype=options.dtype, seed=options.seed)
    per_stage, size = (depth - 4) // 6, options.image_size or 32
    net = Residual(b, replace(options, preact=True), blocks=3 * per_stage)
    shortcut = projection(replace(options, preact=True))
    x = net.stem(b.data("x", options.batch, 3, size, size), 3, 16, kernel=3)
    channels = 16
    for stage in range(3):
        outputs = (16 << stage) * width
        for i in range(per_stage):
            with b.within(f"layer{stage + 1}.{i}", block=True):
                x = net.basic(x, channels, outputs, 2 if stage and not i else 1, shortcut)
            channels = outputs
    b.classify(net.end(x, channels), channels, options.classes or 10, options.batch)
    return b
