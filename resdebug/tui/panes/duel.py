"""The ledger as a duel: what every rule would make of the contributions to this node; only the sum is right."""

from __future__ import annotations

from resdebug.analysis.duel import ABOUT, AtNode, Contender
from resdebug.debugger.debugger import State
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.text import adjoint_of, visible
from resdebug.tui.lines import Line, between, wrap
from resdebug.tui.lines import width as measure
from resdebug.tui.numbers import Columns, scientific
from resdebug.tui.session import Session

_NAMES = {contender: contender.value.replace("_", " ") for contender in Contender}


def duel_title(session: Session) -> str:
    """Return the pane's title."""
    return f"Every rule at {adjoint_of(visible(session.selected, limit=30))}"


def duel_lines(session: Session, width: int) -> list[Line]:
    """Return one entry a rule: its result, its norm, and how far it is from the sum."""
    name = session.selected
    if session.state(name) is not State.COMPLETE or name == session.pass_.target:
        told = "Not all contributions have arrived yet: the rules are compared when they have."
        if name == session.pass_.target:
            told = "The target has no contributions: it was seeded. Select a fork, a node marked Σ2."
        return [[(text, "dim")] for text in wrap(told, width)]
    absent = next((part.absent for part in session.parts(name) if part.row is None), "")
    if absent:
        told = f"The rules are compared by their numbers, and those of the contributions are {absent}."
        return [[(text, "dim")] for text in wrap(told, width)]
    rules = session.duel.at_node(name)
    if not rules:
        return [[("Nothing arrives at this node.", "dim")]]
    right = next(rule.adjoint for rule in rules if rule.contender is Contender.SUM)
    lines: list[Line] = []
    for rule in rules:
        lines += _entry(rule, right, width)
    if len(session.pass_.arrivals(name)) == 1:
        lines.append([("One contribution: every rule that keeps it gives the same. Forks tell them apart.", "dim")])
    return lines


def _entry(rule: AtNode, right: Array | None, width: int) -> list[Line]:
    label = f"{_NAMES[rule.contender]:<12}"
    if rule.adjoint is None or right is None:
        return [[(f"  {label}", "dim"), ("no such contribution here", "dim")]]
    is_right = rule.contender is Contender.SUM
    same = rule.adjoint.tobytes() == right.tobytes()
    role = "good" if is_right else "dim" if same else "bad"
    mark = "✓ " if is_right else "= " if same else "✗ "
    size, whole = norm(rule.adjoint), norm(right)
    ratio = f"{size / whole:.2f} of the sum" if whole else ""
    form = Columns([float(x) for x in rule.adjoint.ravel()[:8]])
    right_: Line = [
        (f"{scientific(size)} ", "" if is_right else role),
        (f"{ratio:>15}" if not is_right else " " * 15, "dim"),
    ]
    room = width - len(label) - measure(right_) - 3
    count = max(1, min(rule.adjoint.size, (room - 12) // (form.width + 2), 8))
    numbers = "  ".join(form(float(x)) for x in rule.adjoint.ravel()[:count])
    rest = f" … of {rule.adjoint.size}" if count < rule.adjoint.size else ""
    scale = f" {form.scale}" if form.scale else ""
    head = between([(mark, role), (label, role), (numbers, role), (rest + scale, "dim")], right_, width)
    return [head, *[[(text, "dim")] for text in wrap(f"    {ABOUT[rule.contender]}", width, indent="    ")]]
