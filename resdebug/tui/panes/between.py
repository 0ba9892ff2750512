"""What lies between two passes at the selected node, in a line on its value and one on its adjoint."""

from __future__ import annotations

from resdebug.analysis.divergence.between import between
from resdebug.passes.protocol import Of
from resdebug.text import adjoint_of, plural, visible
from resdebug.tui.lines import Line
from resdebug.tui.numbers import scientific
from resdebug.tui.pair import Pair


def between_lines(pair: Pair) -> list[Line]:
    """Return two lines on the node that is selected on both sides."""
    left = pair.left
    name, other = left.selected, pair.counterpart
    shown = visible(name, limit=30)
    if other is None:
        lacking = visible(pair.walk.pairing.there(name), limit=30)
        return [
            [(f" {shown}: ", "strong"), (f"B has no node of this name ({lacking}); it stays where it is", "bad")],
            [("   --map OLD=NEW says what nodes of A are called in B", "dim")],
        ]
    called = f" │ {visible(other, limit=30)}" if other != name else ""
    bars = f"{adjoint_of(shown)}{f' │ {adjoint_of(visible(other, limit=30))}' if called else ''}"
    return [_compared(pair, f"{shown}{called}", Of.VALUE, other), _compared(pair, bars, Of.ADJOINT, other)]


def _compared(pair: Pair, what: str, of: Of, other: str) -> Line:
    sides = ((pair.left, pair.left.selected), (pair.right, other))
    title: Line = [(f" {what}  ", "strong")]
    left, right = (s.value(name) if of is Of.VALUE else s.pass_.adjoint(name) for s, name in sides)
    if left is None or right is None:
        absent = [f"{side}: {why}" for side, (s, n) in zip("AB", sides, strict=True) if (why := s.absent(of, n))]
        if absent:
            sizes = [s.pass_.size_of(of, name) for s, name in sides]
            norms = "  ".join(
                f"‖{side}‖ {scientific(size)}" for side, size in zip("AB", sizes, strict=True) if size is not None
            )
            return [*title, (norms, ""), (f"   {'; '.join(absent)}", "dim")]
        neither = left is None and right is None
        return [*title, ("neither pass has one" if neither else f"only {'B' if left is None else 'A'} has one", "dim")]
    found = between(left, right)
    told: Line = [*title, (f"‖A‖ {scientific(found.first_norm)}  ‖B‖ {scientific(found.second_norm)}", "")]
    if found.equal:
        return [*told, ("   equal bit for bit", "good")]
    if found.ratio is not None:
        told.append((f"   ratio {scientific(found.ratio)}", "sum"))
    if not found.same_shape:
        return [*told, (f"   shapes {left.shape} and {right.shape}", "bad")]
    if not found.finite or found.largest is None or found.index is None:
        return [*told, ("   not all numbers are finite", "bad")]
    at = f" at [{','.join(map(str, found.index))}]" if found.index else ""
    told.append((f"   at most {scientific(found.largest)} apart{at}", ""))
    if found.ulps is not None and found.ulps < 100_000:
        told.append((f" ({plural(found.ulps, 'ulp')})", ""))
    if found.cosine is not None:
        told.append((f"   cos {found.cosine:+.3f}".replace("-", "−"), "dim"))
    return told
