"""Transformer language models: causal self-attention and a perceptron in every block, each with its skip.

``pre`` normalises before each (GPT-2; Xiong et al. 2020, arXiv 2002.04745), ``post`` after each addition (Vaswani et
al. 2017, arXiv 1706.03762, with relu), ``rms`` before each by the root mean square, with a SwiGLU perceptron (Zhang
and Sennrich 2019, arXiv 1910.07467; Shazeer 2020, arXiv 2002.05202).
"""

from __future__ import annotations

from resdebug.errors import Fault, UsageError
from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options
from resdebug.generators.residual import describe

STD = 0.02


def make(kind: Kind, options: Options) -> Builder:
    """Return the model: it predicts the next token at every place."""
    blocks, width, heads = options.blocks or 6, options.width or 256, options.heads or 8
    tokens, vocabulary, norm = options.tokens or 128, options.vocabulary or 1000, options.norm or "pre"
    if width % heads:
        raise UsageError(Fault("U001", f"{heads} heads do not divide width {width}", "choose a divisor with --heads"))
    styles = {"pre": "normalised before each branch", "post": "normalised after each addition",
              "rms": "RMS norm before each branch, SwiGLU"}  # fmt: skip
    about = f"{describe(kind, options)} Here {styles[norm]}, learned positions."
    b = Builder(f"{kind.name}_{norm}", about, dtype=options.dtype, seed=options.seed)
    net = Transformer(b, (options.batch, tokens, width), heads, norm)
    x = b.node("embedded", "embedding", {
        "index": b.indices("tokens", vocabulary, options.batch, tokens),
        "weight": b.parameter("embedding.weight", vocabulary, width, std=STD),
    })  # fmt: skip
    x = b.binary("positioned", "add", x, b.parameter("position.weight", tokens, width, std=STD))
    for i in range(blocks):
        with b.within(f"block{i}"):
            x = net.branch("attention", x)
            x = net.branch("mlp", x)
    if norm != "post":
        x = net.norm("norm", x)
    x = b.linear("head", x, width, vocabulary, bias=False, std=STD)
    x = b.unary("scores", "reshape", x, shape=[options.batch * tokens, vocabulary])
    b.loss(x, vocabulary, options.batch * tokens)
    return b


class Transformer:
    """Adds the two branches of a block in the style that was chosen."""

    def __init__(self, b: Builder, shape: tuple[int, int, int], heads: int, style: str) -> None:
        self.b = b
        self.batch, self.tokens, self.width = shape
        self.heads = heads
        self.style = style

    def branch(self, name: str, x: str) -> str:
        """Add a branch with its skip and its normalisation."""
        with self.b.within(name, block=True):
            y = x if self.style == "post" else self.norm("norm", x)
            y = self.attention(y) if name == "attention" else self.perceptron(y)
            x = self.b.binary("add", "add", y, x)
            return self.norm("norm", x) if self.style == "post" else x

    def norm(self, name: str, x: str) -> str:
        """Add the normalisation over the width."""
        return self.b.layer_norm(name, x, self.width, op="rms_norm" if self.style == "rms" else "layer_norm")

    def linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        """Add a layer; the rms style has no biases."""
        return self.b.linear(name, x, inputs, outputs, std=STD, bias=self.style != "rms")

    def attention(self, x: str) -> str:
        """Add causal self-attention: softmax(q kᵀ / √d) v for every head."""
        b, size = self.b, self.width // self.heads
        split = [self.batch, self.tokens, self.heads, size]

        def by_head(name: str) -> str:
            y = b.unary(f"{name}_split", "reshape", self.linear(name, x, self.width, self.width), shape=split)
            return b.unary(f"{name}_heads", "permute", y, dims=[0, 2, 1, 3])

        query, key, value = (by_head(name) for name in "qkv")
        scores = b.binary("qk", "matmul", query, b.unary("k_transposed", "transpose", key, dim0=-1, dim1=-2))
        scores = b.unary("masked", "causal_mask", b.unary("scaled", "scale", scores, factor=size**-0.5))
        mixed = b.binary("mixed", "matmul", b.unary("weights", "softmax", scores), value)
        joined = b.unary("merged", "permute", mixed, dims=[0, 2, 1, 3])
        joined = b.unary("joined", "reshape", joined, shape=[self.batch, self.tokens, self.width])
        return self.linear("proj", joined, self.width, self.width)

    def perceptron(self, x: str) -> str:
        """Add two layers with an activation, or SwiGLU's three."""
        b, width = self.b, self.width
        if self.style == "rms":
            hidden = 8 * width // 3
            gate = b.unary("silu", "silu", self.linear("gate", x, width, hidden))
            y = b.binary("gated", "mul", gate, self.linear("up", x, width, hidden))
            return self.linear("down", y, hidden, width)
        op = "relu" if self.style == "post" else "gelu"
        return self.linear("fc2", b.unary(op, op, self.linear("fc1", x, width, 4 * width)), 4 * width, width)
