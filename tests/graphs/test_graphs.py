"""The networks in graphs/: they open, say what they are, and show what they are there to show."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug.engine.norms import norm
from resdebug.errors import MissingInput
from resdebug.passes.routes import Routes, Way
from resdebug.passes.summary import cosine
from tests.support import GRAPHS

FILES = sorted(GRAPHS.glob("*.json"))
NAMES = {"two_path", "resblock", "preact_block", "bottleneck", "plain20", "residual20", "digits_resnet"}


def test_all_are_there() -> None:
    assert {path.stem for path in FILES} == NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_opens_here_and_in_networkx_without_a_warning(path: Path) -> None:
    net = resdebug.load(path)
    assert net.warnings == ()
    assert net.name == path.stem
    assert len(net.description) > 100
    graph = nx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
    assert set(graph.nodes) == {node.name for node in net.nodes}
    assert graph.number_of_edges() == len(net.edges)


EPS = float(np.finfo(float).eps)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_gradients_agree_with_central_differences(path: Path) -> None:
    """Three elements of every leaf, each by two whole passes.

    The error is bounded relative to the leaf's largest adjoint, plus the roundoff ε·|f|/h of the difference itself;
    where that would be as large as the adjoint (plain20, whose gradients have vanished), h is larger: the function is
    that much flatter. So a zero in place of the adjoint would fail, which is asserted too.
    """
    net = resdebug.load(path)
    pass_ = resdebug.differentiate(net)
    target = abs(float(np.asarray(pass_.value(net.target)).reshape(-1)[0]))
    rng = np.random.default_rng(0)
    for node in net.nodes:
        if not node.is_differentiable_leaf:
            continue
        adjoint = np.asarray(pass_.adjoint(node.name))
        largest = float(np.abs(adjoint).max())
        wide = min(max(1e-5, 1e3 * EPS * target / largest), 1e-3)
        # A relu's kink may lie within the wider step and not within the narrower one.
        widths = {h: 1e-4 * largest + 32 * EPS * target / h for h in (wide, wide / 2, wide / 8)}
        bounds = {h: bound for h, bound in widths.items() if bound < 0.5 * largest}
        assert bounds, f"differences could not tell {node.name} from zero"
        steepest = np.unravel_index(int(np.abs(adjoint).argmax()), adjoint.shape)
        others = [tuple(int(rng.integers(0, n)) for n in node.shape) for _ in range(2)]
        for index in (tuple(int(i) for i in steepest), *others):
            errors = {h: abs(_difference(net, node.name, index, h) - adjoint[index]) for h in bounds}
            assert any(errors[h] <= bound for h, bound in bounds.items()), (node.name, index, errors)


def _difference(net: resdebug.Network, name: str, index: tuple[int, ...], h: float) -> float:
    """Return the central difference by one element, with two whole passes."""
    ends = []
    for sign in (1, -1):
        array = np.array(net.values[name].array())
        array[index] += sign * h
        ends.append(
            float(np.asarray(resdebug.differentiate(net, inputs={name: array}).value(net.target)).reshape(-1)[0])
        )
    return (ends[0] - ends[1]) / (2 * h)


def test_two_path_by_hand() -> None:
    p = resdebug.differentiate(resdebug.load(GRAPHS / "two_path.json"))
    assert [float(row.contribution) for row in p.ledger("a")] == [7.0, 4.0]
    assert (float(np.asarray(p.adjoint("a"))), float(np.asarray(p.adjoint("b")))) == (11.0, 4.0)
    assert float(np.asarray(p.value("d"))) == 28.0


@pytest.mark.parametrize("name", ["resblock", "preact_block", "bottleneck"])
def test_blocks_have_a_skip_and_a_branch_of_like_size(name: str) -> None:
    p = resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"))
    rows = p.ledger("x")
    ways = {route.way for row in rows if (route := Routes(p).route(row.edge)) is not None}
    assert ways == {Way.SKIP, Way.BRANCH}
    sizes = [norm(row.contribution) for row in rows]
    assert min(sizes) > 0.5 * max(sizes)
    angle = cosine(rows[0].contribution, rows[1].contribution)
    assert angle is not None
    assert abs(angle) < 0.5


@pytest.mark.parametrize("name", ["resblock", "preact_block", "bottleneck"])
def test_no_relu_is_near_its_kink(name: str) -> None:
    p = resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"))
    for node in p.network.nodes:
        if node.op == "relu":
            edge = node.inputs[0]
            assert edge is not None
            assert float(np.abs(np.asarray(p.value(edge.source))).min()) > 0.03


def test_the_identity_skip_passes_the_adjoint_unchanged() -> None:
    p = resdebug.differentiate(resdebug.load(GRAPHS / "preact_block.json"))
    (skip,) = (row for row in p.ledger("x") if row.consumer == "add")
    np.testing.assert_array_equal(skip.contribution, np.asarray(p.adjoint("add")))


def test_the_gradient_vanishes_without_skips_and_not_with_them() -> None:
    plain, residual = (
        resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json")) for name in ("plain20", "residual20")
    )
    weights = [f"W{k}" for k in range(1, 21)]
    for name in (*weights, "x", "t"):
        np.testing.assert_array_equal(np.asarray(plain.value(name)), np.asarray(residual.value(name)))
    assert _ratio(plain) < 1e-8
    assert 0.1 < _ratio(residual) < 10


def _ratio(pass_: resdebug.LivePass) -> float:
    """The adjoint's norm at the first layer over that at the last."""
    return norm(np.asarray(pass_.adjoint("conv1"))) / norm(np.asarray(pass_.adjoint("conv20")))


