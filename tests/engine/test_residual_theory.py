"""What the literature says of gradients in residual networks, as numbers that must come out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.engine.graphs import Graph, adjoint, chain, draw, number, value
from tests.ops.draws import Array


def rezero(blocks: int, alpha: float, w: float, x0: float) -> Graph:
    """x_{i+1} = x_i + α · (w · x_i), one α and one w for all blocks (Bachlechner et al. 2020, arXiv 2003.04887)."""
    graph = Graph()
    a, weight = graph.leaf("alpha", alpha, "parameter"), graph.leaf("w", w, "parameter")
    x = graph.leaf("x0", x0)
    for i in range(blocks):
        branch = graph.node(f"branch{i}", "mul", a, graph.node(f"wx{i}", "mul", weight, x))
        x = graph.node(f"x{i + 1}", "add", x, branch)
    return graph


def test_rezero_starts_as_the_identity() -> None:
    # α = 0: dx_L/dx_0 = 1, w has no influence yet, and every block sends w·x0 = 6 to α: 4 · 6.
    p = rezero(4, alpha=0.0, w=3.0, x0=2.0).run("x4")
    assert number(p.value("x4")) == 2
    assert number(p.adjoint("x0")) == 1
    assert number(p.adjoint("w")) == 0
    assert number(p.adjoint("alpha")) == 24


def test_rezero_by_hand() -> None:
    # x_L = x0 (1 + αw)^L with αw = 1/2, L = 3, x0 = 2: 1.5³ = 3.375, L·α·x0·1.5² = 6.75, L·w·x0·1.5² = 13.5.
    p = rezero(3, alpha=0.5, w=1.0, x0=2.0).run("x3")
    assert number(p.value("x3")) == 6.75
    assert number(p.adjoint("x0")) == 3.375
    assert number(p.adjoint("w")) == 6.75
    assert number(p.adjoint("alpha")) == 13.5
    assert len(p.ledger("w")) == len(p.ledger("alpha")) == 3


@pytest.mark.parametrize("blocks", [1, 2, 12, 50])
@pytest.mark.parametrize(("alpha", "w", "x0"), [(0.1, 0.7, 1.3), (-0.2, 0.9, -2.0), (0.01, -3.0, 0.5)])
def test_rezero_in_closed_form(blocks: int, alpha: float, w: float, x0: float) -> None:
    p = rezero(blocks, alpha, w, x0).run(f"x{blocks}")
    base = 1 + alpha * w
    # Some hundred roundings of 1e-16 each at most.
    assert number(p.adjoint("x0")) == pytest.approx(base**blocks, rel=1e-14)
    assert number(p.adjoint("w")) == pytest.approx(blocks * alpha * x0 * base ** (blocks - 1), rel=1e-14)
    assert number(p.adjoint("alpha")) == pytest.approx(blocks * w * x0 * base ** (blocks - 1), rel=1e-14)


def fixup(blocks: int, width: int = 4) -> tuple[Graph, Array]:
    """x_{l+1} = x_l + W2 relu(W1 x_l) with W2 = 0 (Zhang et al. 2019, arXiv 1901.09321); E = Σ c ⊙ x_L."""
    graph = Graph()
    x = graph.leaf("x0", np.abs(draw(1, 1, width)))
    for i in range(blocks):
        # Positive weights keep every relu open, so that the last layers have something to learn from.
        first = graph.leaf(f"W1.{i}", np.abs(draw(10 + i, width, width)), "parameter")
        last = graph.leaf(f"W2.{i}", np.zeros((width, width)), "parameter")
        hidden = graph.node(f"hidden{i}", "relu", graph.node(f"inner{i}", "linear", x, first))
        x = graph.node(f"x{i + 1}", "add", x, graph.node(f"branch{i}", "linear", hidden, last))
    c = draw(2, 1, width)
    graph.node("E", "sum", graph.node("weighted", "mul", x, graph.leaf("c", c, "constant")))
    return graph, c


def test_fixup_hands_the_same_adjoint_to_every_block() -> None:
    graph, c = fixup(10)
    p = graph.run("E")
    for i in range(11):
        assert np.array_equal(adjoint(p, f"x{i}"), c)


def test_in_fixup_only_last_layers_have_a_gradient_at_the_start() -> None:
    graph, c = fixup(10)
    p = graph.run("E")
    for i in range(10):
        assert np.array_equal(adjoint(p, f"W1.{i}"), np.zeros((4, 4)))
        # An outer product: what arrives at the branch's end times what went into its last layer.
        assert np.allclose(adjoint(p, f"W2.{i}"), np.outer(c, value(p, f"hidden{i}")), rtol=1e-15, atol=0)
        assert np.count_nonzero(adjoint(p, f"W2.{i}")) == 16


@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(9, 10), Fraction(11, 10)], ids=["0.5", "0.9", "1.1"])
def test_scaled_shortcuts_multiply_up(factor: Fraction) -> None:
    """He et al. 2016 (arXiv 1603.05027, section 3.1): over 54 units the direct term is the product of all scales."""
    p = chain(54, shortcut=float(factor), branch=0.0).run("x54")
    # 54 products, each rounded once, and the factor itself: 108 · 1.1e-16 at most.
    assert number(p.adjoint("x0")) == pytest.approx(float(factor**54), rel=1.2e-14, abs=0)


def test_half_to_the_54th_is_exact() -> None:
    assert number(chain(54, shortcut=0.5, branch=0.0).run("x54").adjoint("x0")) == 5.551115123125783e-17


def test_along_the_skip_alone_the_direct_term_is_seen_in_the_ledgers() -> None:
    # What comes back through the shortcut of block l is 0.9 times all that arrived behind it.
    p = chain(54, shortcut=0.9, branch=0.1).run("x54")
    for i in range(54):
        rows = {r.consumer: number(r.contribution) for r in p.ledger(f"x{i}")}
        assert rows[f"skip{i}"] == 0.9 * number(p.adjoint(f"x{i + 1}"))
        assert rows[f"branch{i}"] == 0.1 * number(p.adjoint(f"x{i + 1}"))
    assert number(p.adjoint("x0")) == pytest.approx(1, rel=1e-14)


def turning(blocks: int, *, skip: bool = True) -> Graph:
    """Blocks whose branch turns x and shrinks it to a tenth: an orthogonal matrix over 10."""
    graph = Graph()
    x = graph.leaf("x0", draw(3, 1, 6))
    for i in range(blocks):
        turn, _ = np.linalg.qr(draw(20 + i, 6, 6))
        branch = graph.node(f"branch{i}", "linear", x, graph.leaf(f"W{i}", turn / 10, "parameter"))
        x = graph.node(f"x{i + 1}", "add", branch, x) if skip else graph.node(f"x{i + 1}", "identity", branch)
    graph.node("E", "sum", graph.node("weighted", "mul", x, graph.leaf("c", draw(4, 1, 6), "constant")))
    return graph


def norms(graph: Graph, rule: str = "sum") -> Array:
    """Return the norms of x̄ from the last block to the first."""
    p = graph.run("E", rule)
    return np.array([float(np.linalg.norm(adjoint(p, f"x{i}"))) for i in range(8, -1, -1)])


def test_with_skips_the_gradient_keeps_its_size() -> None:
    # Each block changes the norm by a factor between 0.9 and 1.1.
    found = norms(turning(8))
    ratios = found[1:] / found[:-1]
    assert (ratios > 0.9).all()
    assert (ratios < 1.1).all()


def test_where_the_skip_s_contribution_is_lost_the_gradient_falls_block_by_block() -> None:
    # The branch arrives last and overwrites: an orthogonal matrix over 10 keeps exactly a tenth of the norm.
    lost = norms(turning(8), "overwrite")
    assert lost[1:] / lost[:-1] == pytest.approx(np.full(8, 0.1), rel=1e-13)
    # So it does in a network that never had the skips.
    plain = norms(turning(8, skip=False))
    assert lost == pytest.approx(plain, rel=1e-13)


def test_where_the_branch_s_contribution_is_lost_the_gradient_does_not_change_at_all() -> None:
    found = norms(turning(8), "first")
    assert np.array_equal(found, np.full(9, found[0]))
