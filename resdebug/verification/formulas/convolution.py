"""Convolutions by definition; of large ones some channels."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula, many
from resdebug.verification.formulas.routing import places
from resdebug.verification.formulas.windows import ALL, Window, at, double
from resdebug.verification.measured import Array, Measured, slips


class _Convolution:
    """The three sums of products of a convolution: over what makes an output, reaches an input, meets a weight."""

    def __init__(self, c: Case, x: Array, weight: Array, y: Array) -> None:
        self.c, self.x, self.weight, self.y = c, x, weight, y
        self.groups = int(c.get("groups", 1))
        self.window = Window(c, x.shape[2:], weight.shape[2:], y.shape[2:])
        self.outs, self.ins = weight.shape[0] // self.groups, weight.shape[1]

    def channels(self, count: int, products: int) -> list[int]:
        """Choose among channels of so many products each: all where there is time, else some, first and last too."""
        most = max(2, self.c.budget // max(products, 1)) if self.c.budget else count
        if count <= most:
            return list(range(count))
        drawn = np.random.default_rng(self.c.seed).choice(count, most, replace=False)
        return sorted({0, count - 1, *(int(i) for i in drawn[: most - 2])})

    def outputs(self) -> Measured:
        """Return y, of some channels where there are many."""
        products = self.y[:, :1].size * self.weight[:1].size
        chosen = self.channels(self.weight.shape[0], products)
        value = np.zeros((self.y.shape[0], len(chosen), *self.y.shape[2:]))
        size = np.zeros(value.shape)
        for k, o in enumerate(chosen):
            own = slice(o // self.outs * self.ins, (o // self.outs + 1) * self.ins)
            for place, windows, seen in self.window.each_place():
                part = np.moveaxis(self.x[at(ALL, own, *seen)], 1, -1)
                value[at(ALL, k, *windows)] += part @ self.weight[at(o, ALL, *place)]
                size[at(ALL, k, *windows)] += np.abs(part) @ np.abs(self.weight[at(o, ALL, *place)])
        return self.told(value, size, self.weight[0].size, self.y.shape, 1, chosen)

    def inputs(self) -> Measured:
        """Return what reaches x, of some channels where there are many."""
        products = self.y[:, :1].size * self.weight[:1, :1].size * self.outs
        chosen = self.channels(self.x.shape[1], products)
        value = np.zeros((self.x.shape[0], len(chosen), *self.x.shape[2:]))
        size = np.zeros(value.shape)
        for k, channel in enumerate(chosen):
            group, i = divmod(channel, self.ins)
            own = slice(group * self.outs, (group + 1) * self.outs)
            for place, windows, seen in self.window.each_place():
                part = np.moveaxis(self.y[at(ALL, own, *windows)], 1, -1)
                value[at(ALL, k, *seen)] += part @ self.weight[at(own, i, *place)]
                size[at(ALL, k, *seen)] += np.abs(part) @ np.abs(self.weight[at(own, i, *place)])
        return self.told(value, size, self.outs * math.prod(self.window.kernel), self.x.shape, 1, chosen)

    def weights(self) -> Measured:
        """Return what reaches the weights, of some outputs where there are many."""
        products = self.y[:, :1].size * self.weight[:1].size
        chosen = self.channels(self.weight.shape[0], products)
        value = np.zeros((len(chosen), *self.weight.shape[1:]))
        size = np.zeros(value.shape)
        for k, o in enumerate(chosen):
            own = slice(o // self.outs * self.ins, (o // self.outs + 1) * self.ins)
            for place, windows, seen in self.window.each_place():
                part = np.moveaxis(self.x[at(ALL, own, *seen)], 1, 0).reshape(self.ins, -1)
                met = self.y[at(ALL, o, *windows)].reshape(-1)
                value[at(k, ALL, *place)] = part @ met
                size[at(k, ALL, *place)] = np.abs(part) @ np.abs(met)
        return self.told(value, size, self.y[:, 0].size, self.weight.shape, 0, chosen)

    def told(
        self, value: Array, size: Array, terms: int, shape: tuple[int, ...], axis: int, chosen: list[int]
    ) -> Measured:
        """Return the sums; fast algorithms mix neighbours, so that the largest of them sets the bound."""
        bound = np.full(value.shape, (2 + slips(terms)) * size.max(initial=0))
        if len(chosen) < shape[axis]:
            where = places(shape)
            self.c.chosen = np.take(where, chosen, axis=axis).reshape(-1)
        return Measured(value, bound, 2)


def _bias(c: Case, y: Measured) -> Measured:
    if not c.has("bias"):
        return y
    bias = np.asarray(c.raw("bias"), dtype=np.float64)
    if c.chosen is not None:
        shape = _image_shape(c)
        per = math.prod(shape[2:])
        bias = bias[np.unique(c.chosen // per % shape[1])]
    return y + Measured(bias.reshape(-1, *[1] * (y.ndim - 2)))


def _image_shape(c: Case) -> tuple[int, ...]:
    """Return the shape of a convolution's output, from the definition of its size."""
    x, weight = c.raw("x"), c.raw("weight")
    axes = x.ndim - 2
    stride, apart = many(c.get("stride", 1), axes), many(c.get("dilation", 1), axes)
    padding, sizes = c.get("padding", 0), []
    for i in range(axes):
        reach = apart[i] * (weight.shape[2 + i] - 1)
        if padding == "same":
            room = reach
        elif padding == "valid":
            room = 0
        else:
            given = many(padding, axes)
            room = given[2 * i] + given[2 * i + 1] if len(given) == 2 * axes else 2 * given[i]
        sizes.append((x.shape[2 + i] + room - reach - 1) // stride[i] + 1)
    return (x.shape[0], weight.shape[0], *sizes)


def _conv(c: Case, y: Array | None = None) -> _Convolution:
    shape = np.broadcast_to(np.float64(0), _image_shape(c)) if y is None else y
    return _Convolution(c, double(c.raw("x")), double(c.raw("weight")), shape)


def _over_channels(c: Case) -> Measured:
    return c.g.sum((0, *range(2, c.g.ndim)))


def _transposed(c: Case, x: Array, y: Array) -> _Convolution:
    """A transposed convolution is the way back of the convolution from its output to its input."""
    return _Convolution(c, y, double(c.raw("weight")), x)


def _transposed_shape(c: Case) -> tuple[int, ...]:
    x, weight = c.raw("x"), c.raw("weight")
    stride, apart, pad, more = (
        many(c.get(name, least), 2)
        for name, least in (("stride", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0))
    )
    sizes = [
        (x.shape[2 + i] - 1) * stride[i] - 2 * pad[i] + apart[i] * (weight.shape[2 + i] - 1) + more[i] + 1
        for i in range(2)
    ]
    return (x.shape[0], weight.shape[1] * int(c.get("groups", 1)), *sizes)


def _transpose_forward(c: Case) -> Measured:
    y = np.broadcast_to(np.float64(0), _transposed_shape(c))
    sent = _transposed(c, double(c.raw("x")), y).inputs()
    if not c.has("bias"):
        return sent
    bias = double(c.raw("bias"))
    if c.chosen is not None:
        bias = bias[np.unique(c.chosen // math.prod(y.shape[2:]) % y.shape[1])]
    return sent + Measured(bias.reshape(-1, 1, 1))


_CONVOLVED: Final[dict[str, Formula]] = {
    "x": lambda c: _conv(c, c.g.value).inputs(),
    "weight": lambda c: _conv(c, c.g.value).weights(),
    "bias": _over_channels,
}

FORWARD: Final[dict[str, Formula]] = {
    **{f"conv{n}d": lambda c: _bias(c, _conv(c).outputs()) for n in (1, 2, 3)},
    "conv_transpose2d": _transpose_forward,
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    **{f"conv{n}d": _CONVOLVED for n in (1, 2, 3)},
    "conv_transpose2d": {
        "x": lambda c: _transposed(c, double(c.raw("x")), c.g.value).outputs(),
        "weight": lambda c: _transposed(c, double(c.raw("x")), c.g.value).weights(),
        "bias": _over_channels,
    },
}
