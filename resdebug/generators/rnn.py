"""A simple recurrent network (Elman 1990, Cognitive Science 14), unrolled: the same weights at every step.

Every weight is used once a step, so its gradient is the sum of as many contributions: backpropagation through time.
"""

from __future__ import annotations

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe


def make(kind: Kind, options: Options) -> Builder:
    """Return the network: it reads ``steps`` symbols and guesses the next."""
    about = f"{describe(kind, options)} Each weight is used at every step, so its gradient adds up over time."
    b = Builder(kind.name, about, dtype=options.dtype, seed=options.seed)
    steps, width, vocabulary = options.steps or 16, options.width or 32, options.vocabulary or 27
    x = b.node("embedded", "embedding", {
        "index": b.indices("symbols", vocabulary, options.batch, steps),
        "weight": b.parameter("embedding.weight", vocabulary, width, std=1.0),
    })  # fmt: skip
    scale = width**-0.5
    slots = {
        "weight": b.parameter("input.weight", width, width, std=scale),
        "bias": b.parameter("input.bias", width, fill=0),
    }
    recurrent = b.parameter("recurrent.weight", width, width, std=scale)
    h = b.node("h0", "constant", value={"init": "zeros", "shape": [options.batch, width]})
    for t in range(1, steps + 1):
        with b.within(f"step{t}", block=True):
            read = b.node("input", "linear", {"x": b.unary("x", "select", x, dim=1, index=t - 1), **slots})
            kept = b.node("recurrent", "linear", {"x": h, "weight": recurrent})
            h = b.unary("h", "tanh", b.binary("add", "add", read, kept))
    b.loss(b.linear("out", h, width, vocabulary, std=scale), vocabulary, options.batch)
    return b
