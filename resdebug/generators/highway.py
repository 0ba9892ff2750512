"""Highway networks (Srivastava et al. 2015, arXiv 1505.00387), eq. 3: y = H(x) ⊙ T(x) + x ⊙ (1 − T(x))."""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe

PIXELS, CARRY_BIAS = 784, -2.0


def make(kind: Kind, options: Options) -> Builder:
    """Return a network of fully connected highway layers that classifies 784 numbers."""
    b = Builder(kind.name, describe(kind, options), dtype=options.dtype, seed=options.seed)
    width, classes = options.width or 50, options.classes or 10
    one = b.node("one", "constant", value=1.0)
    x = b.linear("embed", b.data("x", options.batch, PIXELS), PIXELS, width)
    for i in range(1, (options.blocks or 20) + 1):
        with b.within(f"highway{i}", block=True):
            transform = b.unary("H", "relu", b.linear("transform", x, width, width))
            gate = b.unary("T", "sigmoid", b.linear("gate", x, width, width, bias_fill=CARRY_BIAS))
            carried = b.binary("carried", "mul", x, b.binary("C", "sub", one, gate))
            x = b.binary("add", "add", b.binary("transformed", "mul", transform, gate), carried)
    b.loss(b.linear("fc", x, width, classes), classes, options.batch)
    return b
