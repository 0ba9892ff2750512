"""Windows that slide: convolutions and pooling by definition, one place of the kernel after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product as every
from typing import Any, Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula, many
from resdebug.verification.formulas.routing import NOWHERE, places, resized, returned, taken
from resdebug.verification.measured import Array, Measured, slips


class Window:
    """Kernel, stride, dilation, padding before and after, and how many windows there are, per axis."""

    def __init__(self, c: Case, sizes: tuple[int, ...], kernel: tuple[int, ...], counts: tuple[int, ...]) -> None:
        axes = len(sizes)
        self.kernel, self.sizes, self.counts = kernel, sizes, counts
        stride = c.get("stride", 1)
        self.stride = kernel if stride is None else many(stride, axes)
        self.dilation = many(c.get("dilation", 1), axes)
        self.before = self._before(c.get("padding", 0), axes)

    def _before(self, padding: Any, axes: int) -> tuple[int, ...]:
        if padding == "valid":
            return (0,) * axes
        if padding == "same":
            return tuple(d * (k - 1) // 2 for d, k in zip(self.dilation, self.kernel, strict=True))
        given = many(padding, axes)
        return given[::2] if len(given) == 2 * axes else given

    def each_place(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """Yield every place of the kernel, which windows see something of x there, and where in x."""
        for place in every(*(range(k) for k in self.kernel)):
            windows, seen = [], []
            for i, n, count, step, apart, before in zip(
                place, self.sizes, self.counts, self.stride, self.dilation, self.before, strict=True
            ):
                inside = [w for w in range(count) if 0 <= w * step - before + i * apart < n]
                first, last = (inside[0], inside[-1]) if inside else (0, -1)
                windows.append(slice(first, last + 1))
                start = first * step - before + i * apart
                seen.append(slice(start, start + (last - first) * step + 1 if inside else start, step))
            if all(s.stop > s.start for s in seen):
                yield place, tuple(windows), tuple(seen)


ALL: Final = slice(None)


def at(*parts: Any) -> tuple[Any, ...]:
    """Return an index made of whole numbers, slices and tuples of them."""
    return parts


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


def _double(array: Array) -> Array:
    return np.asarray(array, dtype=np.float64)


def _conv(c: Case, y: Array | None = None) -> _Convolution:
    shape = np.broadcast_to(np.float64(0), _image_shape(c)) if y is None else y
    return _Convolution(c, _double(c.raw("x")), _double(c.raw("weight")), shape)


def _over_channels(c: Case) -> Measured:
    return c.g.sum((0, *range(2, c.g.ndim)))


def _transposed(c: Case, x: Array, y: Array) -> _Convolution:
    """A transposed convolution is the way back of the convolution from its output to its input."""
    return _Convolution(c, y, _double(c.raw("weight")), x)


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
    sent = _transposed(c, _double(c.raw("x")), y).inputs()
    if not c.has("bias"):
        return sent
    bias = _double(c.raw("bias"))
    if c.chosen is not None:
        bias = bias[np.unique(c.chosen // math.prod(y.shape[2:]) % y.shape[1])]
    return sent + Measured(bias.reshape(-1, 1, 1))


# Pooling


def _pooled(c: Case, x: Array) -> Window:
    axes = x.ndim - 2
    kernel = many(c.get("kernel_size"), axes)
    stride = kernel if c.get("stride") is None else many(c.get("stride"), axes)
    apart, pad = many(c.get("dilation", 1), axes), many(c.get("padding", 0), axes)
    counts = []
    for n, k, step, d, p in zip(x.shape[2:], kernel, stride, apart, pad, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // step) if c.get("ceil_mode", False) else room // step) + 1
        counts.append(count - (1 if c.get("ceil_mode", False) and (count - 1) * step >= n + p else 0))
    case = Case({**c.attributes, "stride": list(stride)}, {}, c.dtype)
    return Window(case, x.shape[2:], kernel, tuple(counts))


def _stack(x: Array, window: Window) -> Array:
    """Return for every place of the kernel where in x the windows see, (places, N, C, …); outside is nowhere."""
    here = places(x.shape)
    layers = []
    for _, windows, seen in window.each_place():
        layer = np.full((*x.shape[:2], *window.counts), NOWHERE)
        layer[at(ALL, ALL, *windows)] = here[at(ALL, ALL, *seen)]
        layers.append(layer)
    return np.stack(layers)


def _largest(x: Array, layers: Array) -> Array:
    """Return the place of the first largest element of every window; NaN is the largest."""
    seen = np.where(layers == NOWHERE, -np.inf, _double(x).reshape(-1)[layers])
    seen = np.where(np.isnan(seen), np.inf, seen)
    nan = np.where(layers == NOWHERE, 0, np.isnan(_double(x).reshape(-1)[layers]))
    # Padding never wins, even against −∞.
    rank = np.where(layers == NOWHERE, -1, nan.astype(int))
    best = np.lexsort((np.arange(len(layers))[:, *[None] * (layers.ndim - 1)] * np.ones_like(rank), -seen, -rank), 0)
    return np.asarray(np.take_along_axis(layers, best[:1], 0)[0])


def _max_places(c: Case) -> Array:
    x = c.raw("x")
    return _largest(x, _stack(x, _pooled(c, x)))


def _divisors(c: Case, window: Window) -> Array:
    """Return how many elements each window averages."""
    x, along = c.raw("x"), []
    pad = many(c.get("padding", 0), x.ndim - 2)
    for n, k, step, p, count in zip(x.shape[2:], window.kernel, window.stride, pad, window.counts, strict=True):
        least, most = (-p, n + p) if c.get("count_include_pad", True) else (0, n)
        along.append([sum(least <= w * step - p + i < most for i in range(k)) for w in range(count)])
    total = np.float64(1)
    for sizes in along:
        total = np.multiply.outer(total, np.array(sizes, dtype=float))
    return np.asarray(total)


def _average(c: Case) -> Measured:
    x = c.raw("x")
    window = _pooled(c, x)
    seen = taken(x, _stack(x, window))
    return seen.sum((0,)) / Measured(_divisors(c, window))


def _average_back(c: Case) -> Measured:
    x = c.raw("x")
    window = _pooled(c, x)
    layers = _stack(x, window)
    return returned((c.g / Measured(_divisors(c, window))).to(layers.shape), layers, x.shape)


def _lp(c: Case) -> Measured:
    x, p = c.raw("x"), float(c.get("norm_type", 2.0))
    total = taken(x, _stack(x, _pooled(c, x))).abs().power(p).sum((0,))
    return total.power(1 / p)


def _lp_back(c: Case) -> Measured:
    x, p = c.raw("x"), float(c.get("norm_type", 2.0))
    layers = _stack(x, _pooled(c, x))
    seen = taken(x, layers)
    safe = Measured(np.where(c.y.value == 0, 1.0, c.y.value))
    share = (seen.abs() / safe).power(p - 1) * Measured(np.sign(seen.value))
    return returned(c.g * share, layers, x.shape)


def _bins(c: Case, shape: tuple[int, ...]) -> Array:
    """Return the places that every bin of adaptive pooling sees, (most in a bin, N, C, H, W)."""
    rows, columns = many(c.get("output_size"), 2)
    at = places(shape)
    boxes = {}
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * shape[2] // rows, -(-(i + 1) * shape[2] // rows)
            left, right = j * shape[3] // columns, -(-(j + 1) * shape[3] // columns)
            boxes[i, j] = at[:, :, top:bottom, left:right].reshape(*shape[:2], -1)
    most = max(box.shape[2] for box in boxes.values())
    layers = np.full((most, *shape[:2], rows, columns), NOWHERE)
    for (i, j), box in boxes.items():
        layers[: box.shape[2], :, :, i, j] = np.moveaxis(box, 2, 0)
    return layers


def _adaptive_average(c: Case) -> Measured:
    layers = _bins(c, c.x.shape)
    return taken(c.raw("x"), layers).sum((0,)) / Measured((layers != NOWHERE).sum(0).astype(float))


def _adaptive_average_back(c: Case) -> Measured:
    layers = _bins(c, c.x.shape)
    shared = c.g / Measured((layers != NOWHERE).sum(0).astype(float))
    return returned(shared.to(layers.shape), layers, c.x.shape)


def _adaptive_max(c: Case) -> Array:
    return _largest(c.raw("x"), _bins(c, c.x.shape))


def _linear_weights(size: int, count: int, *, corners: bool) -> Array:
    """Return the matrix (count, size) that interpolates along an axis."""
    matrix = np.zeros((count, size))
    for i in range(count):
        at = i * (size - 1) / max(count - 1, 1) if corners else max((i + 0.5) * size / count - 0.5, 0.0)
        low = min(math.floor(at), size - 1)
        high = min(low + 1, size - 1)
        matrix[i, low] += 1 - (at - low)
        matrix[i, high] += at - low
    return matrix


def _interpolation(c: Case) -> tuple[Measured, Measured]:
    rows, columns = resized(c, c.x.shape)
    corners = bool(c.get("align_corners", False))
    found = []
    for size, count in ((c.x.shape[2], rows), (c.x.shape[3], columns)):
        matrix = _linear_weights(size, count, corners=corners)
        # Where an output lies between its neighbours is known to a few roundings of the place itself.
        found.append(Measured(matrix, (matrix > 0) * float(size)))
    return found[0], found[1]


def _between(rows: Measured, columns: Measured, image: Measured) -> Measured:
    def mixed(a: Array, x: Array, b: Array) -> Array:
        return np.asarray(a @ x @ b.T)

    value = mixed(rows.value, image.value, columns.value)
    size = mixed(np.abs(rows.value), np.abs(image.value), np.abs(columns.value))
    slack = mixed(rows.bound, np.abs(image.value), np.abs(columns.value))
    slack = slack + mixed(np.abs(rows.value), np.abs(image.value), columns.bound)
    return Measured(value, slack + 8 * size, 2)


def _upsample(c: Case) -> Measured:
    if c.get("mode", "nearest") == "nearest":
        return taken(c.raw("x"), _nearest(c))
    rows, columns = _interpolation(c)
    return _between(rows, columns, c.x)


def _nearest(c: Case) -> Array:
    rows, columns = resized(c, c.x.shape)
    at = places(c.x.shape)
    i, j = np.arange(rows) * at.shape[2] // rows, np.arange(columns) * at.shape[3] // columns
    return np.asarray(at[:, :, i][:, :, :, j])


def _upsample_back(c: Case) -> Measured:
    if c.get("mode", "nearest") == "nearest":
        return returned(c.g, _nearest(c), c.x.shape)
    rows, columns = (m.moved(np.transpose) for m in _interpolation(c))
    return _between(rows, columns, c.g)


_CONVOLVED: Final[dict[str, Formula]] = {
    "x": lambda c: _conv(c, c.g.value).inputs(),
    "weight": lambda c: _conv(c, c.g.value).weights(),
    "bias": _over_channels,
}

FORWARD: Final[dict[str, Formula]] = {
    **{f"conv{n}d": lambda c: _bias(c, _conv(c).outputs()) for n in (1, 2, 3)},
    "conv_transpose2d": _transpose_forward,
    **{f"max_pool{n}d": lambda c: taken(c.raw("x"), _max_places(c)) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": _average for n in (1, 2, 3)},
    "lp_pool2d": _lp,
    "adaptive_avg_pool2d": _adaptive_average,
    "adaptive_max_pool2d": lambda c: taken(c.raw("x"), _adaptive_max(c)),
    "global_avg_pool": lambda c: c.x.mean(tuple(range(2, c.x.ndim)), keepdims=True),
    "upsample": _upsample,
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    **{f"conv{n}d": _CONVOLVED for n in (1, 2, 3)},
    "conv_transpose2d": {
        "x": lambda c: _transposed(c, _double(c.raw("x")), c.g.value).outputs(),
        "weight": lambda c: _transposed(c, _double(c.raw("x")), c.g.value).weights(),
        "bias": _over_channels,
    },
    **{f"max_pool{n}d": {"x": lambda c: returned(c.g, _max_places(c), c.x.shape)} for n in (1, 2, 3)},
    **{f"avg_pool{n}d": {"x": _average_back} for n in (1, 2, 3)},
    "lp_pool2d": {"x": _lp_back},
    "adaptive_avg_pool2d": {"x": _adaptive_average_back},
    "adaptive_max_pool2d": {"x": lambda c: returned(c.g, _adaptive_max(c), c.x.shape)},
    "global_avg_pool": {"x": lambda c: (c.g / float(math.prod(c.x.shape[2:]))).to(c.x.shape)},
    "upsample": {"x": _upsample_back},
}
