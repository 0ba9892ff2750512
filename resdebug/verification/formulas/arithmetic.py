"""Two tensors that broadcast; comparisons; matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from resdebug.verification.formulas.case import Case, Formula
from resdebug.verification.measured import Array, Measured, product, slips, where


def _down(c: Case, slot: str, sent: Measured) -> Measured:
    return sent.to(np.broadcast_shapes(sent.shape, c.g.shape)).unbroadcast(c[slot].shape)


def _extreme(wins: Callable[[Array, Array], Array]) -> tuple[Formula, dict[str, Formula]]:
    def forward(c: Case) -> Measured:
        a, b = c["a"], c["b"]
        either = np.isnan(a.value) | np.isnan(b.value)
        return where(either, np.nan, where(wins(a.value, b.value), a, b))

    def share(mine: str, others: str) -> Formula:
        def formula(c: Case) -> Measured:
            a, b = c[mine].value, c[others].value
            nobody = np.isnan(a) | np.isnan(b)
            return _down(c, mine, where(wins(a, b) | nobody, c.g, where(a == b, Measured(c.g.value / 2), 0.0)))

        return formula

    return forward, {"a": share("a", "b"), "b": share("b", "a")}


def _compare(operation: Callable[[Any, Any], Any]) -> Formula:
    return lambda c: Measured(np.asarray(operation(c.raw("a"), c.raw("b"))))


def _where_slot(slot: str) -> Formula:
    def formula(c: Case) -> Measured:
        condition = np.broadcast_to(c.raw("condition") != 0, c.g.shape)
        return where(condition == (slot == "a"), c.g, 0.0).unbroadcast(c[slot].shape)

    return formula


def _columns(a: Measured) -> Measured:
    return a.moved(lambda v: v[..., None])


def _rows(a: Measured) -> Measured:
    return a.moved(lambda v: v[..., None, :])


def _turned(a: Measured) -> Measured:
    return a.moved(lambda v: np.swapaxes(v, -1, -2))


def _matrices(c: Case) -> tuple[Measured, Measured]:
    a, b = c["a"], c["b"]
    return _rows(a) if a.ndim == 1 else a, _columns(b) if b.ndim == 1 else b


def _matmul(c: Case) -> Measured:
    y = product(*_matrices(c))
    if c["b"].ndim == 1:
        y = y.moved(lambda v: v[..., 0])
    if c["a"].ndim == 1:
        y = y.moved(lambda v: v[..., 0, :] if c["b"].ndim > 1 else v[..., 0])
    return y


def _adjoint_matrix(c: Case) -> Measured:
    g = c.g
    if c["b"].ndim == 1:
        g = _columns(g)
    if c["a"].ndim == 1:
        g = g.moved(lambda v: v[..., None, :])
    return g


def _matmul_a(c: Case) -> Measured:
    a, b = _matrices(c)
    return product(_adjoint_matrix(c), _turned(b)).unbroadcast(a.shape).moved(lambda v: v.reshape(c["a"].shape))


def _matmul_b(c: Case) -> Measured:
    a, b = _matrices(c)
    return product(_turned(a), _adjoint_matrix(c)).unbroadcast(b.shape).moved(lambda v: v.reshape(c["b"].shape))


def _flat_rows(x: Measured) -> Measured:
    return x.moved(lambda v: v.reshape(-1, v.shape[-1]))


def _linear(c: Case) -> Measured:
    weight = c["weight"]
    y = product(_flat_rows(c.x), _turned(weight)).moved(lambda v: v.reshape(*c.x.shape[:-1], weight.shape[0]))
    return y + c["bias"] if c.has("bias") else y


def einsum(equation: str, *operands: Measured) -> Measured:
    """Return the sum of products that an equation describes."""
    value = np.einsum(equation, *(o.value for o in operands))
    size = np.einsum(equation, *(np.abs(o.value) for o in operands))
    inputs, output = equation.split("->")
    pairs = zip(inputs.split(","), operands, strict=True)
    sizes = {letter: n for term, o in pairs for letter, n in zip(term, o.shape, strict=True)}
    terms = int(np.prod([n for letter, n in sizes.items() if letter not in output], dtype=float))
    return Measured(np.asarray(value), np.asarray((len(operands) + slips(terms)) * size), 2)


def _equation(c: Case) -> tuple[list[str], str]:
    text = str(c.get("equation")).replace(" ", "")
    inputs, arrow, output = text.partition("->")
    if not arrow:
        output = "".join(sorted(letter for letter in set(inputs) - {","} if inputs.count(letter) == 1))
    return inputs.split(","), output


def _operands(c: Case) -> list[Measured]:
    return [c[f"x{i}"] for i in range(len(c.inputs))]


def _einsum(c: Case) -> Measured:
    terms, output = _equation(c)
    return einsum(f"{','.join(terms)}->{output}", *_operands(c))


def einsum_slot(position: int) -> Formula:
    """Return the formula of an einsum's operand: diagonals get back what was taken from them."""

    def formula(c: Case) -> Measured:
        terms, output = _equation(c)
        operands = _operands(c)
        mine = terms[position]
        letters = "".join(dict.fromkeys(mine))
        others = [(t, o) for i, (t, o) in enumerate(zip(terms, operands, strict=True)) if i != position]
        # A letter that is nowhere else was only summed over: ones stand for it.
        known = output + "".join(t for t, _ in others)
        sizes = dict(zip(mine, operands[position].shape, strict=True))
        ones = [(letter, Measured(np.ones(sizes[letter]))) for letter in letters if letter not in known]
        parts = [(output, c.g), *others, *ones]
        sent = einsum(",".join(t for t, _ in parts) + "->" + letters, *(o for _, o in parts))
        if letters == mine:
            return sent
        index = tuple(np.ix_(*(np.arange(sizes[letter]) for letter in letters))[letters.index(x)] for x in mine)

        def spread(v: Array) -> Array:
            result = np.zeros(operands[position].shape)
            result[index] = v
            return result

        return sent.moved(spread)

    return formula


