"""Operators that only move elements: every output element is a copy of one input element, or a constant.

The forward rule is applied to the *places* of the elements in place of their values; where an element went to is all
that the way back needs: what arrives there is added to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula, axes_of, many
from resdebug.verification.measured import Array, Measured, slips

NOWHERE: Final = -1
"""The place of a constant."""

Move = Callable[[Case, Array], Array]


def _flatten(c: Case, p: Array) -> Array:
    if p.ndim == 0:
        return p.reshape(1)
    first, last = c.get("start_dim", 0) % p.ndim, c.get("end_dim", -1) % p.ndim
    return p.reshape(*p.shape[:first], math.prod(p.shape[first : last + 1]), *p.shape[last + 1 :])


def _squeeze(c: Case, p: Array) -> Array:
    gone = [axis for axis in axes_of(c.get("dim"), p.ndim) if p.shape[axis] == 1]
    return p.reshape([n for axis, n in enumerate(p.shape) if axis not in gone])


def _expand(c: Case, p: Array) -> Array:
    sizes = list(c.get("shape"))
    new = len(sizes) - p.ndim
    return np.broadcast_to(p, [p.shape[i - new] if n == -1 else n for i, n in enumerate(sizes)])


def _along(p: Array, dim: int, what: Any) -> Array:
    index: list[Any] = [slice(None)] * p.ndim
    index[dim] = what
    return np.asarray(p[tuple(index)])


def _split(c: Case, p: Array) -> Array:
    size, which, dim = c.get("split_size"), c.get("index"), c.get("dim", 0)
    sizes = size if isinstance(size, list) else [size] * (which + 1)
    start = sum(sizes[:which])
    return _along(p, dim, slice(start, start + sizes[which]))


def _pad(c: Case, p: Array) -> Array:
    given = list(c.get("pad"))
    around = [(0, 0)] * p.ndim
    for k in range(len(given) // 2):
        around[p.ndim - 1 - k] = (given[2 * k], given[2 * k + 1])
    mode = c.get("mode", "constant")
    if mode == "constant":
        return np.pad(p, around, constant_values=NOWHERE)
    names: dict[str, Any] = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}
    return np.asarray(np.pad(p, around, mode=names[mode]))


def _embedding(c: Case, p: Array) -> Array:
    return np.asarray(p[c.raw("index")])


def _gather(c: Case, p: Array) -> Array:
    index, dim = c.raw("index"), c.get("dim") % max(p.ndim, 1)
    grid = list(np.indices(index.shape))
    grid[dim] = index
    return np.asarray(p[tuple(grid)])


def _shuffle(p: Array, r: int) -> Array:
    n, channels, h, w = p.shape
    y = np.empty((n, channels // r**2, h * r, w * r), p.dtype)
    for i in range(r):
        for j in range(r):
            y[:, :, i::r, j::r] = p[:, i * r + j :: r * r]
    return y


def _unshuffle(p: Array, r: int) -> Array:
    n, channels, h, w = p.shape
    y = np.empty((n, channels * r**2, h // r, w // r), p.dtype)
    for i in range(r):
        for j in range(r):
            y[:, i * r + j :: r * r] = p[:, :, i::r, j::r]
    return y


def resized(c: Case, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the size of an upsampled image."""
    if c.get("size") is not None:
        rows, columns = many(c.get("size"), 2)
    else:
        up, across = many(c.get("scale_factor"), 2)
        rows, columns = math.floor(shape[2] * up), math.floor(shape[3] * across)
    return rows, columns


def _causal(c: Case, p: Array) -> Array:
    i, j = np.indices(p.shape[-2:])
    return np.where(j - i <= c.get("diagonal", 0), p, NOWHERE)


