"""Says in a few words which operation made a NaN or an infinity, from the numbers that it met."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from resdebug.debugger.shares import LINEAR

Numbers = Mapping[str, float]
"""The operands by slot; ``y`` is the output and ``ȳ`` its adjoint where the reverse pass is meant."""


def number(x: float) -> str:
    """Write a number for a sentence, infinities as ∞."""
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return f"{x:.6g}".replace("-", "−") if not math.isnan(x) else "NaN"


def forward_words(op: str, settings: Any, slots: Numbers, made: float, dtype: str) -> str:
    """Say what ``op`` did to make ``made`` of the operands."""
    rule = _FORWARD.get(op)
    said = rule(slots, settings) if rule is not None else ""
    return said or _general(op, slots, made, dtype)


def reverse_words(op: str, slot: str, settings: Any, slots: Numbers, made: float, dtype: str) -> str:
    """Say what the VJP of ``op`` for ``slot`` did to make ``made``."""
    rule = _REVERSE.get(op)
    said = rule(slot, slots, settings) if rule is not None else ""
    if said:
        return said
    if math.isinf(made):
        return f"the derivative of {op} times ȳ is beyond {dtype}: overflow, or a pole"
    return f"the VJP of {op} made NaN of these operands"


def sum_words(parts: list[float], dtype: str) -> str:
    """Say what adding up contributions did."""
    if any(p == math.inf for p in parts) and any(p == -math.inf for p in parts):
        return "∞ − ∞: contributions are infinite, with both signs"
    return f"the sum of contributions is beyond {dtype}: overflow ({' + '.join(number(p) for p in parts[:4])})"


def _general(op: str, slots: Numbers, made: float, dtype: str) -> str:
    infinite = [name for name, x in slots.items() if math.isinf(x)]
    if infinite and math.isnan(made):
        return f"{op} of an infinite {' and '.join(infinite)} is not a number"
    shown = ", ".join(f"{name} = {number(x)}" for name, x in slots.items())
    if op in LINEAR and len(slots) > 1:
        largest = " · ".join(number(x) for name, x in slots.items() if name != "bias")
        both = ", with both signs: ∞ − ∞" if math.isnan(made) else ""
        return f"overflow: a sum of products is beyond {dtype} (the largest product: {largest}){both}"
    if math.isinf(made):
        return f"overflow: {op} is beyond {dtype}, where the largest number is {np.finfo(dtype).max:.4g} ({shown})"
    return f"{op} is not a number at {shown}"


def _quotient(a: float, b: float) -> str:
    if b == 0:
        return "0/0 is not a number" if a == 0 else f"{number(a)}/0: division by zero"
    if math.isinf(a) and math.isinf(b):
        return f"{number(a)}/{number(b)} is not a number"
    return ""


def _product(a: float, b: float) -> str:
    if (a == 0 and math.isinf(b)) or (b == 0 and math.isinf(a)):
        return f"{number(a)} · {number(b)} is not a number"
    if math.isfinite(a) and math.isfinite(b):
        return f"overflow: {number(a)} · {number(b)} is too large"
    return ""


def _sum(a: float, b: float) -> str:
    if math.isinf(a) and math.isinf(b):
        return f"{number(a)} + {number(b)}: ∞ − ∞ is not a number"
    return f"overflow: {number(a)} + {number(b)} is too large" if math.isfinite(a) and math.isfinite(b) else ""


def _difference(a: float, b: float) -> str:
    if math.isinf(a) and math.isinf(b):
        return f"{number(a)} − ({number(b)}): ∞ − ∞ is not a number"
    return f"overflow: {number(a)} − {number(b)} is too large" if math.isfinite(a) and math.isfinite(b) else ""


def _log(x: float, least: float, name: str) -> str:
    if x < least:
        return f"{name} of {number(x)}: the logarithm of a negative number"
    return f"{name}({number(x)}): the logarithm of zero is −∞" if x == least else ""


def _root(x: float) -> str:
    return f"√ of {number(x)}: the root of a negative number" if x < 0 else ""


def _rsqrt(x: float) -> str:
    return "1/√0: division by zero" if x == 0 else _root(x)


def _power(x: float, exponent: float) -> str:
    if x < 0 and not float(exponent).is_integer():
        return f"{number(x)} to the power {number(exponent)}: a broken power of a negative number"
    if x == 0 and exponent < 0:
        return f"0 to the power {number(exponent)}: division by zero"
    return f"overflow: {number(x)} to the power {number(exponent)} is too large" if math.isfinite(x) else ""


def _exp(x: float) -> str:
    return f"overflow: exp({number(x)}) is too large" if math.isfinite(x) else ""


_FORWARD: Final[Mapping[str, Callable[[Numbers, Any], str]]] = {
    "div": lambda s, _: _quotient(s["a"], s["b"]) or _overflow(s, "a", "/", "b"),
    "mul": lambda s, _: _product(s["a"], s["b"]),
    "add": lambda s, _: _sum(s["a"], s["b"]),
    "sub": lambda s, _: _difference(s["a"], s["b"]),
    "scale": lambda s, o: _product(o.factor, s["x"]),
    "square": lambda s, _: _product(s["x"], s["x"]),
    "exp": lambda s, _: _exp(s["x"]),
    "expm1": lambda s, _: _exp(s["x"]),
    "log": lambda s, _: _log(s["x"], 0, "log"),
    "log1p": lambda s, _: _log(s["x"], -1, "log1p"),
    "sqrt": lambda s, _: _root(s["x"]),
    "rsqrt": lambda s, _: _rsqrt(s["x"]),
    "reciprocal": lambda s, _: _quotient(1.0, s["x"]),
    "pow": lambda s, o: _power(s["x"], o.exponent),
    "causal_mask": lambda _s, _: "the mask: what lies ahead is −∞ by definition",
    "sin": lambda s, _: f"the sine of {number(s['x'])} is not a number",
    "cos": lambda s, _: f"the cosine of {number(s['x'])} is not a number",
}


def _overflow(slots: Numbers, a: str, sign: str, b: str) -> str:
    if math.isfinite(slots[a]) and math.isfinite(slots[b]):
        return f"overflow: {number(slots[a])} {sign} {number(slots[b])} is too large"
    return ""


def _at_a_root(what: str, slots: Numbers, at_zero: str) -> str:
    ybar = slots["ȳ"]
    if slots[at_zero] != 0:
        return ""
    return f"{what} is infinite, times ȳ = 0: 0/0 is not a number" if ybar == 0 else f"{what} is infinite"


def _reverse_div(slot: str, s: Numbers, _: Any) -> str:
    if s["b"] == 0:
        return (
            "0/0 is not a number" if slot == "a" and s["ȳ"] == 0 else "the derivative of a/b at b = 0: division by zero"
        )
    return _overflow(s, "ȳ", "/", "b") if slot == "a" else ""


def _reverse_mul(slot: str, s: Numbers, _: Any) -> str:
    return _product(s["ȳ"], s["b" if slot == "a" else "a"])


def _reverse_pow(_: str, s: Numbers, o: Any) -> str:
    return f"the derivative of x^{o.exponent:g} at 0: division by zero" if s["x"] == 0 and o.exponent < 1 else ""


_REVERSE: Final[Mapping[str, Callable[[str, Numbers, Any], str]]] = {
    "sqrt": lambda _, s, _o: _at_a_root("sqrt′(0) = 1/(2·√0)", s, "y"),
    "log": lambda _, s, _o: _at_a_root("log′(0) = 1/0", s, "x"),
    "reciprocal": lambda _, s, _o: _at_a_root("the derivative of 1/x at 0", s, "x"),
    "rsqrt": lambda _, s, _o: _at_a_root("the derivative of 1/√x at 0", s, "x"),
    "div": _reverse_div,
    "mul": _reverse_mul,
    "scale": lambda _, s, o: _product(s["ȳ"], o.factor),
    "pow": _reverse_pow,
    "exp": lambda _, s, _o: _product(s["ȳ"], s["y"]),
}
