"""Where two passes part: the divergence at the cursor, or how many there are and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resdebug.analysis.divergence.telling import counts, distance, looks, place, rest, structure, what
from resdebug.text import plural
from resdebug.tui.lines import Line, cut, wrap
from resdebug.tui.lines import width as measure
from resdebug.tui.pair import Pair
from resdebug.tui.panes.narration import narrate

if TYPE_CHECKING:
    from resdebug.analysis.divergence.found import Divergence

_MOST_NAMED = 8
_INDENT = "   "


def divergence_lines(pair: Pair, width: int, height: int) -> list[Line]:
    """Return at most ``height`` lines."""
    here = pair.here
    lines = _here(pair, here, width) if here is not None else _around(pair, width)
    return lines[:height]


def _here(pair: Pair, d: Divergence, width: int) -> list[Line]:
    k = (pair.walk.at(d.event) or 0) + 1
    which = "the first divergence" if k == 1 else f"divergence {k}"
    of = f" of {_count(pair)}" if len(pair.walk.result.divergences) > 1 or not pair.walk.finished else ""
    at = f" at {place(d)}" if d.index else ""
    title: Line = [(" ≠ ", "bad"), (f"{which}{of}", "strong"), (f" · event {d.event} · ", "dim"), (what(d), "bad")]
    if measure(title) + len(at) > width:
        title[1:3] = [(f"{k}{of or ' of 1'}", "strong"), (" · ", "dim")]
    lines = [cut([*title, (at, "")], width)]
    if d.index is not None:
        lines += [cut(line, width) for line in _numbers(d)]
    told = looks(d) or ["nothing known: no mistake that is looked for explains it"]
    for k, text in enumerate(told):
        head = "looks like " if not k else "   or like "
        lines += [
            [(_INDENT + head if not n else " " * (len(_INDENT) + len(head)), "dim"), (piece, "sum" if not k else "")]
            for n, piece in enumerate(wrap(text, max(width - len(_INDENT) - len(head), 10)))
        ]
    return lines


def _numbers(d: Divergence) -> list[Line]:
    """Return both numbers one under the other, what they have in common dim, and how far apart they are."""
    first, second = repr(d.first), repr(d.second)
    common = next((k for k, (x, y) in enumerate(zip(first, second, strict=False)) if x != y), 0)
    cells = max(len(first), len(second)) + 3
    error, _, elements = distance(d).partition("; ")
    return [
        [
            (f"{_INDENT}{name} ", "dim"),
            (number[:common], "dim"),
            (number[common:].ljust(cells - common), role),
            (told, ""),
        ]
        for name, number, role, told in (("A", first, "good", error), ("B", second, "bad", elements))
    ]


def _around(pair: Pair, width: int) -> list[Line]:
    """Tell what has happened, and what is known of the whole."""
    walk, position = pair.walk, pair.left.debugger.position
    lines: list[Line] = [cut([(" ▶ ", "now"), (narrate(pair.left), "")], width)]
    first = walk.result.first
    if first is not None:
        behind, ahead = walk.before(position), walk.after(position)
        if position < first.event:
            lines.append(cut([(" ✓ ", "good"), ("the same up to here", "good"), (f"; {_whole(pair)}", "")], width))
        else:
            lines.append(cut([(" ≠ ", "bad"), (_whole(pair), "")], width))
        if ahead is not None and ahead is not first:
            lines.append(cut([(f"{_INDENT}next (a): event {ahead.event}, {what(ahead)}", "dim")], width))
        elif behind is not None and behind is not first:
            lines.append(cut([(f"{_INDENT}before (A): event {behind.event}, {what(behind)}", "dim")], width))
    elif not walk.finished:
        lines.append(
            [(f"{_INDENT}nothing differs so far: {walk.done} of {plural(walk.total, 'event')} compared", "dim")]
        )
    else:
        lines += _agree(pair, width)
    return lines + _differences(pair, width)


def _count(pair: Pair) -> str:
    found = len(pair.walk.result.divergences)
    return f"{found}" if pair.walk.finished else f"{found} so far"


def _whole(pair: Pair) -> str:
    first = pair.walk.result.first
    if first is None:
        return ""
    found = len(pair.walk.result.divergences)
    more = "" if pair.walk.finished else " so far"
    return f"{plural(found, 'divergence')}{more}, the first (d) at event {first.event}: {what(first)}"


def _agree(pair: Pair, width: int) -> list[Line]:
    result = pair.walk.result
    told = "the two passes are the same" if result.same else "no number differs"
    if result.absent + result.by_statistics:
        told = "what both hold is the same"
    lines: list[Line] = [cut([(" ✓ ", "good"), (told, "good"), (f": {counts(result)} compared", "")], width)]
    return lines + [[(piece, "dim")] for text in rest(result) for piece in wrap(_INDENT + text, width, indent=_INDENT)]


def _differences(pair: Pair, width: int) -> list[Line]:
    told = structure(pair.walk.result, "A", "B", _MOST_NAMED)
    return [cut([(f" ≠ {text}" if not k else f"{_INDENT}{text}", "bad")], width) for k, text in enumerate(told)]
