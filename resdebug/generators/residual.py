"""Residual blocks, with or without skips, before or after activation, with a scale of their own.

``plain`` leaves the additions out. ``rezero`` multiplies every branch by a number that starts at 0 (Bachlechner et al.
2020, arXiv 2003.04887). ``fixup`` has no normalisation: scalar biases and multipliers, and branches that start small
and end in zeros (Zhang et al. 2019, arXiv 1901.09321). ``preact`` normalises and activates before every convolution
(He et al. 2016, arXiv 1603.05027).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options

Shortcut = Callable[[Builder, str, int, int, int], str]


def describe(kind: Kind, options: Options) -> str:
    """Say in two sentences what the network is."""
    variants = {
        "preact": "pre-activation blocks (He et al. 2016)",
        "plain": "all skips removed",
        "rezero": "every branch times a parameter that starts at 0 (ReZero, Bachlechner et al. 2020)",
        "fixup": "no normalisation, Fixup initialisation (Zhang et al. 2019): the last layers start at zero, so at the "
        "start only they get a gradient",
    }
    chosen = [text for name, text in variants.items() if getattr(options, name)]
    changed = f" Here with {', and '.join(chosen)}." if chosen else ""
    return f"{kind.about} ({kind.source}), freshly initialised from seed {options.seed}.{changed}"


class Residual:
    """Adds stems, blocks and ends to a builder in the variant that the options ask for."""

    def __init__(self, b: Builder, options: Options, *, blocks: int, groups: int = 1, squeeze: int = 0) -> None:
        self.b = b
        self.preact = options.preact
        self.plain = options.plain
        self.rezero = options.rezero
        self.fixup = options.fixup
        self.blocks = blocks
        self.groups = groups
        self.squeeze = squeeze

    def stem(self, x: str, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> str:
        """Add the first convolution with what follows it."""
        x = self.b.conv("conv1", x, inputs, outputs, kernel, stride=stride)
        if self.preact:
            return x
        x = self.bias("bias1", x) if self.fixup else self.b.norm("bn1", x, outputs)
        return self.b.unary("relu", "relu", x)

    def end(self, x: str, channels: int) -> str:
        """Add what follows the last block: pre-activation nets still need normalisation and relu."""
        if self.preact:
            return self.b.unary("relu_end", "relu", self.b.norm("bn_end", x, channels))
        return self.bias("bias2", x) if self.fixup else x

    def basic(self, x: str, inputs: int, outputs: int, stride: int, shortcut: Shortcut) -> str:
        """Add a block of two 3×3 convolutions."""
        return self.block(x, [(inputs, outputs, 3, stride, 1), (outputs, outputs, 3, 1, 1)], shortcut)

    def bottleneck(self, x: str, inputs: int, width: int, outputs: int, stride: int, shortcut: Shortcut) -> str:
        """Add a block of 1×1, 3×3 and 1×1 convolutions; the stride is in the middle, as PyTorch's models have it."""
        layers = [(inputs, width, 1, 1, 1), (width, width, 3, stride, self.groups), (width, outputs, 1, 1, 1)]
        return self.block(x, layers, shortcut)

    def block(self, x: str, layers: list[tuple[int, int, int, int, int]], shortcut: Shortcut) -> str:
        """Add layers (inputs, outputs, kernel, stride, groups) as a branch, the shortcut, and where they meet."""
        inputs, outputs = layers[0][0], layers[-1][1]
        stride = math.prod(layer[3] for layer in layers)
        changed = stride > 1 or inputs != outputs
        if self.preact:
            return self.before(x, layers, shortcut, changed=changed, stride=stride)
        entry = self.bias("bias1a", x) if self.fixup else x
        y = self.fixed_up(entry, layers) if self.fixup else self.normalised(x, layers)
        if self.squeeze:
            y = self.excite(y, outputs)
        y = self.scaled(y)
        if not self.plain:
            y = self.b.binary("add", "add", y, shortcut(self.b, entry, inputs, outputs, stride) if changed else x)
        return self.b.unary("relu_out", "relu", y)

    def normalised(self, x: str, layers: list[tuple[int, int, int, int, int]]) -> str:
        """Add convolution, normalisation and relu, the last layer without relu."""
        for i, (inputs, outputs, kernel, stride, groups) in enumerate(layers, start=1):
            x = self.b.conv(f"conv{i}", x, inputs, outputs, kernel, stride=stride, groups=groups)
            x = self.b.norm(f"bn{i}", x, outputs)
            if i < len(layers):
                x = self.b.unary(f"relu{i}", "relu", x)
        return x

    def before(
        self, x: str, layers: list[tuple[int, int, int, int, int]], shortcut: Shortcut, *, changed: bool, stride: int
    ) -> str:
        """Add normalisation, relu and convolution; a projection starts after the first relu, an identity at x."""
        y = skip = x
        for i, (inputs, outputs, kernel, step, groups) in enumerate(layers, start=1):
            y = self.b.unary(f"relu{i}", "relu", self.b.norm(f"bn{i}", y, inputs))
            if i == 1 and changed and not self.plain:
                skip = shortcut(self.b, y, inputs, layers[-1][1], stride)
            y = self.b.conv(f"conv{i}", y, inputs, outputs, kernel, stride=step, groups=groups)
        y = self.scaled(y)
        return y if self.plain else self.b.binary("add", "add", y, skip)

    def fixed_up(self, x: str, layers: list[tuple[int, int, int, int, int]]) -> str:
        """Add convolutions between scalar biases, all but the last scaled by L^(−1/(2m − 2)), the last one zero."""
        smaller = self.blocks ** (-1 / (2 * len(layers) - 2))
        for i, (inputs, outputs, kernel, stride, groups) in enumerate(layers, start=1):
            last = i == len(layers)
            if i > 1:
                x = self.bias(f"bias{i}a", x)
            std = smaller * math.sqrt(2 / (inputs // groups * kernel**2))
            x = self.b.conv(f"conv{i}", x, inputs, outputs, kernel, stride=stride, groups=groups, std=std,
                            fill=0 if last else None)  # fmt: skip
            if last:
                x = self.b.binary("scaled", "mul", x, self.b.parameter("scale", fill=1))
            x = self.bias(f"bias{i}b", x)
            if not last:
                x = self.b.unary(f"relu{i}", "relu", x)
        return x

    def scaled(self, x: str) -> str:
        """Multiply the branch by ReZero's α."""
        return self.b.binary("rezero", "mul", x, self.b.parameter("alpha", fill=0)) if self.rezero else x

    def bias(self, name: str, x: str) -> str:
        """Add one number to everything."""
        return self.b.binary(f"{name}_add", "add", x, self.b.parameter(name, fill=0))

    def excite(self, x: str, channels: int) -> str:
        """Add squeeze and excitation: every channel times a gate that sees the means of all."""
        b = self.b
        with b.within("se"):
            z = b.unary("relu", "relu", b.conv("fc1", b.unary("squeeze", "global_avg_pool", x), channels,
                                               channels // self.squeeze, 1, bias=True))  # fmt: skip
            gate = b.unary("gate", "sigmoid", b.conv("fc2", z, channels // self.squeeze, channels, 1, bias=True))
            return b.binary("excite", "mul", x, gate)