MOVES: Final[dict[str, Move]] = {
    "identity": lambda c, p: p,
    "stop_gradient": lambda c, p: p,
    "causal_mask": _causal,
    "reshape": lambda c, p: p.reshape(c.get("shape")),
    "flatten": _flatten,
    "transpose": lambda c, p: np.swapaxes(p, c.get("dim0"), c.get("dim1")),
    "permute": lambda c, p: np.transpose(p, c.get("dims")),
    "squeeze": _squeeze,
    "unsqueeze": lambda c, p: np.expand_dims(p, c.get("dim")),
    "expand": _expand,
    "split": _split,
    "select": lambda c, p: np.asarray(_along(p, c.get("dim"), c.get("index"))),
    "slice": lambda c, p: _along(p, c.get("dim"), slice(c.get("start", 0), c.get("end"), c.get("step", 1))),
    "pad": _pad,
    "roll": lambda c, p: np.roll(p, c.get("shifts"), c.get("dims")),
    "flip": lambda c, p: np.flip(p, c.get("dims")),
    "gather": _gather,
    "embedding": _embedding,
    "pixel_shuffle": lambda c, p: _shuffle(p, c.get("upscale_factor")),
    "pixel_unshuffle": lambda c, p: _unshuffle(p, c.get("downscale_factor")),
}
"""Per operator, where its output's elements come from."""
_CONSTANT: Final[dict[str, Callable[[Case], float]]] = {
    "causal_mask": lambda c: -math.inf,
    "pad": lambda c: float(np.dtype(c.dtype).type(c.get("value", 0.0))),
}
_SOURCE: Final = {"embedding": "weight"}


def places(shape: tuple[int, ...]) -> Array:
    """Return the place of every element in memory."""
    return np.arange(math.prod(shape)).reshape(shape)


def taken(x: Array, where_from: Array, constant: float = 0.0) -> Measured:
    """Return the elements at places; a constant where there is none."""
    if not x.size:
        return Measured(np.full(where_from.shape, constant))
    flat = np.asarray(x, dtype=np.float64).reshape(-1)
    return Measured(np.where(where_from == NOWHERE, constant, flat[where_from]))


def returned(g: Measured, where_from: Array, shape: tuple[int, ...]) -> Measured:
    """Add up what arrives at the copies of every element."""
    kept = where_from.reshape(-1) != NOWHERE
    at = where_from.reshape(-1)[kept]
    count, total, size, bound = (np.zeros(math.prod(shape)) for _ in range(4))
    np.add.at(count, at, 1)
    np.add.at(total, at, g.value.reshape(-1)[kept])
    np.add.at(size, at, np.abs(g.value.reshape(-1)[kept]))
    np.add.at(bound, at, g.bound.reshape(-1)[kept])
    most = int(count.max(initial=0))
    total_bound = bound + slips(most) * size
    return Measured(total.reshape(shape), total_bound.reshape(shape), g.rounded + max(0, min(most - 1, 2)))


def _forward(op: str) -> Formula:
    slot = _SOURCE.get(op, "x")

    def formula(c: Case) -> Measured:
        x = c.raw(slot)
        constant = _CONSTANT[op](c) if op in _CONSTANT else 0.0
        return taken(x, np.asarray(MOVES[op](c, places(x.shape))), constant)

    return formula


def _back(op: str) -> Formula:
    slot = _SOURCE.get(op, "x")

    def formula(c: Case) -> Measured:
        shape = c.raw(slot).shape
        sent = returned(c.g, np.asarray(MOVES[op](c, places(shape))), shape)
        if op == "embedding" and c.get("padding_idx") is not None:
            sent.value[c.get("padding_idx")] = 0
        return sent

    return formula


def joined(c: Case) -> list[Array]:
    """Return the places of all operands of a join, counted through."""
    found, start = [], 0
    for i in range(len(c.inputs)):
        shape = c.raw(f"x{i}").shape
        found.append(places(shape) + start)
        start += math.prod(shape)
    return found


def _join(op: str, parts: list[Array], dim: int) -> Array:
    return np.concatenate(parts, axis=dim) if op == "concat" else np.stack(parts, axis=dim)


def _join_forward(op: str) -> Formula:
    def formula(c: Case) -> Measured:
        parts = [np.asarray(c.raw(f"x{i}"), dtype=np.float64) for i in range(len(c.inputs))]
        return Measured(_join(op, parts, c.get("dim", 0)))

    return formula


def join_slot(op: str, position: int) -> Formula:
    """Return the formula of one operand of a join."""

    def formula(c: Case) -> Measured:
        parts = joined(c)
        mine = parts[position]
        start = int(mine.flat[0]) if mine.size else 0
        where_from = _join(op, parts, c.get("dim", 0))
        own = (where_from >= start) & (where_from < start + mine.size)
        return returned(c.g, np.where(own, where_from - start, NOWHERE), mine.shape)

    return formula


FORWARD: Final[dict[str, Formula]] = {
    **{op: _forward(op) for op in MOVES},
    "concat": _join_forward("concat"),
    "stack": _join_forward("stack"),
}
VJP: Final[dict[str, dict[str, Formula]]] = {
    op: {_SOURCE.get(op, "x"): _back(op)} for op in MOVES if op != "stop_gradient"
}
