"""The rails: drawings as text, and that every edge can be followed in them by eye."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.analysis.rails import Rails, as_text

DOWN = set("│╮╭┤├┬┼")
UP = set("│╯╰┤├┴┼")
NODE = "●"


def drawn(names: str, operands: dict[str, str]) -> list[str]:
    """Draw nodes in the order named, ``⊕`` where two operands meet, the name behind."""
    rows = {name: row for row, name in enumerate(names.split())}
    below = [[rows[o] for o in operands.get(name, "").split()] for name in rows]
    rails = Rails(below)
    glyphs = ["⊕" if len(set(o)) > 1 else NODE for o in below]
    return [f"{line} {name}" for line, name in zip(as_text(rails, glyphs), rows, strict=True)]


def test_residual_block() -> None:
    names = "relu2 add bn2 conv2 relu1 bn1 conv1 x"
    operands = {
        "relu2": "add", "add": "bn2 x", "bn2": "conv2", "conv2": "relu1", "relu1": "bn1", "bn1": "conv1", "conv1": "x",
    }  # fmt: skip
    assert drawn(names, operands) == [
        "● relu2",
        "⊕─╮ add",
        "● │ bn2",
        "● │ conv2",
        "● │ relu1",
        "● │ bn1",
        "● │ conv1",
        "●─╯ x",
    ]


def test_projection_shortcut_has_its_nodes_on_the_lane() -> None:
    operands = {"relu3": "add", "add": "bn3 bnp", "bn3": "conv3", "conv3": "x", "bnp": "proj", "proj": "x"}
    assert drawn("relu3 add bn3 conv3 bnp proj x", operands) == [
        "● relu3",
        "⊕─╮ add",
        "● │ bn3",
        "● │ conv3",
        "│ ● bnp",
        "│ ● proj",
        "●─╯ x",
    ]


def test_nested_skips_do_not_cross() -> None:
    operands = {
        "loss": "outer", "outer": "f2 x", "f2": "inner", "inner": "g2 u", "g2": "g1", "g1": "u", "u": "f1", "f1": "x",
    }  # fmt: skip
    assert drawn("loss outer f2 inner g2 g1 u f1 x", operands) == [
        "● loss",
        "⊕───╮ outer",
        "●   │ f2",
        "⊕─╮ │ inner",
        "● │ │ g2",
        "● │ │ g1",
        "●─╯ │ u",
        "●   │ f1",
        "●───╯ x",
    ]


def test_one_lane_a_fork_collects_all_its_consumers() -> None:
    operands = {"out": "c3", "c3": "l3 l2 l1 x", "l3": "c2", "c2": "l2 l1 x", "l2": "c1", "c1": "l1 x", "l1": "x"}
    assert drawn("out c3 l3 c2 l2 c1 l1 x", operands) == [
        "● out",
        "⊕─┬─┬─╮ c3",
        "● │ │ │ l3",
        "⊕─│─┼─┤ c2",
        "●─╯ │ │ l2",
        "⊕───│─┤ c1",
        "●───╯ │ l1",
        "●─────╯ x",
    ]


def test_both_operands_the_same() -> None:
    assert drawn("y x", {"y": "x x"}) == ["● y", "● x"]


def followed(lines: list[str], row: int) -> set[int]:
    """Follow the drawing from a node's row downwards with nothing but the characters; return the rows it reaches."""
    width = max(map(len, lines)) + 2
    grid = [line.ljust(width) for line in lines]
    start = grid[row].index(NODE)
    reached: set[int] = set()
    if row + 1 < len(grid) and grid[row + 1][start] in UP | {NODE}:
        reached.add(_descend(grid, row + 1, start))
    for side in (1, -1):
        at = start + side
        while 0 <= at < width and (grid[row][at] == "─" or grid[row][at] in UP | DOWN):
            glyph = grid[row][at]
            crossing = glyph == "│"
            if glyph in DOWN and not crossing:
                reached.add(_descend(grid, row + 1, at))
            onward = at + side
            if not (0 <= onward < width and (glyph == "─" or crossing or glyph in "┬┴┼")):
                break
            at = onward
    return reached


def _descend(grid: list[str], row: int, column: int) -> int:
    """Go down a lane to the node that it ends in."""
    while True:
        glyph = grid[row][column]
        if glyph == NODE:
            return row
        if glyph in DOWN:
            row += 1
            continue
        assert glyph in "╯╰┴", f"the lane breaks off at row {row}, column {column}: {glyph!r}"
        return row


graphs = st.integers(2, 14).flatmap(
    lambda n: st.tuples(*(st.sets(st.integers(row + 1, n - 1), max_size=3) for row in range(n - 1)), st.just(set()))
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(graphs)
def test_every_edge_can_be_followed_and_no_other(operands: tuple[set[int], ...]) -> None:
    rails = Rails([sorted(o) for o in operands])
    lines = as_text(rails, [NODE] * rails.rows)
    for row, expected in enumerate(operands):
        assert followed(lines, row) == expected, "\n".join(lines)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(graphs)
def test_no_two_paths_share_a_cell(operands: tuple[set[int], ...]) -> None:
    rails = Rails([sorted(o) for o in operands])
    spans: dict[int, list[tuple[int, int]]] = {}
    for path in rails.paths:
        for top, bottom in spans.setdefault(path.column, []):
            assert path.bottom < top or path.top > bottom
        spans[path.column].append((path.top, path.bottom))


def test_lanes_beyond_the_most_are_counted() -> None:
    n = 80
    rails = Rails([list(range(n, 2 * n)), *([row + 1] for row in range(n - 1)), *([] for _ in range(n))])
    assert rails.columns <= 64
    assert rails.undrawn(0) > 0
    assert all(len(rails.draw(row, NODE, 12)) <= 24 for row in range(rails.rows))


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_and_a_single_node(rows: int) -> None:
    rails = Rails([[]] * rows)
    assert as_text(rails, [NODE] * rows) == [NODE] * rows


def test_between_two_rows_only_what_runs_through() -> None:
    rails = Rails([[1, 2], [2], []])
    assert ["".join(c.glyph for c in rails.draw_under(row)).rstrip() for row in range(3)] == ["│ │", "│ │", ""]
