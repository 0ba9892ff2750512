"""U-Net (Ronneberger et al. 2015, arXiv 1505.04597), figure 1, with padded convolutions so that nothing is cropped."""

from __future__ import annotations

from resdebug.errors import Fault, UsageError
from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe


def make(kind: Kind, options: Options) -> Builder:
    """Return the network of ``depth`` halvings, ``width`` channels at the top; a class is chosen for every pixel."""
    about = f"{describe(kind, options)} Convolutions are padded, so that nothing is cropped."
    b = Builder(kind.name, about, dtype=options.dtype, seed=options.seed)
    depth, width, size = options.depth or 4, options.width or 64, options.image_size or 256
    if size % (1 << depth):
        what = f"image size {size} cannot be halved {depth} times"
        raise UsageError(Fault("U001", what, f"--image-size must be a multiple of {1 << depth}"))
    x, channels, skips = b.data("x", options.batch, 1, size, size), 1, []
    for level in range(depth):
        with b.within(f"down{level + 1}", block=True):
            x, channels = double(b, x, channels, width << level), width << level
            skips.append(x)
            x = b.unary("pool", "max_pool2d", x, kernel_size=2)
    with b.within("bottom", block=True):
        x, channels = double(b, x, channels, width << depth), width << depth
    for level in reversed(range(depth)):
        with b.within(f"up{level + 1}", block=True):
            x = enlarge(b, x, channels, width << level)
            x, channels = double(b, b.concat("concat", skips[level], x), channels, width << level), width << level
    classes = options.classes or 2
    b.loss(b.conv("outconv", x, channels, classes, 1, bias=True), classes, options.batch, size, size)
    return b


def double(b: Builder, x: str, inputs: int, outputs: int) -> str:
    """Add two 3×3 convolutions with relu."""
    x = b.unary("relu1", "relu", b.conv("conv1", x, inputs, outputs, 3, bias=True))
    return b.unary("relu2", "relu", b.conv("conv2", x, outputs, outputs, 3, bias=True))


def enlarge(b: Builder, x: str, inputs: int, outputs: int) -> str:
    """Add the transposed convolution that doubles height and width."""
    with b.within("upconv"):
        slots = {
            "x": x, "weight": b.parameter("weight", inputs, outputs, 2, 2, std=(2 / inputs) ** 0.5),
            "bias": b.parameter("bias", outputs, fill=0),
        }  # fmt: skip
    return b.node("upconv", "conv_transpose2d", slots, stride=2)
