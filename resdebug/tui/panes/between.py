"""What lies between two passes at the selected node: norms, their ratio, the largest difference."""

from __future__ import annotations

import numpy as np

from resdebug.analysis.summary import cosine
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.text import adjoint_of, visible
from resdebug.tui.lines import Line
from resdebug.tui.numbers import scientific
from resdebug.tui.session import Session


def between_lines(left: Session, right: Session) -> list[Line]:
    """Return one line on the values and one on the adjoints of the node that is selected on both sides."""
    name = left.selected
    shown = visible(name, limit=30)
    title: Line = [
        (f" {shown}: ", "strong"),
        (f"{visible(left.name, limit=30)} │ {visible(right.name, limit=30)}", "dim"),
    ]
    if right.selected != name:
        return [
            title,
            [(f" {visible(right.name, limit=30)} has no node of this name; it stays where it is", "bad")],
            [],
        ]
    return [
        title,
        _compared("value  ", left.value(name), right.value(name)),
        _compared(f"{adjoint_of(shown)[:7]:<7}", left.pass_.adjoint(name), right.pass_.adjoint(name)),
    ]


def _compared(what: str, left: Array | None, right: Array | None) -> Line:
    if left is None or right is None:
        lacking = "neither side has one" if left is None and right is None else "only one side has one"
        return [(f" {what} ", "dim"), (lacking, "dim")]
    a, b = norm(left), norm(right)
    told: Line = [(f" {what} ", "dim"), (f"‖·‖ {scientific(a)} │ {scientific(b)}", "")]
    if b:
        told.append((f"   ratio {scientific(a / b)}", "sum"))
    if left.shape != right.shape:
        return [*told, (f"   shapes {left.shape} and {right.shape}", "dim")]
    if left.tobytes() == right.tobytes():
        return [*told, ("   equal bit for bit", "good")]
    with np.errstate(all="ignore"):
        gap = np.abs(np.asarray(left, np.float64) - np.asarray(right, np.float64))
        if not np.isfinite(gap).all():
            return [*told, ("   differ: not all numbers are finite", "bad")]
        at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    place = f" at [{','.join(str(int(i)) for i in at)}]" if gap.ndim else ""
    angle = cosine(left, right)
    turned = "" if angle is None else f"   cos {angle:+.3f}".replace("-", "−")
    return [*told, (f"   largest difference {scientific(float(gap.max()))}{place}{turned}", "")]
