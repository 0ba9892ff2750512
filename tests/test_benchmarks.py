"""The benchmarks' own arithmetic and table; what they measure is not tested here, and no time is asserted."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

import resdebug
from tests.benchmarks.catalogue import benchmarks
from tests.benchmarks.convolutions import shapes
from tests.benchmarks.engines import whole_pass
from tests.benchmarks.flops import count, of_node
from tests.benchmarks.measures import percentile
from tests.benchmarks.running import ROOT, Failed, Skipped, alternately, need, once, workers
from tests.benchmarks.table import Row, cells, digits, dumps, plain
from tests.engine.graphs import adjoint
from tests.ops.checking import discrepancy
from tests.support import Builder

MEASURED = Row("a-b1", "something", "them", 0.8, ours=30.0, theirs=40.0, flops=3_000_000_000, peak=200.0)


def convolution(*, differentiable: bool) -> resdebug.Network:
    """Three channels of 5×5 by eight kernels of 3×3 with stride 2 and padding 1, to 3×3 places; and a bias."""
    b = Builder("loss")
    b.leaf("x", np.ones((2, 3, 5, 5)), "input" if differentiable else "constant")
    b.leaf("w", np.ones((8, 3, 3, 3)), "parameter")
    b.leaf("b", np.ones(8), "parameter")
    b.add("conv", "conv2d", {"x": "x", "weight": "w", "bias": "b"}, stride=2, padding=1)
    b.add("loss", "sum", {"x": "conv"})
    return b.network()


def test_a_convolution_by_hand() -> None:
    # 2 images × 3·3 places × 8 outputs, each 3·3·3 multiply-adds of 2 operations.
    forward = 2 * 9 * 8 * 27 * 2
    counted = count(convolution(differentiable=True))
    assert (counted.forward, counted.reverse, counted.total) == (forward, 2 * forward, 3 * forward)


def test_only_contributions_that_are_sent_are_counted() -> None:
    counted = count(convolution(differentiable=False))
    assert counted.reverse == counted.forward


def test_groups_take_fewer_inputs() -> None:
    b = Builder("loss")
    b.leaf("x", np.ones((1, 4, 6, 6)))
    b.leaf("w", np.ones((4, 1, 3, 3)), "parameter")
    b.add("conv", "conv2d", {"x": "x", "weight": "w"}, groups=4)
    b.add("loss", "sum", {"x": "conv"})
    # 4·4 places × 4 channels × 9 multiply-adds.
    assert count(b.network()).forward == 16 * 4 * 9 * 2


def test_a_transposed_convolution_multiplies_every_input_by_every_weight() -> None:
    b = Builder("loss")
    b.leaf("x", np.ones((2, 3, 4, 4)))
    b.leaf("w", np.ones((3, 5, 2, 2)), "parameter")
    b.add("up", "conv_transpose2d", {"x": "x", "weight": "w"}, stride=2)
    b.add("loss", "sum", {"x": "up"})
    assert count(b.network()).forward == 2 * 16 * 3 * 5 * 4 * 2


def test_products_of_matrices_by_hand() -> None:
    b = Builder("loss")
    b.leaf("a", np.ones((7, 2, 3)))
    b.leaf("b", np.ones((3, 5)), "parameter")
    b.leaf("w", np.ones((4, 5)), "parameter")
    b.add("ab", "matmul", {"a": "a", "b": "b"})
    b.add("y", "linear", {"x": "ab", "weight": "w"})
    b.add("act", "tanh", {"x": "y"})
    b.add("loss", "sum", {"x": "act"})
    net = b.network()
    assert [of_node(net, net[name]) for name in ("ab", "y", "act")] == [7 * 2 * 5 * 3 * 2, 7 * 2 * 4 * 5 * 2, 0]


def test_resnet18_has_the_published_number_of_operations() -> None:
    # He et al. 2015, table 1: 1.8·10⁹ multiply-adds.
    counted = count(resdebug.generate("resnet18"))
    assert round(counted.forward / 2 / 1e9, 1) == 1.8
    assert counted.reverse == 2 * counted.forward


def test_convolutions_are_collected_once_each() -> None:
    found = shapes(resdebug.generate("resnet20", batch=8))
    assert [shape.name for shape in found] == [
        "8x3x32-16k3s1", "8x16x32-16k3s1", "8x16x32-32k3s2", "8x32x16-32k3s1", "8x32x16-64k3s2", "8x64x8-64k3s1",
    ]  # fmt: skip
    assert [shape.first for shape in found] == [True, *[False] * 5]
    assert found[0].flops == 8 * 32 * 32 * 16 * 27 * 2


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0.0"), (0.012345, "0.0123"), (1.2345, "1.23"), (99.96, "100.0"), (1234.5, "1234"), (math.inf, "inf")],
)
def test_three_digits(number: float, text: str) -> None:
    assert digits(number) == text


def test_a_row_follows_from_its_medians() -> None:
    assert MEASURED.ratio == 0.75
    assert MEASURED.met is True
    assert MEASURED.gflops(MEASURED.ours) == pytest.approx(100)
    assert MEASURED.share(MEASURED.ours) == pytest.approx(0.5)
    assert cells(MEASURED) == (
        "a-b1", "30.0 ms", "40.0 ms", "0.750", "≤ 0.8", "yes", "100 (50%)", "75.0 (38%)", "something; peer: them",
    )  # fmt: skip


def test_goals() -> None:
    times = Row("s", "scalars", "them", 1 / 60, ours=1.0, theirs=30.0)
    assert cells(times)[3:6] == ("1/30.0", "≤ 1/60", "NO")
    alone = Row("k", "keys", goal=16.0, ours=15.9)
    assert cells(alone)[1:6] == ("15.9 ms", "", "", "< 16.0 ms", "yes")
    assert cells(Row("k", "keys", goal=16.0, ours=16.0))[5] == "NO"
    assert cells(Row("n", "no goal", "them", ours=1.0, theirs=2.0))[3:6] == ("0.500", "", "")


def test_what_is_missing_is_said_in_its_row() -> None:
    with pytest.raises(Skipped, match=r"skipped: no_such_peer is not installed; pip install -e '.\[bench\]'") as told:
        need("no_such_peer")
    row = Row("t", "recorded", "no_such_peer", 0.15, note=str(told.value))
    assert row.met is None
    assert plain([row]).splitlines()[1].endswith("recorded; peer: no_such_peer [" + str(told.value) + "]")


def test_columns_are_aligned() -> None:
    lines = plain([MEASURED, Row("longer-than-that", "w")]).splitlines()
    assert [line.index(text) for line, text in zip(lines, ("what", "something", "w"), strict=True)] == [
        lines[0].index("what")
    ] * 3
    assert lines[0].split() == ["id", "ours", "peer", "ratio", "goal", "met", "GFLOP/s", "peer's", "what"]


def test_json_has_every_field_and_what_follows() -> None:
    (row,) = json.loads(dumps([MEASURED]))
    assert row["id"] == "a-b1"
    assert (row["ratio"], row["met"], row["ours_gflops"]) == (0.75, True, pytest.approx(100))


def test_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    assert alternately(2, lambda: side("ours"), lambda: side("peer")) == [(1.0, 3.0), (2.0, 4.0)]
    assert order == ["ours", "peer"] * 2


def test_a_percentile_is_one_of_the_times() -> None:
    times = [float(k) for k in range(200, 0, -1)]
    assert [percentile(times, p) for p in (50, 99, 100)] == [100.0, 198.0, 200.0]
    assert percentile([7.0], 99) == 7.0


def test_a_failing_process_says_why() -> None:
    with pytest.raises(Failed, match=r"failed: tests\.benchmarks\.engines: .*no_such_file"):
        once("tests.benchmarks.engines", "ours", "no_such_file.json", "--memory", threads=1)
    with pytest.raises(Failed, match="no_such_file"), workers(1, ("tests.benchmarks.engines", "ours", "no_such_file")):
        pass


def test_ids_are_unique_and_chosen_by_glob() -> None:
    ids = [row.id for benchmark in benchmarks() for row in benchmark.rows]
    assert len(set(ids)) == len(ids)
    chosen = [row.id for benchmark in benchmarks(["resnet18-b1*", "conv-worst"]) for row in benchmark.rows]
    assert chosen == ["resnet18-b1", "resnet18-b1-memory", "resnet18-b1-float64", "conv-worst"]
    assert benchmarks(["nothing"]) == []


def test_the_list_measures_nothing() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--list", "--only", "torchlens-*", "load-100k"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["id", "torchlens-resnet18", "torchlens-resnet20", "load-100k"]
    assert "≤ 0.15" in lines[1]
    assert done.stderr == ""


def test_a_name_that_is_no_row() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--only", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--list" in done.stderr


def test_the_peer_does_the_same_work() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
    from tests.benchmarks.peers import hooked

    net = resdebug.generate("resnet20", image_size=8, batch=2, dtype="float64")
    pass_ = whole_pass(net)
    values, adjoints = hooked(net)()
    assert set(values) == {node.name for node in net.nodes}
    assert set(adjoints) == {node.name for node in net.nodes if pass_.adjoint(node.name) is not None}
    for name, theirs in adjoints.items():
        assert discrepancy(adjoint(pass_, name), theirs.numpy()) < 1e-10, name
