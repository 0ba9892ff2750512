"""Sums, means, extremes and norms over axes; softmax; normalisations."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula
from resdebug.verification.measured import Array, Measured, where


def _shaped(c: Case, y: Measured) -> Measured:
    """Drop reduced axes (kept as size 1 so far) unless they are to stay."""
    if c.get("keepdim", False):
        return y
    axes = c.axes()
    return y.moved(lambda v: v.reshape([n for i, n in enumerate(c.x.shape) if i not in axes]))


def _spread(c: Case, reduced: Measured) -> Measured:
    """Put reduced axes back, and stretch over x."""
    axes = c.axes()
    kept = [1 if i in axes else n for i, n in enumerate(c.x.shape)]
    return reduced.moved(lambda v: np.broadcast_to(v.reshape(kept), c.x.shape))


def _count(c: Case) -> int:
    return math.prod(c.x.shape[i] for i in c.axes())


def _prod(c: Case) -> Measured:
    value = np.prod(c.x.value, axis=c.axes(), keepdims=True)
    return _shaped(c, Measured(value, _count(c) * np.abs(value), 2))


def _prod_back(c: Case) -> Measured:
    axes = c.axes()
    rest = [i for i in range(c.x.ndim) if i not in axes]
    order = [*rest, *axes]
    flat = np.transpose(c.x.value, order).reshape([*(c.x.shape[i] for i in rest), -1])
    others = np.ones(flat.shape)
    for k in range(flat.shape[-1]):
        others[..., k] = np.prod(np.delete(flat, k, axis=-1), axis=-1)
    back = others.reshape([c.x.shape[i] for i in order]).transpose(np.argsort(order))
    return _spread(c, c.g) * Measured(back, _count(c) * np.abs(back), 2)


def _log_sum_exp(x: Measured, axes: tuple[int, ...]) -> Measured:
    top = np.max(x.value, axis=axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    return (x - Measured(top)).exp().sum(axes, keepdims=True).log() + Measured(top)


def log_softmax(x: Measured, axis: int) -> Measured:
    """Return ``x − log Σ exp(x)`` along an axis."""
    return x - _log_sum_exp(x, (axis % max(x.ndim, 1),) if x.ndim else ()).to(x.shape)


def _softmax(c: Case) -> Measured:
    return log_softmax(c.x, c.get("dim", -1)).exp()


def _softmax_back(c: Case) -> Measured:
    axis = c.get("dim", -1) % max(c.x.ndim, 1)
    return c.y * (c.g - (c.g * c.y).sum((axis,), keepdims=True))


def _log_softmax_back(c: Case) -> Measured:
    axis = c.get("dim", -1) % max(c.x.ndim, 1)
    return c.g - c.y.exp() * c.g.sum((axis,), keepdims=True)


def _extreme(c: Case, sign: float) -> Measured:
    """Return the largest, times the sign; NaN wins."""
    return _shaped(c, Measured(sign * np.max(sign * c.x.value, axis=c.axes(), keepdims=True)))


def _share(c: Case, chosen: Array) -> Measured:
    ties = np.sum(chosen, axis=c.axes(), keepdims=True)
    return where(chosen, _spread(c, c.g) / Measured(np.broadcast_to(ties, chosen.shape).astype(float)), 0.0)


def _extreme_back(c: Case) -> Measured:
    best = _spread(c, c.y).value
    return _share(c, (c.x.value == best) | (np.isnan(c.x.value) & np.isnan(best)))


def _deviations(c: Case) -> Measured:
    first = c.x.value[tuple(slice(1) if i in c.axes() else slice(None) for i in range(c.x.ndim))]
    apart = c.x - Measured(np.broadcast_to(np.where(np.isfinite(first), first, 0.0), c.x.shape))
    return apart - apart.mean(c.axes(), keepdims=True).to(c.x.shape)


def _var(c: Case) -> Measured:
    d = _deviations(c)
    return (d * d).sum(c.axes(), keepdims=True) / float(_count(c) - c.get("correction", 1))


def _std_back(c: Case) -> Measured:
    rest = float(_count(c) - c.get("correction", 1))
    slope = where(c.y.value == 0, 0.0, c.g / (where(c.y.value == 0, 1.0, c.y) * rest))
    return _spread(c, slope) * _deviations(c)


def _norm(c: Case) -> Measured:
    p, sizes = c.get("p", 2.0), c.x.abs()
    if p == "inf":
        return _shaped(c, Measured(np.max(sizes.value, axis=c.axes(), keepdims=True)))
    if p == 1:
        return _shaped(c, sizes.sum(c.axes(), keepdims=True))
    largest = np.max(sizes.value, axis=c.axes(), keepdims=True, initial=0)
    scale = Measured(np.where((largest > 0) & np.isfinite(largest), largest, 1.0))
    total = (sizes / scale.to(sizes.shape)).power(float(p)).sum(c.axes(), keepdims=True)
    return _shaped(c, scale * total.power(1 / float(p)))


def _norm_back(c: Case) -> Measured:
    p, x = c.get("p", 2.0), c.x
    g, y, sign = _spread(c, c.g), _spread(c, c.y), Measured(np.sign(x.value))
    if p == "inf":
        return _share(c, np.abs(x.value) == y.value) * sign
    if p == 1:
        return g * sign
    zero = (x.value == 0) | (y.value == 0)
    ratio = (where(zero, 1.0, x.abs()) / where(zero, 1.0, y)).power(float(p) - 1)
    return g * sign * where(zero, 0.0, ratio)


# Normalisations: x̂ = (x − μ) / σ over some axes, then weight and bias.


def _per_channel(c: Case, slot: str) -> Measured:
    return c[slot].moved(lambda v: v.reshape(-1, *[1] * (c.x.ndim - 2)))


def _affine(c: Case, slot: str) -> Measured:
    op = str(c.get("op"))
    return c[slot] if op in {"layer_norm", "rms_norm"} else _per_channel(c, slot)


class _Normal:
    """The normalised x, its 1/σ, and whether both were taken from x."""

    def __init__(self, c: Case) -> None:
        op, x = str(c.get("op")), c.x
        self.own = True
        self.shape = x.shape
        if op == "group_norm":
            groups = int(c.get("num_groups"))
            self.shape = (x.shape[0], groups, x.size // max(x.shape[0] * groups, 1))
            self.axes: tuple[int, ...] = (2,)
        elif op == "instance_norm":
            self.axes, self.own = tuple(range(2, x.ndim)), bool(c.get("use_input_stats", True))
        elif op == "batch_norm":
            self.axes, self.own = (0, *range(2, x.ndim)), bool(c.get("training", False))
        else:
            tail = c.get("normalized_shape")
            self.axes = tuple(range(x.ndim - (len(tail) if isinstance(tail, list) else 1), x.ndim))
        seen = x.moved(lambda v: v.reshape(self.shape))
        eps = c.get("eps")
        epsilon = c.number("eps") if eps is not None else Measured(np.float64(np.finfo(c.dtype).eps))
        if op == "rms_norm":
            self.inverse = 1.0 / ((seen * seen).mean(self.axes, keepdims=True) + epsilon).sqrt()
            self.centred = seen
        elif self.own:
            self.centred = seen - seen.mean(self.axes, keepdims=True)
            # Another way to the mean leaves the variance off by the square of what the mean is off by, and no more.
            plain = Measured(self.centred.value, np.abs(self.centred.value))
            variance = (plain * plain).mean(self.axes, keepdims=True)
            off = np.mean(self.centred.bound, axis=self.axes, keepdims=True) ** 2
            variance.bound = variance.bound + off * 2.0**-20
            self.inverse = 1.0 / (variance + epsilon).sqrt()
        else:
            self.centred = seen - _per_channel(c, "running_mean")
            self.inverse = 1.0 / (_per_channel(c, "running_var") + epsilon).sqrt()
        self.hat = self.centred * self.inverse
        self.centres = op != "rms_norm"

    def whole(self, c: Case) -> Measured:
        """Return x̂ in the shape of x."""
        return self.hat.moved(lambda v: v.reshape(c.x.shape))

    def back(self, c: Case, g: Measured) -> Measured:
        """Divide by σ, and take off what μ and σ owe to x where they were taken from it."""
        g = g.moved(lambda v: np.broadcast_to(v, c.x.shape).reshape(self.shape))
        if self.own:
            owed = self.hat * (g * self.hat).mean(self.axes, keepdims=True)
            g = g - g.mean(self.axes, keepdims=True) - owed if self.centres else g - owed
        return (g * self.inverse).moved(lambda v: v.reshape(c.x.shape))


def _normalised(c: Case) -> Measured:
    y = _Normal(c).whole(c)
    if c.has("weight"):
        y = y * _affine(c, "weight")
    return y + _affine(c, "bias") if c.has("bias") else y


def _normalised_x(c: Case) -> Measured:
    g = c.g * _affine(c, "weight") if c.has("weight") else c.g
    return _Normal(c).back(c, g)


def _down(c: Case, slot: str, sent: Measured) -> Measured:
    return sent.unbroadcast(_affine(c, slot).shape).moved(lambda v: v.reshape(c[slot].shape))


_NORMALISED: Final[dict[str, Formula]] = {
    "x": _normalised_x,
    "weight": lambda c: _down(c, "weight", c.g * _Normal(c).whole(c)),
    "bias": lambda c: _down(c, "bias", c.g),
}
NORMALISATIONS: Final = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")


def _all_places(c: Case) -> Case:
    axes = list(range(2, c.x.ndim))
    return Case({"dim": axes, "keepdim": True}, c.inputs, c.dtype, c._y, c._g)


FORWARD: Final[dict[str, Formula]] = {
    "sum": lambda c: _shaped(c, c.x.sum(c.axes(), keepdims=True)),
    "mean": lambda c: _shaped(c, c.x.mean(c.axes(), keepdims=True)),
    "prod": _prod,
    "logsumexp": lambda c: _shaped(c, _log_sum_exp(c.x, c.axes())),
    "max": lambda c: _extreme(c, 1.0),
    "min": lambda c: _extreme(c, -1.0),
    "global_max_pool": lambda c: _extreme(_all_places(c), 1.0),
    "var": lambda c: _shaped(c, _var(c)),
    "std": lambda c: _shaped(c, _var(c).sqrt()),
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": lambda c: log_softmax(c.x, c.get("dim", -1)),
    **dict.fromkeys(NORMALISATIONS, _normalised),
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    "sum": {"x": lambda c: _spread(c, c.g)},
    "mean": {"x": lambda c: _spread(c, c.g / float(_count(c)))},
    "prod": {"x": _prod_back},
    "logsumexp": {"x": lambda c: _spread(c, c.g) * (c.x - _spread(c, c.y)).exp()},
    "max": {"x": _extreme_back},
    "min": {"x": _extreme_back},
    "global_max_pool": {"x": lambda c: _extreme_back(_all_places(c))},
    "var": {"x": lambda c: _spread(c, c.g) * _deviations(c) * 2.0 / float(_count(c) - c.get("correction", 1))},
    "std": {"x": _std_back},
    "norm": {"x": _norm_back},
    "softmax": {"x": _softmax_back},
    "log_softmax": {"x": _log_softmax_back},
    **dict.fromkeys(NORMALISATIONS, _NORMALISED),
}
