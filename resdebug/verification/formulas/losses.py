"""Losses: single losses, then their reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from resdebug.verification.formulas.case import Case, Formula
from resdebug.verification.formulas.elementwise import sigmoid, softplus
from resdebug.verification.formulas.reductions import log_softmax
from resdebug.verification.measured import Array, Measured, where


def _reduced(c: Case, losses: Measured, divisor: Measured | float | None = None) -> Measured:
    how = c.get("reduction", "mean")
    if how == "none":
        return losses
    total = losses.sum()
    if how == "sum":
        return total
    if how == "batchmean":
        return total / float(len(c.raw("x")))
    return total / (float(losses.size) if divisor is None else divisor)


def _each(c: Case, count: Measured | float) -> Measured:
    """Return the adjoint of every single loss."""
    how = c.get("reduction", "mean")
    if how == "batchmean":
        return c.g / float(len(c.raw("x")))
    return c.g / count if how == "mean" else c.g


class _Pair(NamedTuple):
    """A loss of two tensors: its cost, and its slopes by ``x`` and by ``target``."""

    cost: Formula
    x: Formula
    target: Formula | None = None


def _distance(cost: Callable[[Case, Measured], Measured], slope: Callable[[Case, Measured], Measured]) -> _Pair:
    def d(c: Case) -> Measured:
        return c.x - c["target"]

    return _Pair(lambda c: cost(c, d(c)), lambda c: slope(c, d(c)), lambda c: -slope(c, d(c)))


def _huber(c: Case, d: Measured) -> Measured:
    delta = c.number("delta", 1.0)
    size = d.abs()
    return where(size.value <= delta.value, d * d * 0.5, delta * (size - delta * 0.5))


def _smooth(c: Case, d: Measured) -> Measured:
    beta = c.number("beta", 1.0)
    size = d.abs()
    return where(size.value < beta.value, d * d / (beta * 2.0), size - beta * 0.5)


def _clip(d: Measured, most: Measured) -> Measured:
    return where(d.value > most.value, most, where(d.value < -most.value, -most, d))


def _weighed(c: Case, losses: Measured) -> Measured:
    return losses * c["weight"] if c.has("weight") else losses


def _logs(c: Case) -> tuple[Measured, Measured]:
    x = c.x
    other = x.each(lambda v: np.log1p(-v), lambda v: 1 / (1 - v))
    low = Measured(np.float64(-100))
    return tuple(where(v.value < -100, low, v) for v in (x.log(), other))  # type: ignore[return-value]


def _bce(c: Case) -> Measured:
    yes, no = _logs(c)
    return _weighed(c, -(c["target"] * yes + (1.0 - c["target"]) * no))


def _bce_x(c: Case) -> Measured:
    under = c.x * (1.0 - c.x)
    smallest = Measured(np.float64(np.dtype(c.dtype).type(1e-12)))
    return _weighed(c, (c.x - c["target"]) / where(under.value < 1e-12, smallest, under))


def _bce_target(c: Case) -> Measured:
    yes, no = _logs(c)
    return _weighed(c, no - yes)


def _logits(c: Case) -> Measured:
    yes, no = -softplus(-c.x), -softplus(c.x)
    return _weighed(c, -(c["target"] * yes + (1.0 - c["target"]) * no))


def _log_of(target: Measured) -> Measured:
    return where(target.value == 0, 1.0, target).log()


def _kl(c: Case) -> Measured:
    t = c["target"]
    return t.exp() * (t - c.x) if c.get("log_target", False) else t * (_log_of(t) - c.x)


def _kl_x(c: Case) -> Measured:
    return -c["target"].exp() if c.get("log_target", False) else -c["target"]


def _kl_target(c: Case) -> Measured:
    t = c["target"]
    if c.get("log_target", False):
        return t.exp() * (t + 1.0 - c.x)
    return where(t.value == 0, 0.0, _log_of(t) + 1.0 - c.x)


def _short(c: Case) -> Measured:
    gap = c.number("margin", 1.0) - c["target"] * c.x
    return where(gap.value < 0, 0.0, gap)


def _embedding_cost(c: Case) -> Measured:
    t, gap = c["target"].value, c.number("margin", 1.0) - c.x
    return where(t != -1, c.x, 0.0) + where(t != 1, where(gap.value < 0, 0.0, gap), 0.0)


def _embedding_slope(c: Case) -> Measured:
    t, x = c["target"].value, c.x.value
    near = (t != 1) & ~(x > c.exact("margin").value if c.get("margin") is not None else x > 1.0)
    return Measured((t != -1).astype(float) - near)


PAIRS: Final = {
    "mse_loss": _distance(lambda c, d: d * d, lambda c, d: d * 2.0),
    "l1_loss": _distance(
        lambda c, d: d.abs(), lambda c, d: Measured(np.where(np.isnan(d.value), np.nan, np.sign(d.value)))
    ),
    "huber_loss": _distance(_huber, lambda c, d: _clip(d, c.number("delta", 1.0))),
    "smooth_l1_loss": _distance(_smooth, lambda c, d: _clip(d / c.number("beta", 1.0), Measured(np.float64(1)))),
    "binary_cross_entropy": _Pair(_bce, _bce_x, _bce_target),
    "binary_cross_entropy_with_logits": _Pair(
        _logits, lambda c: _weighed(c, sigmoid(c.x) - c["target"]), lambda c: _weighed(c, -c.x)
    ),
    "kl_div": _Pair(_kl, _kl_x, _kl_target),
    "hinge_loss": _Pair(
        _short,
        lambda c: where(_short(c).value == 0, 0.0, -c["target"]),
        lambda c: where(_short(c).value == 0, 0.0, -c.x),
    ),
    "hinge_embedding_loss": _Pair(_embedding_cost, _embedding_slope),
}


def _cost(op: str) -> Formula:
    return lambda c: _reduced(c, PAIRS[op].cost(c))


def _slope(formula: Formula) -> Formula:
    def sent(c: Case) -> Measured:
        return (_each(c, float(c.x.size)) * formula(c)).to(c.x.shape)

    return sent


# Losses over classes: the truth as a tensor like x, whatever form it has.


def _axis(c: Case) -> int:
    return 1 if c.x.ndim > 1 else 0


def _class_weights(c: Case) -> Measured:
    if not c.has("weight"):
        return Measured(np.float64(1))
    return c["weight"].moved(lambda w: w.reshape(-1, *[1] * (c.x.ndim - _axis(c) - 1)))


class _Truth(NamedTuple):
    parts: Measured
    counted: Array
    divisor: Measured | float


def _truth(c: Case, smoothing: float) -> _Truth:
    axis, target = _axis(c), c.raw("target")
    classes = c.x.shape[axis]
    even = Measured(np.float64(smoothing / classes), np.float64(smoothing))
    rest = Measured(np.float64(1 - smoothing), np.float64(0 if smoothing == 0 else 1))
    if target.dtype.kind == "f":
        parts = c["target"] if smoothing == 0 else c["target"] * rest + even
        return _Truth(parts * _class_weights(c), np.ones(c.x.shape, bool), float(c.x.size // classes))
    ignored = c.get("ignore_index")
    counted = np.ones(target.shape, bool) if ignored is None else target != ignored
    right = np.where(counted, target, 0)
    hot = np.expand_dims(right, axis) == np.arange(classes).reshape(-1, *[1] * (c.x.ndim - axis - 1))
    counted_all = np.broadcast_to(np.expand_dims(counted, axis), c.x.shape)
    parts = Measured(hot.astype(float)) if smoothing == 0 else Measured(hot.astype(float)) * rest + even
    parts = where(counted_all, parts * _class_weights(c), 0.0)
    share = Measured(np.ones(target.shape)) if not c.has("weight") else c["weight"].moved(lambda w: w[right])
    return _Truth(parts, counted_all, where(counted, share, 0.0).sum())


def _class_loss(c: Case, logs: Measured, smoothing: float) -> Measured:
    truth = _truth(c, smoothing)
    meant = truth.counted & ((truth.parts.value != 0) | np.isnan(logs.value))
    losses = -where(meant, truth.parts * where(meant, logs, 0.0), 0.0).sum((_axis(c),))
    return _reduced(c, losses, truth.divisor)


def _class_adjoint(c: Case, divisor: Measured | float) -> Measured:
    each = _each(c, divisor)
    return each if each.ndim == 0 else each.moved(lambda v: np.expand_dims(v, _axis(c)))


def _cross_entropy_x(c: Case) -> Measured:
    truth = _truth(c, float(c.get("label_smoothing", 0.0)))
    share = log_softmax(c.x, _axis(c)).exp() * truth.parts.sum((_axis(c),), keepdims=True)
    return where(truth.counted, (share - truth.parts) * _class_adjoint(c, truth.divisor), 0.0)


def _cross_entropy_target(c: Case) -> Measured:
    smoothing = float(c.get("label_smoothing", 0.0))
    rest = Measured(np.float64(1 - smoothing), np.float64(1))
    logs = log_softmax(c.x, _axis(c)) * _class_weights(c) * rest
    return -(logs * _class_adjoint(c, float(c.x.size // c.x.shape[_axis(c)])))


def _nll_x(c: Case) -> Measured:
    truth = _truth(c, 0.0)
    sent = -(truth.parts * _class_adjoint(c, truth.divisor))
    return where(truth.counted & (truth.parts.value != 0), sent, 0.0)


FORWARD: Final[dict[str, Formula]] = {
    **{op: _cost(op) for op in PAIRS},
    "cross_entropy": lambda c: _class_loss(c, log_softmax(c.x, _axis(c)), float(c.get("label_smoothing", 0.0))),
    "nll_loss": lambda c: _class_loss(c, c.x, 0.0),
}
VJP: Final[dict[str, dict[str, Formula]]] = {
    **{
        op: {slot: _slope(f) for slot, f in (("x", pair.x), ("target", pair.target)) if f is not None}
        for op, pair in PAIRS.items()
    },
    "cross_entropy": {"x": _cross_entropy_x, "target": _cross_entropy_target},
    "nll_loss": {"x": _nll_x},
}
