"""Element by element: a function, and its slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula
from resdebug.verification.measured import Array, Measured, where

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


def sigmoid(x: Measured) -> Measured:
    """Return ``1 / (1 + exp(−x))``."""

    def plain(v: Array) -> Array:
        e = np.exp(-np.abs(v))
        return np.asarray(np.where(v >= 0, 1.0, e) / (1 + e))

    return x.each(plain, lambda v: plain(v) * plain(-v))


def softplus(x: Measured) -> Measured:
    """Return ``log(1 + exp(x))``."""
    result = x.each(lambda v: np.logaddexp(0, v), lambda v: 1 / (1 + np.exp(-v)))
    return Measured(result.value, result.bound + 2 * np.maximum(x.value, 0), 2)


def _erf(v: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(v))


def _cdf(x: Measured) -> Measured:
    half = x.each(lambda v: 0.5 * _erfc(-v / math.sqrt(2)), lambda v: np.exp(-v * v / 2) / math.sqrt(2 * math.pi))
    # Far on the left 1 + erf cancels.
    return Measured(half.value, half.bound + 1.0, 2)


def _erfc(v: Array) -> Array:
    from scipy.special import erfc

    return np.asarray(erfc(v))


def _gelu_inner(x: Measured) -> Measured:
    return (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)


def _gelu(c: Case) -> Measured:
    if c.get("approximate", "none") == "tanh":
        return c.x * (_gelu_inner(c.x).tanh() + 1.0) * 0.5
    return c.x * _cdf(c.x)


def _gelu_slope(c: Case) -> Measured:
    x = c.x
    if c.get("approximate", "none") == "tanh":
        t = _gelu_inner(x).tanh()
        slope = (1.0 - t * t) * 0.5 * (1.0 + x * x * (3 * 0.044715)) * math.sqrt(2 / math.pi)
        return (t + 1.0) * 0.5 + x * slope
    density = x.each(lambda v: np.exp(-v * v / 2) / math.sqrt(2 * math.pi), lambda v: v)
    density.bound = density.bound + x.value**2 * density.value
    return _cdf(x) + x * density


def _softplus(c: Case) -> Measured:
    z = c.x * c.number("beta", 1.0)
    return where(z.value > c.get("threshold", 20.0), c.x, softplus(z) / c.number("beta", 1.0))


def _softplus_slope(c: Case) -> Measured:
    z = c.x * c.number("beta", 1.0)
    return where(z.value > c.get("threshold", 20.0), 1.0, sigmoid(z))


def _mish_slope(c: Case) -> Measured:
    t = softplus(c.x).tanh()
    return t + c.x * ((1.0 - t * t) * sigmoid(c.x))


def _hard_sigmoid(c: Case) -> Measured:
    return clipped(c.x + 3.0, 0.0, 6.0) / 6.0


def clipped(x: Measured, low: float, high: float) -> Measured:
    """Hold between two numbers."""
    return where(x.value < low, low, where(x.value > high, high, x))


def _exponential(slope: float, height: Measured, steepness: Measured) -> tuple[Formula, Formula]:
    def forward(c: Case) -> Measured:
        below = (clipped(c.x, -np.inf, 0.0) * steepness).each(np.expm1, np.exp)
        return where(c.x.value > 0, c.x * slope, below * height)

    def derivative(c: Case) -> Measured:
        z = clipped(c.x, -np.inf, 0.0) * steepness
        return where(c.x.value > 0, slope, z.exp() * height * steepness)

    return forward, derivative


def _elu(c: Case) -> tuple[Formula, Formula]:
    return _exponential(1.0, c.number("alpha", 1.0), Measured(np.float64(1)))


def _selu(c: Case) -> tuple[Formula, Formula]:
    return _exponential(LAMBDA, Measured(np.float64(LAMBDA * ALPHA), np.float64(2)), Measured(np.float64(1)))


def _celu(c: Case) -> tuple[Formula, Formula]:
    return _exponential(1.0, c.number("alpha", 1.0), 1.0 / c.number("alpha", 1.0))


def _bounds(c: Case, low: str, high: str, default: tuple[float | None, float | None]) -> tuple[float, float]:
    least, most = c.get(low, default[0]), c.get(high, default[1])
    kind = np.dtype(c.dtype).type
    return float(kind(-np.inf if least is None else least)), float(kind(np.inf if most is None else most))


def _held(c: Case, low: float, high: float) -> Measured:
    x = c.x
    return where(x.value < low, low, where(x.value > high, high, x))


def _between(c: Case, low: float, high: float, *, edges: bool) -> Measured:
    x = c.x.value
    out = (x < low) | (x > high) if edges else (x <= low) | (x >= high)
    return where(out, 0.0, c.g)


def _masked(c: Case) -> Measured:
    mask = c.raw("mask") if c.has("mask") else None
    if mask is None:
        draw = np.random.Generator(np.random.PCG64(int(c.get("seed", 0)))).random(c.x.shape)
        mask = draw >= c.get("p", 0.5)
    share = Measured(np.float64(1)) / (1.0 - c.number("p", 0.5))
    return Measured(np.asarray(mask, dtype=np.float64)) * share


def _dropped(c: Case, operand: Measured) -> Measured:
    return operand * _masked(c) if c.get("training", True) else operand


def _per_channel(c: Case) -> Measured:
    x, weight = c.x, c["weight"]
    return weight.moved(lambda w: w.reshape(-1, *[1] * (x.ndim - 2)) if w.size > 1 else w.reshape(()))


def _prelu_weight(c: Case) -> Measured:
    parts = where(c.x.value > 0, 0.0, c.g * c.x)
    return parts.unbroadcast(_per_channel(c).shape).moved(lambda v: v.reshape(c["weight"].shape))


def _pow_slope(c: Case) -> Measured:
    if c.get("exponent") == 0:
        return Measured(np.zeros(c.x.shape))
    return c.x.power(float(c.get("exponent")) - 1) * c.number("exponent")


Slope = Callable[[Case], Measured]

FORWARD: Final[dict[str, Formula]] = {
    "neg": lambda c: -c.x,
    "scale": lambda c: c.x * c.exact("factor"),
    "pow": lambda c: c.x.power(float(c.get("exponent"))),
    "exp": lambda c: c.x.exp(),
    "log": lambda c: c.x.log(),
    "sqrt": lambda c: c.x.sqrt(),
    "abs": lambda c: c.x.abs(),
    "square": lambda c: c.x * c.x,
    "reciprocal": lambda c: 1.0 / c.x,
    "rsqrt": lambda c: 1.0 / c.x.sqrt(),
    "log1p": lambda c: c.x.each(np.log1p, lambda v: 1 / (1 + v)),
    "expm1": lambda c: c.x.each(np.expm1, np.exp),
    "sin": lambda c: c.x.each(np.sin, np.cos),
    "cos": lambda c: c.x.each(np.cos, np.sin),
    "erf": lambda c: c.x.each(_erf, lambda v: 2 / math.sqrt(math.pi) * np.exp(-v * v)),
    "clip": lambda c: _held(c, *_bounds(c, "min", "max", (None, None))),
    "relu": lambda c: where(c.x.value < 0, 0.0, c.x),
    "tanh": lambda c: c.x.tanh(),
    "sigmoid": lambda c: sigmoid(c.x),
    "relu6": lambda c: _held(c, 0.0, 6.0),
    "hardtanh": lambda c: _held(c, *_bounds(c, "min_val", "max_val", (-1.0, 1.0))),
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": lambda c: c.x * _hard_sigmoid(c),
    "leaky_relu": lambda c: where(c.x.value > 0, c.x, c.x * c.number("negative_slope", 0.01)),
    "prelu": lambda c: where(c.x.value > 0, c.x, c.x * _per_channel(c)),
    "elu": lambda c: _elu(c)[0](c),
    "selu": lambda c: _selu(c)[0](c),
    "celu": lambda c: _celu(c)[0](c),
    "gelu": _gelu,
    "silu": lambda c: c.x * sigmoid(c.x),
    "softplus": _softplus,
    "mish": lambda c: c.x * softplus(c.x).tanh(),
    "logsigmoid": lambda c: -softplus(-c.x),
    "dropout": lambda c: _dropped(c, c.x),
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    "neg": {"x": lambda c: -c.g},
    "scale": {"x": lambda c: c.g * c.exact("factor")},
    "pow": {"x": lambda c: c.g * _pow_slope(c)},
    "exp": {"x": lambda c: c.g * c.y},
    "log": {"x": lambda c: c.g / c.x},
    "sqrt": {"x": lambda c: c.g / (c.y * 2.0)},
    "abs": {"x": lambda c: c.g * Measured(np.sign(c.x.value))},
    "square": {"x": lambda c: c.g * Measured(2 * c.x.value)},
    "reciprocal": {"x": lambda c: -c.g / (c.x * c.x)},
    "rsqrt": {"x": lambda c: c.g * c.y * -0.5 / c.x},
    "log1p": {"x": lambda c: c.g / (c.x + 1.0)},
    "expm1": {"x": lambda c: c.g * c.x.exp()},
    "sin": {"x": lambda c: c.g * c.x.each(np.cos, np.sin)},
    "cos": {"x": lambda c: -c.g * c.x.each(np.sin, np.cos)},
    "erf": {"x": lambda c: c.g * (-(c.x * c.x)).exp() * (2 / math.sqrt(math.pi))},
    "clip": {"x": lambda c: _between(c, *_bounds(c, "min", "max", (None, None)), edges=True)},
    "relu": {"x": lambda c: where(c.x.value <= 0, 0.0, c.g)},
    "tanh": {"x": lambda c: c.g * (1.0 - c.y * c.y)},
    "sigmoid": {"x": lambda c: c.g * (c.y * (1.0 - c.y))},
    "relu6": {"x": lambda c: _between(c, 0.0, 6.0, edges=False)},
    "hardtanh": {"x": lambda c: _between(c, *_bounds(c, "min_val", "max_val", (-1.0, 1.0)), edges=False)},
    "hard_sigmoid": {"x": lambda c: _between(c, -3.0, 3.0, edges=False) / 6.0},
    "hard_swish": {
        "x": lambda c: where(c.x.value <= -3, 0.0, where(c.x.value >= 3, c.g, c.g * (c.x / 3.0 + 0.5))),
    },
    "leaky_relu": {"x": lambda c: where(c.x.value > 0, c.g, c.g * c.number("negative_slope", 0.01))},
    "prelu": {"x": lambda c: where(c.x.value > 0, c.g, c.g * _per_channel(c)), "weight": _prelu_weight},
    "elu": {"x": lambda c: c.g * _elu(c)[1](c)},
    "selu": {"x": lambda c: c.g * _selu(c)[1](c)},
    "celu": {"x": lambda c: c.g * _celu(c)[1](c)},
    "gelu": {"x": lambda c: c.g * _gelu_slope(c)},
    "silu": {"x": lambda c: c.g * (sigmoid(c.x) + c.x * sigmoid(c.x) * (1.0 - sigmoid(c.x)))},
    "softplus": {"x": lambda c: c.g * _softplus_slope(c)},
    "mish": {"x": lambda c: c.g * _mish_slope(c)},
    "logsigmoid": {"x": lambda c: c.g * sigmoid(-c.x)},
    "dropout": {"x": lambda c: _dropped(c, c.g)},
}
