"""Depth costs no recursion: networks far deeper than Python's stack."""

from __future__ import annotations

import sys

from tests.engine.graphs import Graph, chain, number

LINKS = 100_000


def test_a_chain_of_100_000_nodes_is_exact() -> None:
    # Doubled and halved in turn, then three times: every step is exact, and ∂y/∂x = 3.
    graph = Graph()
    x = graph.leaf("x", 1.0)
    for i in range(LINKS):
        x = graph.node(f"n{i}", "scale", x, factor=0.5 if i % 2 else 2.0)
    graph.node("y", "scale", x, factor=3.0)
    assert sys.getrecursionlimit() < LINKS
    p = graph.run("y")
    assert number(p.value("y")) == 3
    assert number(p.adjoint("x")) == 3
    # Behind an odd number of links one doubling is undone: only the last 3 and a half are left.
    assert number(p.adjoint("n0")) == 1.5
    assert len(p.events) == 2 * (LINKS + 2) + 1 + (LINKS + 1)


def test_a_thousand_residual_blocks_are_exact() -> None:
    # Every block multiplies by 1 + 1 = 2: ∂x_L/∂x_0 = 2^1000, by 2^1000 ways.
    p = chain(1000, branch=1.0).run("x1000")
    assert number(p.adjoint("x0")) == 2.0**1000
