"""The residual networks for ImageNet of He et al. 2015 (arXiv 1512.03385), table 1; ResNeXt and SE-ResNet.

Names follow those of torchvision's parameters; where size or channels change, the shortcut is a 1×1 convolution with
batch normalisation (option B).
"""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import Residual, Shortcut, describe

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
RESNEXT, SQUEEZED = 50032, 50016


def make(kind: Kind, options: Options) -> Builder:
    """Return the network of depth ``kind.setting``, of ResNeXt-50 (32×4d) or of SE-ResNet-50."""
    depth = 50 if kind.setting in {RESNEXT, SQUEEZED} else kind.setting
    groups, per_group = (32, 2) if kind.setting == RESNEXT else (1, 1)
    b = Builder(kind.name, describe(kind, options), dtype=options.dtype, seed=options.seed)
    size, classes = options.image_size or 224, options.classes or 1000
    net = Residual(b, options, blocks=sum(STAGES[depth]), groups=groups, squeeze=16 * (kind.setting == SQUEEZED))
    shortcut = projection(options)
    x = net.stem(b.data("x", options.batch, 3, size, size), 3, 64, kernel=7, stride=2)
    x = b.unary("maxpool", "max_pool2d", x, kernel_size=3, stride=2, padding=1)
    channels = 64
    for stage, count in enumerate(STAGES[depth]):
        width = 64 << stage
        for i in range(count):
            stride = 2 if stage and not i else 1
            with b.within(f"layer{stage + 1}.{i}", block=True):
                if depth < 50:
                    x, channels = net.basic(x, channels, width, stride, shortcut), width
                else:
                    inner = width * per_group
                    x, channels = net.bottleneck(x, channels, inner, 4 * width, stride, shortcut), 4 * width
    x = net.end(x, channels)
    b.classify(x, channels, classes, options.batch, fill=0 if options.fixup else None)
    return b


def projection(options: Options) -> Shortcut:
    """Return the shortcut of option B; pre-activation and Fixup have no normalisation in it."""

    def shortcut(b: Builder, x: str, inputs: int, outputs: int, stride: int) -> str:
        x = b.conv("downsample.0", x, inputs, outputs, 1, stride=stride)
        return x if options.preact or options.fixup else b.norm("downsample.1", x, outputs)

    return shortcut