_LARGER, _SMALLER = _extreme(np.greater), _extreme(np.less)

FORWARD: Final[dict[str, Formula]] = {
    "add": lambda c: c["a"] + c["b"],
    "sub": lambda c: c["a"] - c["b"],
    "mul": lambda c: c["a"] * c["b"],
    "div": lambda c: c["a"] / c["b"],
    "maximum": _LARGER[0],
    "minimum": _SMALLER[0],
    "gt": _compare(np.greater),
    "ge": _compare(np.greater_equal),
    "lt": _compare(np.less),
    "le": _compare(np.less_equal),
    "eq": _compare(np.equal),
    "ne": _compare(np.not_equal),
    "where": lambda c: where(c.raw("condition") != 0, c["a"], c["b"]),
    "matmul": _matmul,
    "linear": _linear,
    "outer": lambda c: _columns(c["a"]) * _rows(c["b"]),
    "einsum": _einsum,
}

VJP: Final[dict[str, dict[str, Formula]]] = {
    "add": {"a": lambda c: _down(c, "a", c.g), "b": lambda c: _down(c, "b", c.g)},
    "sub": {"a": lambda c: _down(c, "a", c.g), "b": lambda c: _down(c, "b", -c.g)},
    "mul": {"a": lambda c: _down(c, "a", c.g * c["b"]), "b": lambda c: _down(c, "b", c.g * c["a"])},
    "div": {
        "a": lambda c: _down(c, "a", c.g / c["b"]),
        "b": lambda c: _down(c, "b", -(c.g * c["a"]) / (c["b"] * c["b"])),
    },
    "maximum": _LARGER[1],
    "minimum": _SMALLER[1],
    "where": {"a": _where_slot("a"), "b": _where_slot("b")},
    "matmul": {"a": _matmul_a, "b": _matmul_b},
    "linear": {
        "x": lambda c: product(_flat_rows(c.g), c["weight"]).moved(lambda v: v.reshape(c.x.shape)),
        "weight": lambda c: product(_turned(_flat_rows(c.g)), _flat_rows(c.x)),
        "bias": lambda c: _flat_rows(c.g).sum((0,)),
    },
    "outer": {
        "a": lambda c: (c.g * _rows(c["b"])).sum((1,)),
        "b": lambda c: (c.g * _columns(c["a"])).sum((0,)),
    },
}
