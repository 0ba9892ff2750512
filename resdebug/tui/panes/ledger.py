"""The ledger: what arrived at the selected node, from whom, and how it adds up."""

from __future__ import annotations

from resdebug.analysis.formulas import contribution_formula, contribution_numbers, sum_numbers
from resdebug.debugger.debugger import State
from resdebug.ops.base import Array
from resdebug.text import adjoint_of, plural, visible
from resdebug.tui.lines import Line, between, fit, wrap
from resdebug.tui.numbers import Columns, bar, percent, scientific
from resdebug.tui.panes.node import why_none
from resdebug.tui.parts import Part
from resdebug.tui.session import Session

MOST_ROWS = 200
_WIDE, _NARROW = 60, 40
_INDENT = 4
RUNNING = 25


def ledger_title(session: Session) -> str:
    """Return the pane's title."""
    return f"Ledger of {adjoint_of(visible(session.selected, limit=30))}"


def ledger_lines(session: Session, width: int) -> list[Line]:
    """Return one entry a contribution, the running sum under them, and what is still to come."""
    name = session.selected
    state = session.debugger.node_state(name)
    if name == session.pass_.target:
        return _seed(session, width)
    parts = session.parts(name)
    if not parts:
        return [[(text, "dim")] for text in wrap(f"No adjoint: {why_none(session)}.", width)]
    arrived = parts[: state.arrived]
    numbers = _Numbers(arrived, width)
    first = max(0, len(arrived) - MOST_ROWS)
    lines: list[Line] = []
    if first:
        lines.append([(f"    … {first} earlier contributions are not shown; they are in the sum", "dim")])
    for k, part in enumerate(arrived[first:], start=first + 1):
        lines += _entry(session, k, part, numbers, width)
    for k, part in enumerate(parts[len(arrived) : len(arrived) + MOST_ROWS], start=len(arrived) + 1):
        lines.append(_pending(k, part, width))
    if len(parts) - len(arrived) > MOST_ROWS:
        lines.append([(f"    … and {len(parts) - len(arrived) - MOST_ROWS} more still to come", "dim")])
    if arrived:
        lines += _total(session, arrived, len(parts), numbers, width)
    return lines


def _seed(session: Session, width: int) -> list[Line]:
    name = visible(session.selected, limit=30)
    if session.debugger.in_forward_pass:
        return [[("The seed is not planted yet: the forward pass is under way.", "dim")]]
    text = "The target's adjoint is not sent by anybody: it is the seed from which all the others follow."
    lines: list[Line] = [
        [(f"{adjoint_of(name)} = ∂{name}/∂{name} = 1", "sum")],
        *[[(t, "dim")] for t in wrap(text, width)],
    ]
    about = visible(session.network.description, limit=2000)
    return [*lines, [("", "")], *[[(t, "")] for t in wrap(about, width)]] if about else lines


class _Numbers:
    """The first elements of all contributions and of their sum, in one format, as far as they fit."""

    def __init__(self, parts: tuple[Part, ...], width: int) -> None:
        self.beside = RUNNING if len(parts) > 1 and width >= _WIDE else 0
        """Cells at the right that hold the running sum's norm, and the angle to it."""
        self.width = width
        rows = [p.row for p in parts[-MOST_ROWS:] if p.row is not None]
        arrays = [row.contribution for row in rows] + [row.running for row in rows[-1:]]
        self.count = 0
        if not arrays:
            return
        size = arrays[0].size
        for count in range(1, min(size, 64) + 1):
            columns = Columns([float(x) for a in arrays for x in a.flat[:count]])
            rest = len(f" … of {size}") if count < size else 0
            scale = len(f" {columns.scale}") if columns.scale else 0
            if count > 1 and count * (columns.width + 2) - 2 + rest + scale > width - _INDENT - self.beside:
                break
            self.count, self.columns = count, columns

    def entry(self, part: Part, role: str) -> Line:
        """Return a contribution's numbers, and what the sum has become with it."""
        line: Line = (
            [(" " * _INDENT + part.absent.partition(":")[0], "dim")]
            if part.row is None
            else self.line(part.row.contribution, role)
        )
        if not self.beside:
            return line
        angle = "" if part.cosine is None else f"cos {part.cosine:+.2f}  ".replace("-", "−")
        return between(line, [(f"{angle}‖Σ‖ {_size(part.running_norm):>7}", "dim")], self.width)

    def line(self, array: Array, role: str) -> Line:
        """Return one row of numbers."""
        shown = "  ".join(self.columns(float(x)) for x in array.flat[: self.count])
        rest = f" … of {array.size}" if array.size > self.count else ""
        return [
            (" " * _INDENT + shown, role),
            (rest, "dim"),
            (f" {self.columns.scale}" if self.columns.scale else "", "dim"),
        ]


