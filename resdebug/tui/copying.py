"""What is put onto the clipboard: the numbers that are looked at, or the formulas of a node."""

from __future__ import annotations

import io

import numpy as np

from resdebug.analysis.formulas import contribution_formula, forward_formula
from resdebug.ops.formula import Form, adjoint
from resdebug.text import plural, visible
from resdebug.tui.panes.tensor import shown_numbers
from resdebug.tui.session import Session

MOST = 100_000
"""Elements that a terminal is trusted with."""


def numbers(session: Session, form: str) -> tuple[str, str]:
    """Return the slice that is looked at, as CSV or as numpy writes it, and what to tell the person.

    Every element has all digits that tell it from its neighbours.
    """
    found = shown_numbers(session)
    if found is None:
        absent = session.views()[session.shown_view()].absent
        return "", f"no numbers to copy: {absent}" if absent else "there are no numbers to copy yet"
    matrix, what = found
    if matrix.size > MOST:
        return "", f"{matrix.size} numbers are too many for the clipboard: export them with x"
    if form == "csv":
        stream = io.StringIO()
        for row in matrix:
            stream.write(",".join(repr(x.item()) for x in row) + "\n")
        text = stream.getvalue()
    else:
        with np.printoptions(threshold=MOST, floatmode="unique", linewidth=100_000):
            text = np.array_repr(matrix)
    return text, f"copied {plural(matrix.size, 'number')}: {visible(what, limit=60)}"


def formula(session: Session) -> tuple[str, str]:
    """Return the formulas of the selected node as LaTeX, and what to tell the person."""
    network, node = session.network, session.node
    lines = [forward_formula(network, node, Form.LATEX)]
    arrivals = session.pass_.arrivals(node.name)
    if arrivals:
        terms = [contribution_formula(network, edge, Form.LATEX).partition("\\mathrel{+}=")[2] for edge in arrivals]
        lines.append(f"{adjoint(visible(node.name, limit=40), Form.LATEX)} = {' + '.join(t.strip() for t in terms)}")
    return "\n".join(lines), f"copied {plural(len(lines), 'formula')} as LaTeX"
