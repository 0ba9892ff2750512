"""The ledger: what arrived at the selected node, from whom, and how it adds up."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from resdebug.analysis.formulas import (
    MOST_TERMS,
    SHOWN_ELEMENTS,
    contribution_formula,
    contribution_terms,
    small_tensor,
)
from resdebug.debugger.debugger import State
from resdebug.ops.base import Array
from resdebug.text import adjoint_of, plural, visible
from resdebug.tui.lines import Line, between, fit, shorten, wrap
from resdebug.tui.lines import width as measure
from resdebug.tui.numbers import Columns, bar, percent, scientific
from resdebug.tui.panes.node import fitting, why_none
from resdebug.tui.parts import Part
from resdebug.tui.session import Session

MOST_ROWS = 200
_WIDE, _NARROW, _SLIM = 60, 40, 36
"""Widths from which on shares are drawn, names have all their room, the way is told beside them."""
_NAME, _SHORT = 12, 10
_ALL_DIGITS = 7
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
        if size <= SHOWN_ELEMENTS:
            # Digits that are not shown would let a small sum seem wrong to who adds it up.
            self.columns = Columns([float(x) for a in arrays for x in a.ravel()], _ALL_DIGITS)
            self.count = size
            if self._taken(size, size) <= width - _INDENT - self.beside:
                return
        for count in range(1, min(size, 64) + 1):
            before = self.columns if count > 1 else None
            self.columns = Columns([float(x) for a in arrays for x in a.flat[:count]])
            if before is not None and self._taken(count, size) > width - _INDENT - self.beside:
                self.columns = before
                break
            self.count = count

    def _taken(self, count: int, size: int) -> int:
        """Return how many cells so many numbers of a tensor take."""
        rest = len(f" … of {size}") if count < size else 0
        scale = len(f" {self.columns.scale}") if self.columns.scale else 0
        return count * (self.columns.width + 2) - 2 + rest + scale

    def entry(self, part: Part, role: str, sign: str, terms: str) -> list[Line]:
        """Return a contribution's numbers, how they come about, and what the sum has become with them."""
        if part.row is None:
            line: Line = [(" " * _INDENT + part.absent.partition(":")[0], "dim")]
        else:
            line = self.line(part.row.contribution, role, sign)
        below: list[Line] = []
        if terms and measure(line) + cell_len(terms) + 4 <= self.width - self.beside:
            line.append((f"  = {terms}", "dim"))
        elif terms:
            below = [[(" " * _INDENT + t, "dim")] for t in wrap(f"= {terms}", self.width - _INDENT, most=2)]
        if self.beside:
            angle = "" if part.cosine is None else f"cos {part.cosine:+.2f}  ".replace("-", "−")
            line = between(line, [(f"{angle}‖Σ‖ {_size(part.running_norm):>7}", "dim")], self.width)
        return [line, *below]

    def line(self, array: Array, role: str, sign: str = " ") -> Line:
        """Return one row of numbers, behind the sign with which it goes into the sum."""
        shown = "  ".join(self.columns(float(x)) for x in array.flat[: self.count])
        rest = f" … of {array.size}" if array.size > self.count else ""
        return [
            (f"{sign:>{_INDENT - 1}} ", "sum"),
            (shown, role),
            (rest, "dim"),
            (f" {self.columns.scale}" if self.columns.scale else "", "sum"),
        ]

    def addition(self, arrays: Sequence[Array]) -> str:
        """Return a sum of scalars in one line, in the same form: ``7.0 + 4.0 = 11.0``."""
        *terms, total = (self.columns(float(array.ravel()[0])).strip() for array in arrays)
        written = terms[0]
        for term in terms[1:]:
            written += f" − {term[1:]}" if term.startswith("−") else f" + {term}"
        return f"{written} = {total}"


def _entry(session: Session, k: int, part: Part, numbers: _Numbers, width: int) -> list[Line]:
    edge, network = part.edge, session.network
    travelling = session.travelling
    now = travelling is not None and travelling.index == edge.index
    role = part.route.way.value if part.route else ""
    way = part.route.way.value if part.route else f".{edge.slot}"
    mark: Line = [("▶" if now else " ", "now"), (f"{k:>2} ", "dim")]
    name = _NAME if width >= _NARROW else _SHORT
    who: Line = [
        (fit(shorten(visible(edge.consumer, limit=40), name), name) + " ", "strong"),
        (fit(way, 7) + " ", role),
    ]
    share = "–" if part.share is None else percent(part.share)
    size: Line = [(f"{_size(part.norm):>8} ", ""), (f"{share:>5}", "")]
    if width >= _WIDE:
        size.insert(1, (bar(part.share or 0.0, 6) + " ", role))
    head: Line = [*mark, *who] if width >= _SLIM else [*mark, *who[:1]]
    room = width - measure(head) - measure(size) - 1
    formula = contribution_formula(network, edge)
    if width >= _SLIM and cell_len(formula) <= room:
        lines = [between([*head, (formula, "")], size, width)]
    else:
        told = f"{way}: " if width < _SLIM and part.route else ""
        short = fitting(
            lambda within: contribution_formula(network, edge, within=within), session.node, width - _INDENT
        )
        texts = wrap(told + short, width - _INDENT, indent="  ", most=2)
        lines = [between(head, size, width), *[[(" " * _INDENT + text, "")] for text in texts]]
    sign = "+" if k > 1 and session.pass_.rule == "sum" else " "
    terms = contribution_terms(session.pass_, edge) if part.row is not None else ""
    if terms and terms == small_tensor(session.pass_.contribution(edge)):
        terms = ""
    return [*lines, *numbers.entry(part, role, sign, terms)]


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
        line = numbers.line(last.row.running, "sum")
        if rule == "sum" and last.row.running.size == 1 and 1 < len(rows) <= MOST_TERMS:
            addition = numbers.addition([*(row.contribution for row in rows), last.row.running])
            if measure(line) + len(addition) + 4 <= width:
                line.append((f"    {addition}", "sum"))
        lines.append(line)
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
