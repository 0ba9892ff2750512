"""Pooling and interpolation by definition."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula, many
from resdebug.verification.formulas.routing import NOWHERE, places, resized, returned, taken
from resdebug.verification.formulas.windows import ALL, Window, at, double
from resdebug.verification.measured import Array, Measured


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
    seen = np.where(layers == NOWHERE, -np.inf, double(x).reshape(-1)[layers])
    seen = np.where(np.isnan(seen), np.inf, seen)
    nan = np.where(layers == NOWHERE, 0, np.isnan(double(x).reshape(-1)[layers]))
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


FORWARD: Final[dict[str, Formula]] = {
    **{f"max_pool{n}d": lambda c: taken(c.raw("x"), _max_places(c)) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": _average for n in (1, 2, 3)},
    "lp_pool2d": _lp,
    "adaptive_avg_pool2d": _adaptive_average,
    "adaptive_max_pool2d": lambda c: taken(c.raw("x"), _adaptive_max(c)),
    "global_avg_pool": lambda c: c.x.mean(tuple(range(2, c.x.ndim)), keepdims=True),
    "upsample": _upsample,
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    **{f"max_pool{n}d": {"x": lambda c: returned(c.g, _max_places(c), c.x.shape)} for n in (1, 2, 3)},
    **{f"avg_pool{n}d": {"x": _average_back} for n in (1, 2, 3)},
    "lp_pool2d": {"x": _lp_back},
    "adaptive_avg_pool2d": {"x": _adaptive_average_back},
    "adaptive_max_pool2d": {"x": lambda c: returned(c.g, _adaptive_max(c), c.x.shape)},
    "global_avg_pool": {"x": lambda c: (c.g / float(math.prod(c.x.shape[2:]))).to(c.x.shape)},
    "upsample": {"x": _upsample_back},
}