def _entry(session: Session, k: int, part: Part, numbers: _Numbers, width: int) -> list[Line]:
    edge = part.edge
    travelling = session.travelling
    now = travelling is not None and travelling.index == edge.index
    role = part.route.way.value if part.route else ""
    way = part.route.way.value if part.route else f".{edge.slot}"
    formula = contribution_formula(session.network, edge)
    scalar = contribution_numbers(session.pass_, edge) if part.row is not None else ""
    mark: Line = [("▶" if now else " ", "now"), (f"{k:>2} ", "dim")]
    who: Line = [(fit(visible(edge.consumer, limit=40), 12) + " ", "strong"), (fit(way, 7) + " ", role)]
    share = "–" if part.share is None else percent(part.share)
    size: Line = [(f"{_size(part.norm):>8} ", ""), (f"{share:>5}", "")]
    if width >= _WIDE:
        size.insert(1, (bar(part.share or 0.0, 6) + " ", role))
    if width < _NARROW:
        told = wrap(f"{part.route.way.value}: {formula}" if part.route else formula, width - _INDENT)
        lines = [between([*mark, *who[:1]], size, width), *[[(" " * _INDENT + text, role)] for text in told]]
    elif width >= _WIDE:
        lines = [between([*mark, *who, (formula, "")], size, width)]
    else:
        lines = [between([*mark, *who], size, width), [(" " * _INDENT + formula, "")]]
    if scalar:
        return [*lines, [(" " * _INDENT + f"= {scalar}", role)]]
    return [*lines, numbers.entry(part, role)]


def _size(norm: float | None) -> str:
    return "?" if norm is None else scientific(norm)


def _pending(k: int, part: Part, width: int) -> Line:
    way = f" ({part.route.way.value})" if part.route else ""
    return [
        (f"○{k:>2} ", "dim"),
        (fit(f"{visible(part.consumer, limit=40)}{way} … still to come", width - 4), "dim"),
    ]


def _total(session: Session, arrived: tuple[Part, ...], expected: int, numbers: _Numbers, width: int) -> list[Line]:
    last = arrived[-1]
    bar_ = adjoint_of(visible(session.selected, limit=20))
    complete = session.state(session.selected) is State.COMPLETE
    rule = session.pass_.rule
    sign = "Σ" if rule == "sum" else rule
    head = f" {sign}  {bar_}" if complete else f" {sign}  {bar_} so far, {len(arrived)} of {expected}"
    angle = f"cos {last.cosine:+.2f} ".replace("-", "−") if last.cosine is not None and not numbers.beside else ""
    size: Line = [
        (angle, "dim"),
        (f"{_size(last.running_norm):>8}", "sum"),
        (" " * (13 if width >= _WIDE else 6), ""),
    ]
    lines: list[Line] = [[("─" * width, "dim")], between([(head, "sum")], size, width)]
    rows = [part.row for part in arrived if part.row is not None]
    if last.row is None or len(rows) < len(arrived):
        why = next((part.absent for part in arrived if part.absent), "")
        lines += [[(" " * _INDENT + text, "strong")] for text in wrap(why, width - _INDENT)]
    else:
        addition = sum_numbers([row.contribution for row in rows], last.row.running) if rule == "sum" else ""
        if addition and last.row.running.size == 1:
            lines.append([(" " * _INDENT + addition, "sum")])
        else:
            lines.append(numbers.line(last.row.running, "sum"))
    if complete:
        lines += _verdict(session, len(arrived), width)
    return lines


def _verdict(session: Session, count: int, width: int) -> list[Line]:
    rule = session.pass_.rule
    if not session.can_close(session.selected):
        told, role = (
            f"complete: {plural(count, 'contribution')}, not compared with the adjoint",
            "dim",
        )
    elif not session.closes(session.selected):
        told, role = "✗ the ledger does not give the adjoint", "bad"
    elif rule != "sum":
        told, role = f"! the {rule} of {plural(count, 'contribution')}: wrong on purpose, they are to be added", "bad"
    elif count == 1:
        told, role = "✓ complete: one contribution, equal to the adjoint", "good"
    else:
        told, role = f"✓ complete: {count} added, not averaged; equal to the adjoint", "good"
    return [[(text, role)] for text in wrap(f" {told}", width, indent="   ")]
