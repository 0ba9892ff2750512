"""The adjoint by branches crossed: against all paths listed one by one, and against the literature."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

import resdebug
from resdebug.analysis.residual.paths import moments, path_counts, spectrum, top_paths
from resdebug.analysis.residual.scaling import deletion, scaled
from resdebug.analysis.residual.shares import identities, share
from resdebug.engine.forward import operator_of
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.passes.blocks import Block, Skip, blocks
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, Builder, residual_chain

RNG = np.random.default_rng(11)


def listed(pass_: Pass, found: tuple[Block, ...], node: str) -> tuple[dict[int, Array], dict[int, int], list[float]]:
    """Send the seed down every single path, one after the other."""
    network = pass_.network
    crossing = {edge.index for block in found for edge in block.branches}
    end = network[node].index
    parts: dict[int, Array] = defaultdict(lambda: np.zeros(network[node].shape))
    counts: dict[int, int] = defaultdict(int)
    each: list[float] = []
    target = network[pass_.target]
    stack: list[tuple[int, Array, int]] = [(target.index, np.ones(target.shape), 0)]
    while stack:
        i, ybar, crossed = stack.pop()
        if i == end:
            parts[crossed] = parts[crossed] + ybar
            counts[crossed] += 1
            each.append(float(ybar.sum()))
            continue
        consumer = network.nodes[i]
        inputs = [None if e is None else pass_.value(e.source) for e in consumer.inputs]
        y = pass_.value(consumer.name)
        assert y is not None
        for edge in consumer.inputs:
            if edge is not None and network.nodes[edge.source_index].op not in {"parameter", "constant"}:
                sent = operator_of(consumer).vjp(edge.position, ybar, y, inputs)
                stack.append((edge.source_index, sent, crossed + (edge.index in crossing)))
    return dict(parts), dict(counts), each


def network(layers: int, *, tensors: bool, batch_norm: bool = False) -> Pass:
    """Residual blocks with tanh and weights, of vectors or of scalars."""
    rng = np.random.default_rng(layers)
    b = Builder("loss", "blocks")
    shape = (3, 4) if tensors else ()
    last = b.leaf("x", rng.normal(size=shape))
    for k in range(layers):
        if tensors:
            b.leaf(f"W{k}", rng.normal(size=(4, 4)) / 2, "parameter")
            inner = b.add(f"f{k}", "linear", {"x": last, "weight": f"W{k}"})
        else:
            b.leaf(f"W{k}", float(rng.normal()), "parameter")
            inner = b.add(f"f{k}", "mul", {"a": last, "b": f"W{k}"})
        if batch_norm:
            inner = b.add(f"n{k}", "batch_norm", {"x": inner}, training=True)
        inner = b.add(f"t{k}", "tanh", {"x": inner})
        last = b.add(f"y{k}", "add", {"a": inner, "b": last})
    b.add("loss", "sum", {"x": b.add("square", "mul", {"a": last, "b": last}) if not tensors else last})
    return b.run()


@pytest.mark.parametrize(("layers", "tensors", "normed"), [(5, True, False), (5, True, True), (12, False, False)])
def test_the_spectrum_is_that_of_all_paths_listed(layers: int, tensors: bool, normed: bool) -> None:
    pass_ = network(layers, tensors=tensors, batch_norm=normed)
    found = blocks(pass_)
    assert len(found) == layers
    told = spectrum(pass_, found, "x")
    parts, counts, _ = listed(pass_, found, "x")
    assert told.counts == dict(sorted(counts.items()))
    assert set(told.parts) == set(parts)
    for k, part in parts.items():
        np.testing.assert_allclose(told.parts[k], part, rtol=1e-12, atol=1e-14)
    # Parts may be far larger than their sum: rounding is measured by what was added.
    added = sum(told.norms.values())
    assert told.discrepancy * norm(told.adjoint) < 1e-14 * added
    sizes = {k: abs(share_) for k, share_ in told.shares.items()}
    assert math.isclose(sum(told.shares.values()), 1.0, abs_tol=1e-14 * sum(sizes.values()))
    brief = moments(pass_, found, "x")
    rounding = 1e-14 * sum(k * size for k, size in sizes.items())
    assert math.isclose(brief.mean, told.effective_depth, abs_tol=rounding)
    second = sum(k * k * share_ for k, share_ in told.shares.items())
    rounding = 1e-14 * sum(k * k * size for k, size in sizes.items()) + 2 * abs(told.effective_depth) * rounding
    assert math.isclose(brief.variance, second - told.effective_depth**2, abs_tol=rounding)


def test_skip_and_branch_are_those_of_all_paths() -> None:
    """What comes through the skip of the lowest block is the sum over all paths whose last step is that skip."""
    pass_ = network(4, tensors=True)
    found = blocks(pass_)
    lowest = found[-1]
    part = share(pass_, lowest)
    above = pass_.adjoint("y0")
    whole = pass_.adjoint("x")
    assert part.skip is not None
    assert part.branch is not None
    assert above is not None
    assert whole is not None
    assert np.array_equal(part.skip, above), "the identity passes the adjoint on unchanged"
    np.testing.assert_allclose(part.skip + part.branch, whole, rtol=1e-14)
    assert part.elsewhere == 0
    assert part.ratio == part.norms[1] / part.norms[0]


def test_top_paths_of_scalars() -> None:
    pass_ = network(10, tensors=False)
    found = blocks(pass_)
    _, _, each = listed(pass_, found, "x")
    best = sorted(each, key=abs, reverse=True)[:10]
    told = top_paths(pass_, found, "x", 10)
    np.testing.assert_allclose([path.contribution for path in told], best, rtol=1e-12)
    assert all(path.edges[-1].source == "x" for path in told)
    with pytest.raises(ValueError, match="scalars"):
        top_paths(network(2, tensors=True), blocks(network(2, tensors=True)), "x")


def test_linear_chain_of_the_literature() -> None:
    """x_{l+1} = x_l + a x_l with a = ½, three blocks: the part that crosses k branches is C(3, k) a^k."""
    pass_ = residual_chain(3, 0.5).run()
    found = blocks(pass_)
    told = spectrum(pass_, found, "x0")
    assert {k: float(part) for k, part in told.parts.items()} == {0: 1.0, 1: 1.5, 2: 0.75, 3: 0.125}
    assert float(told.adjoint) == 3.375
    mean = resdebug.differentiate(pass_.network, rule="mean").adjoint("x0")
    assert float(mean) == 0.421875 if mean is not None else False


def test_54_blocks_have_2_to_the_54_paths() -> None:
    """Veit, Wilber and Belongie 2016: lengths are Binomial(n, ½); deleting a block halves the number of paths."""
    pass_ = residual_chain(54).run()
    found = blocks(pass_)
    counts = path_counts(pass_, found, "x0")
    total = sum(counts.values())
    assert total == 2**54 == 18014398509481984
    assert counts == {k: math.comb(54, k) for k in range(55)}
    assert math.isclose(sum(counts[k] for k in range(19, 36)) / total, 0.9801656732719317, rel_tol=1e-15)
    assert math.isclose(sum(counts[k] for k in range(5, 18)) / total, 0.004536670150778743, rel_tol=1e-15)
    assert sum(path_counts(pass_, found[1:], "x0").values()) == total, "paths remain, one branch is not counted"


def scaled_chain(units: int, factor: float) -> Pass:
    b = Builder(f"x{units}", "scaled")
    b.leaf("x0", 1.0)
    for k in range(units):
        b.add(f"s{k}", "scale", {"x": f"x{k}"}, factor=factor)
        b.add(f"f{k}", "tanh", {"x": f"x{k}"})
        b.add(f"x{k + 1}", "add", {"a": f"f{k}", "b": f"s{k}"})
    return b.run()


@pytest.mark.parametrize(
    ("factor", "direct"), [(0.5, 5.551115123125783e-17), (0.9, 0.0033813919135227306), (1.1, 171.87194770116267)]
)
def test_scaled_shortcuts_multiply_their_scales(factor: float, direct: float) -> None:
    """He, Zhang, Ren, Sun 2016, equation 8: over 54 units the direct term is the product of the scales."""
    pass_ = scaled_chain(54, factor)
    found = blocks(pass_)
    assert {block.kind for block in found} == {Skip.SCALED}
    lowest = identities(pass_, found)[-1]
    assert lowest.blocks == 54
    assert math.isclose(lowest.direct, direct, rel_tol=1e-13)
    assert lowest.discrepancy < 1e-12


def test_identity_mappings_on_110_layers() -> None:
    """Equations 4 and 5 on a pre-activation ResNet-110 in float64."""
    network_ = resdebug.generate("resnet110", preact=True, dtype="float64", image_size=8)
    pass_ = resdebug.differentiate(network_)
    found = blocks(pass_)
    assert len(found) == 54
    proofs = identities(pass_, found)
    assert max(proof.blocks for proof in proofs) == 18
    assert len(proofs) == 52
    assert max(proof.discrepancy for proof in proofs) < 1e-12
    told = spectrum(pass_, found, "x")
    assert told.discrepancy < 1e-12
    assert sum(told.counts.values()) == 2**54


def test_what_is_wired_otherwise_is_not_claimed() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json"))
    proofs = identities(pass_, blocks(pass_))
    assert {proof.blocks for proof in proofs} == {1}, "a relu stands between the blocks"


def rezero(units: int, alpha: float, weight: float, x: float) -> Pass:
    """x_{i+1} = x_i + α w x_i, with one α and one w for all."""
    b = Builder(f"x{units}", "rezero")
    b.leaf("x0", x)
    b.leaf("alpha", alpha, "parameter")
    b.leaf("w", weight, "parameter")
    for k in range(units):
        b.add(f"f{k}", "mul", {"a": "w", "b": f"x{k}"})
        b.add(f"g{k}", "mul", {"a": "alpha", "b": f"f{k}"})
        b.add(f"x{k + 1}", "add", {"a": f"g{k}", "b": f"x{k}"})
    return b.run()


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_rezero(alpha: float) -> None:
    """Bachlechner et al. 2020: ∂x_L/∂w = L α x0 (1 + α w)^(L−1), ∂x_L/∂α = L w x0 (1 + α w)^(L−1)."""
    units, weight, x = 8, 0.75, 1.5
    pass_ = rezero(units, alpha, weight, x)
    growth = (1 + alpha * weight) ** (units - 1)
    for node, expected in (
        ("w", units * alpha * x * growth),
        ("alpha", units * weight * x * growth),
        ("x0", (1 + alpha * weight) ** units),
    ):
        adjoint = pass_.adjoint(node)
        assert adjoint is not None
        assert math.isclose(float(adjoint), expected, rel_tol=1e-14, abs_tol=0.0)
    if alpha == 0:
        assert spectrum(pass_, blocks(pass_), "x0").effective_depth == 0.0


def test_scaling_a_branch_gives_rezero_as_a_curve() -> None:
    """Of a chain x_{l+1} = x_l + ½ x_l, one branch scaled by f: the adjoint is (1 + f/2) · 1.5^(L−1)."""
    pass_ = residual_chain(4).run()
    found = blocks(pass_)
    told = scaled(pass_, found[1], (0.0, 0.5, 1.0, 2.0), ["x0", "x3"])
    assert [one.factor for one in told] == [0.0, 0.5, 1.0, 2.0]
    for one in told:
        assert math.isclose(one.norms[0], (1 + one.factor / 2) * 1.5**3, rel_tol=1e-14)
        assert math.isclose(one.target, one.norms[0], rel_tol=1e-14), "the network is linear in x0 = 1"
        assert one.norms[1] == 1.5


def test_fixup_passes_the_adjoint_on_exactly() -> None:
    """Zhang, Dauphin, Ma 2019: where the last layer of every branch is zero, ∂E/∂x_l = ∂E/∂x_L for every l."""
    b = Builder("loss", "fixup")
    last = b.leaf("x", RNG.normal(size=(2, 3)))
    for k in range(5):
        b.leaf(f"U{k}", RNG.normal(size=(3, 3)), "parameter")
        b.leaf(f"V{k}", np.zeros((3, 3)), "parameter")
        inner = b.add(f"t{k}", "tanh", {"x": b.add(f"f{k}", "linear", {"x": last, "weight": f"U{k}"})})
        inner = b.add(f"g{k}", "linear", {"x": inner, "weight": f"V{k}"})
        last = b.add(f"y{k}", "add", {"a": inner, "b": last})
    b.leaf("goal", RNG.normal(size=(2, 3)), "constant")
    b.add("loss", "mse_loss", {"x": last, "target": "goal"})
    pass_ = b.run()
    top = pass_.adjoint("y4")
    assert top is not None
    for node in ("x", "y0", "y1", "y2", "y3"):
        adjoint = pass_.adjoint(node)
        assert adjoint is not None
        assert np.array_equal(adjoint, top)
    for k in range(5):
        inner_gradient, last_gradient = pass_.adjoint(f"U{k}"), pass_.adjoint(f"V{k}")
        assert inner_gradient is not None
        assert not inner_gradient.any()
        assert last_gradient is not None
        assert last_gradient.any()


def test_deleting_a_block_as_predicted_where_the_network_is_linear() -> None:
    pass_ = residual_chain(5).run()
    found = blocks(pass_)
    gone = deletion(pass_, found[2], "x0")
    assert math.isclose(gone.before, 1.5**5, rel_tol=1e-14)
    assert math.isclose(gone.predicted, 1.5**4, rel_tol=1e-14)
    assert gone.measured == gone.predicted
    assert gone.error == 0.0
    bent = network(4, tensors=True)
    told = deletion(bent, blocks(bent)[-1], "x")
    assert 0 < told.error < 1