def test_the_small_graphs_are_what_their_script_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(GRAPHS / "make_graphs.py"), str(tmp_path)], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {name: (GRAPHS / name).read_bytes() for name in made}
    assert {Path(name).stem for name in made} == NAMES - {"digits_resnet"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the digits are not there to test on")
    spec = importlib.util.spec_from_file_location("digits_resnet", GRAPHS / "digits_resnet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["digits_resnet"] = module
    spec.loader.exec_module(module)
    return module


def test_the_digits_are_recognised(script: ModuleType) -> None:
    digits = script.load_digits(0)
    assert (len(digits.images), len(digits.test_images)) == (1198, 599)
    net = resdebug.load(GRAPHS / "digits_resnet.json")
    pass_ = resdebug.differentiate(net, inputs={"x": digits.test_images, "label": digits.test_labels})
    right = np.asarray(pass_.value("fc")).argmax(axis=1) == digits.test_labels
    assert right.mean() >= 0.97
    assert f"{right.sum()} of {len(right)} held-out images" in net.description


def test_the_image_is_real_held_out_and_wrong(script: ModuleType) -> None:
    digits = script.load_digits(0)
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "digits_resnet.json"))
    image, label = np.asarray(pass_.value("x")), int(np.asarray(pass_.value("label"))[0])
    (found,) = np.flatnonzero((digits.test_images == image).all(axis=(1, 2, 3)))
    assert digits.test_labels[found] == label
    logits = np.asarray(pass_.value("fc"))[0]
    chances = np.exp(logits) / np.exp(logits).sum()
    assert int(chances.argmax()) != label
    for k in (int(chances.argmax()), label):
        assert f"{100 * chances[k]:.1f} %" in pass_.network.description


def test_training_learns_and_is_reproducible(script: ModuleType, tmp_path: Path) -> None:
    digits = script.load_digits(0)
    few = script.Digits(digits.images[:256], digits.labels[:256], digits.test_images, digits.test_labels)
    one, _ = script.train(few, 3, 1)
    two, _ = script.train(few, 3, 1)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    trained = script.logits(one, few.images, few.labels).argmax(axis=1) == few.labels
    assert trained.mean() > 0.3


def test_a_graph_moved_elsewhere_needs_its_tensors(tmp_path: Path) -> None:
    shutil.copy(GRAPHS / "digits_resnet.json", tmp_path)
    with pytest.raises(MissingInput, match="W010"):
        resdebug.load(tmp_path / "digits_resnet.json")
