"""Norms in single precision are quick only where that is safe."""

from __future__ import annotations

import math

import numpy as np
import pytest

import resdebug
from resdebug.engine.norms import norm
from tests.support import GRAPHS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-15, 1e-10, 1.0, 1e10, 1e15, 1e30, 1e38])
def test_three_and_four_make_five_at_any_size(dtype: str, scale: float) -> None:
    with np.errstate(over="ignore"):
        x = np.array([[3 * scale], [4 * scale]]).astype(dtype)
    if np.isinf(x).any():
        assert norm(x) == math.inf
    else:
        # Below 1e-38 single precision has few digits left.
        rel = 1e-4 if dtype == "float32" and scale < 1e-38 else 3e-7
        assert norm(x) == pytest.approx(5 * scale, rel=rel)


def test_many_numbers_in_any_layout() -> None:
    x = np.random.default_rng(0).standard_normal((3, 70, 40, 30)).astype(np.float32)
    expected = math.sqrt(math.fsum((x.astype(np.float64) ** 2).ravel()))
    for array in (x, np.asfortranarray(x), x.transpose(2, 0, 3, 1), np.ascontiguousarray(x[:, ::-1])[:, ::-1]):
        assert norm(array) == pytest.approx(expected, rel=1e-6)


def test_special_numbers() -> None:
    assert norm(np.zeros(0, np.float32)) == 0
    assert norm(np.zeros(5, np.float32)) == 0
    assert math.isnan(norm(np.array([1, np.nan], np.float32)))
    assert norm(np.array([1, -np.inf], np.float32)) == math.inf


def test_contributions_of_scalars_are_kept_with_their_norms() -> None:
    net = resdebug.generate("random", nodes=500, seed=3)
    kept, asked = resdebug.differentiate(net, norms=True), resdebug.differentiate(net)
    edges = [edge for sent in kept.schedule.deliveries for edge in sent]
    assert len(edges) > 500
    for edge in edges:
        sent = kept.contribution(edge)
        assert (sent.shape, sent.flags.writeable) == ((), False)
        assert sent.tobytes() == asked.contribution(edge).tobytes()
        assert kept.norm(edge) == abs(float(sent))


@pytest.mark.parametrize("name", ["resblock", "residual20"])
def test_norms_kept_from_the_pass_are_those_of_the_contributions(name: str) -> None:
    net = resdebug.load(GRAPHS / f"{name}.json")
    kept, asked = resdebug.differentiate(net, norms=True), resdebug.differentiate(net)
    edges = [edge for sent in kept.schedule.deliveries for edge in sent]
    assert edges
    for edge in edges:
        expected = math.sqrt(math.fsum((kept.contribution(edge).astype(np.float64) ** 2).ravel()))
        assert kept.norm(edge) == asked.norm(edge) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["transformer", "resnet20"])
def test_what_is_handed_on_has_the_norm_that_it_came_with(kind: str) -> None:
    settings = {"blocks": 2, "width": 32, "tokens": 9} if kind == "transformer" else {}
    net = resdebug.generate(kind, seed=2, **settings)
    kept, asked = resdebug.differentiate(net, norms=True), resdebug.differentiate(net)
    edges = [edge for sent in kept.schedule.deliveries for edge in sent]
    assert sum(kept.contribution(edge) is kept.adjoint(edge.consumer) for edge in edges) >= 4
    for edge in edges:
        assert kept.norm(edge) == asked.norm(edge), edge
