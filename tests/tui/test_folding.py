"""Folded blocks: which rows are left, in which order, and what they tell."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resdebug
from resdebug.analysis.folding import Blocks
from resdebug.analysis.rows import Arrangement, Rows
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, Builder, residual_chain
from tests.tui.driving import opened


def nested() -> Builder:
    """x → [a.0: r0 r1] → [a.1: r2 r3] → [b: r4 r5] → loss."""
    b = Builder("loss", "nested")
    last = b.leaf("x", [1.0, -2.0])
    for k, block in enumerate(["a.0", "a.0", "a.1", "a.1", "b", "b"]):
        last = b.add(f"r{k}", "tanh", {"x": last}, block=block)
    b.add("loss", "sum", {"x": last})
    return b


def names(rows: Rows, pass_: Pass) -> list[str]:
    return [rows.unit(k).block or pass_.network.nodes[i].name for k, i in enumerate(rows.nodes)]


def test_levels() -> None:
    pass_ = nested().run()
    arrangement = Arrangement(pass_)
    blocks = arrangement.blocks
    assert set(blocks.members) == {"a", "a.0", "a.1", "b"}
    assert blocks.innermost == {"a.0", "a.1", "b"}
    assert blocks.outermost == {"a", "b"}
    assert blocks.around(pass_.network["r0"].index) == ["a.0", "a"]
    assert names(Rows(arrangement, folded={"a.1"}), pass_) == ["loss", "r5", "r4", "a.1", "r1", "r0", "x"]
    assert names(Rows(arrangement, folded={"a", "a.1"}), pass_) == ["loss", "r5", "r4", "a", "x"]
    assert names(Rows(arrangement, folded=blocks.outermost, forward=True), pass_) == ["x", "a", "b", "loss"]


def test_a_block_with_one_block_in_it_is_one_level() -> None:
    b = Builder("loss", "single")
    b.leaf("x", 2.0)
    b.add("u", "tanh", {"x": "x"}, block="outer.inner")
    b.add("v", "tanh", {"x": "u"}, block="outer.inner")
    b.add("loss", "sum", {"x": "v"}, block="lonely")
    pass_ = b.run()
    assert set(Arrangement(pass_).blocks.members) == {"outer.inner"}


def test_a_block_that_needs_a_node_that_needs_it_stays_unfolded() -> None:
    b = Builder("loss", "cyclic")
    b.leaf("x", 2.0)
    b.add("first", "tanh", {"x": "x"}, block="torn")
    b.add("between", "tanh", {"x": "first"})
    b.add("last", "tanh", {"x": "between"}, block="torn")
    b.add("loss", "sum", {"x": "last"})
    pass_ = b.run()
    assert names(Rows(Arrangement(pass_), folded={"torn"}), pass_) == ["loss", "last", "between", "first", "x"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_folding_keeps_consumers_above_their_inputs(data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 14))
    b = Builder("loss", "random")
    b.leaf("n0", 1.5)
    for k in range(1, count):
        left, right = data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, k - 1))
        block = data.draw(st.sampled_from(["", "p", "q", "p.r", "p.s"]))
        b.add(f"n{k}", "add", {"a": f"n{left}", "b": f"n{right}"}, **({"block": block} if block else {}))
    b.add("loss", "sum", {"x": f"n{count - 1}"})
    pass_ = b.run()
    arrangement = Arrangement(pass_)
    chosen = data.draw(st.sets(st.sampled_from(sorted(arrangement.blocks.members) or [""])))
    rows = Rows(arrangement, folded=chosen)
    assert sorted(i for unit in rows.units for i in unit.nodes) == sorted(arrangement.main)
    taking_part = set(pass_.schedule.order)
    for edge in pass_.network.edges:
        if edge.consumer_index not in taking_part:
            continue
        above, below = rows.rail_of[edge.consumer_index], rows.rail_of[edge.source_index]
        assert above < below or (above == below and rows.units[above].block)
    left_out = chosen - {unit.block for unit in rows.units}
    for block in left_out:
        within = any(block.startswith(f"{unit.block}.") for unit in rows.units if unit.block)
        assert within or _torn(pass_, arrangement.blocks, chosen)


def _torn(pass_: Pass, blocks: Blocks, chosen: set[str]) -> bool:
    """Whether folding all chosen blocks would make a cycle."""
    graph: nx.DiGraph[object] = nx.DiGraph()

    def where(i: int) -> object:
        return next((n for n in reversed(blocks.around(i)) if n in chosen), i)

    for edge in pass_.network.edges:
        if edge.consumer_index in pass_.schedule.order and where(edge.source_index) != where(edge.consumer_index):
            graph.add_edge(where(edge.source_index), where(edge.consumer_index))
    return not nx.is_directed_acyclic_graph(graph)


async def test_a_folded_row_tells_norms_and_the_share_of_the_skip() -> None:
    """x_{l+1} = x_l + ½ x_l: each block makes 1.5 of the adjoint, of which the skip brings two thirds."""
    async with opened(residual_chain(4).run(), (140, 36)) as d:
        await d.press("Z", "G")
        graph = d.pane_of_graph()
        assert "▸    block3  2 ops" not in graph
        row = next(line for line in graph.splitlines() if "block1 " in line)
        assert "▸" in row
        assert "2 ops" in row
        assert "skip 67 %" in row
        assert "2.25e0→3.38e0" in row
        await d.press("slash", "f", "1", "enter", "z")
        assert " f1 " in d.pane_of_graph()
        assert "block2" in d.pane_of_graph()


async def test_time_goes_on_inside_a_folded_block() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "digits_resnet.json")), (120, 36)) as d:
        await d.press("Z", "6", "n")
        assert d.session.debugger.focus() in d.pane_of_graph()
        row = next(line for line in d.pane_of_graph().splitlines() if "▶" in line)
        assert "block2" in row
        assert "2/9 ops" in row


async def test_large_networks_open_folded() -> None:
    pass_ = resdebug.differentiate(resdebug.generate("resnet110", image_size=8))
    async with opened(pass_, (80, 24)) as d:
        assert len(d.session.rows) < 70
        assert "layer3.17" in d.pane_of_graph()
        await d.press("Z")
        assert len(d.session.rows) == 11
        await d.press("Z")
        assert len(d.session.rows) > 300


async def test_the_other_order() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json")), (120, 36)) as d:
        before = [line[:28] for line in d.pane_of_graph().splitlines() if line.strip(" ▏▎▍▌▋▊▉█◆▶")]
        await d.press("r")
        after = [line[:28] for line in d.pane_of_graph().splitlines() if line.strip(" ▏▎▍▌▋▊▉█◆▶")]
        turn = str.maketrans("╯╰╮╭", "╮╭╯╰")
        assert [line[2:].translate(turn) for line in after[::-1]] == [line[2:] for line in before]


@pytest.mark.parametrize("height", [5, 20])
def test_the_map_shows_where_the_gradient_is_small(height: int) -> None:
    from resdebug.tui.panes.minimap import MiniMap
    from resdebug.tui.session import Session

    b = Builder("loss", "shrinking")
    last = b.leaf("x", np.ones(2))
    for k in range(40):
        last = b.add(f"s{k}", "scale", {"x": last}, factor=0.1)
    b.add("loss", "sum", {"x": last})
    session = Session(b.run(), "shrinking")
    drawn = MiniMap(session, height)
    assert len(drawn.bars) == height
    assert drawn.bars[0] == "█"
    assert drawn.bars[-1] in "▏▎"
    assert drawn.line(drawn.row(3)) == 3
