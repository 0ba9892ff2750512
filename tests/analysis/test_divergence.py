"""Planted mistakes: each must be found at its first place in the order of the pass, and recognised."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.analysis.divergence.found import Comparison
from resdebug.analysis.divergence.renames import Renames
from resdebug.analysis.divergence.walk import compare
from resdebug.analysis.likeness import likeness, ulps
from resdebug.export.registry import export
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.selection import selection
from tests.cli.running import run
from tests.support import GRAPHS, Builder, block
from tests.verification.fixtures import Lines, first, lines_of, save, write


@pytest.fixture
def live() -> Pass:
    return resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))


def captured(folder: Path, change: Callable[[Lines], Any]) -> Pass:
    """The same pass as somebody else's implementation would have recorded it."""
    lines = lines_of(write(GRAPHS / "resblock.json", folder / "t.jsonl", inline=True))
    change(lines)
    return resdebug.load_trace(save(lines, folder / "captured.jsonl"))


def numbers(tensor: dict[str, Any]) -> np.ndarray:
    return np.array(tensor["data"])


def replace(tensor: dict[str, Any], array: np.ndarray) -> None:
    tensor["data"] = array.tolist()


def kinds(comparison: Comparison) -> list[str]:
    assert comparison.first is not None
    return [look.kind for look in comparison.first.looks]


def fork(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines[1:] if line["event"] == "contributed" and line["node"] == "x"]


def test_a_pass_is_the_same_as_its_trace(live: Pass, tmp_path: Path) -> None:
    result = compare(live, captured(tmp_path, lambda _: None), everything=True)
    assert result.same
    assert result.compared == {Of.VALUE: 16, Of.CONTRIBUTION: 15, Of.ADJOINT: 16}
    assert result.worst == 0


@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        ("forgotten", lambda rows: numbers(rows[1]["contribution"])),
        ("forgotten", lambda rows: numbers(rows[0]["contribution"])),
        ("averaged", lambda rows: numbers(rows[1]["partial"]) / 2),
        ("twice", lambda rows: numbers(rows[1]["partial"]) + numbers(rows[0]["contribution"])),
        ("overwritten", lambda rows: numbers(rows[1]["contribution"])),
        ("first only", lambda rows: numbers(rows[0]["contribution"])),
        ("sign", lambda rows: -numbers(rows[1]["partial"])),
        ("zero", lambda rows: 0 * numbers(rows[1]["partial"])),
        ("NaN", lambda rows: np.where(np.arange(18).reshape(1, 2, 3, 3) == 4, np.nan, numbers(rows[1]["partial"]))),
        ("rounding", lambda rows: numbers(rows[1]["partial"]) * (1 + 1e-12)),
        ("precision", lambda rows: numbers(rows[1]["partial"]).astype("f4").astype("f8")),
    ],
)
def test_mistakes_of_adding_up_at_a_fork(
    kind: str, mistake: Callable[[list[dict[str, Any]]], np.ndarray], live: Pass, tmp_path: Path
) -> None:
    def plant(lines: Lines) -> None:
        wrong = mistake(fork(lines))
        words = np.where(np.isnan(wrong), "NaN", wrong.astype(object)).tolist()
        first(lines, "completed", node="x")["adjoint"]["data"] = words

    result = compare(live, captured(tmp_path, plant), tolerance=1e-13 if kind == "rounding" else None)
    assert result.first is not None
    assert (result.first.of, result.first.node, result.first.slot) == (Of.ADJOINT, "x", "")
    assert kind in kinds(result)


@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        ("flipped", lambda w: w[..., ::-1, ::-1]),
        ("transposed", lambda w: np.swapaxes(w, -1, -2)),
        ("mean or sum", lambda w: w / 9),
        ("factor 2", lambda w: w * 2),
        ("factor", lambda w: w * 1.25),
    ],
)
def test_mistakes_of_one_contribution(
    kind: str, mistake: Callable[[np.ndarray], np.ndarray], live: Pass, tmp_path: Path
) -> None:
    def plant(lines: Lines) -> None:
        row = first(lines, "contributed", consumer="conv2", slot="weight")
        replace(row["contribution"], mistake(numbers(row["contribution"])))

    result = compare(live, captured(tmp_path, plant))
    divergence = result.first
    assert divergence is not None
    assert (divergence.of, divergence.consumer, divergence.slot) == (Of.CONTRIBUTION, "conv2", "weight")
    assert kinds(result)[0] == kind
    assert divergence.index is not None
    sent = live.contribution(next(e for e in live.network.edges if e.consumer == "conv2" and e.slot == "weight"))
    assert divergence.first == sent[divergence.index]
    assert divergence.second == mistake(np.asarray(sent))[divergence.index]


def test_a_mask_that_is_omitted(live: Pass, tmp_path: Path) -> None:
    def plant(lines: Lines) -> None:
        row = next(x for x in lines[1:] if x["event"] == "contributed" and x["consumer"] == "relu1")
        arriving = first(lines, "completed", node="relu1")["adjoint"]
        replace(row["contribution"], numbers(arriving))

    assert kinds(compare(live, captured(tmp_path, plant))) == ["mask omitted"]


def test_an_operand_that_differs_already_is_named(live: Pass, tmp_path: Path) -> None:
    def plant(lines: Lines) -> None:
        value = first(lines, "evaluated", node="relu1")["value"]
        replace(value, numbers(value) * 1.5)
        row = first(lines, "contributed", consumer="conv2", slot="weight")
        replace(row["contribution"], numbers(row["contribution"]) * 1.5)

    other = captured(tmp_path, plant)
    whole = compare(live, other, everything=True)
    assert [(d.of, d.node) for d in whole.divergences] == [(Of.VALUE, "relu1"), (Of.CONTRIBUTION, live_weight(live))]
    late = compare(live, other, only=[Of.CONTRIBUTION])
    assert late.first is not None
    assert late.first.looks[0].kind == "operand"
    assert '"relu1"' in late.first.looks[0].says


def live_weight(live: Pass) -> str:
    return next(e.source for e in live.network.edges if e.consumer == "conv2" and e.slot == "weight")


def test_renamed_nodes_and_those_only_in_one() -> None:
    ours, theirs = block().run(), block({"conv1": "body.c1", "conv2": "body.c2"}).run()
    plain = compare(ours, theirs)
    assert (plain.only_first, plain.only_second) == (["conv1", "conv2"], ["body.c1", "body.c2"])
    assert not plain.same
    assert compare(ours, theirs, renames=Renames([("conv*", "body.c*")])).same
    with pytest.raises(ValueError, match="stars"):
        Renames([("a*", "b")])


def plain_stack(blocks: int, *, skip: bool) -> Builder:
    """Residual blocks x + F(x); without ``skip`` the forward pass is the same and a constant stands for x."""
    rng = np.random.default_rng(7)
    b = Builder("loss", "blocks")
    b.leaf("h0", rng.normal(size=(4, 8)))
    weights = [0.1 * rng.normal(size=(8, 8)) for _ in range(blocks)]
    last = "h0"
    for k, weight in enumerate(weights):
        b.leaf(f"W{k}", weight, "parameter")
        b.add(f"f{k}", "linear", {"x": last, "weight": f"W{k}"})
        around = last
        if not skip:
            around = b.add(f"stop{k}", "stop_gradient", {"x": last})
        last = b.add(f"h{k + 1}", "add", {"a": f"f{k}", "b": around})
    b.add("square", "square", {"x": last})
    b.add("loss", "sum", {"x": "square"})
    return b


def test_a_forgotten_skip_makes_gradients_fade_block_by_block() -> None:
    """The published pattern: right norms stay of one order, without the skip's contribution each block divides them."""
    right, wrong = plain_stack(5, skip=True).run(), plain_stack(5, skip=False).run()
    norms = [[float(np.linalg.norm(np.asarray(p.adjoint(f"h{k}")))) for k in range(5, -1, -1)] for p in (right, wrong)]
    assert max(norms[0]) / min(norms[0]) < 10
    assert all(below < above / 2 for above, below in zip(norms[1], norms[1][1:], strict=False))
    assert norms[1][-1] < norms[1][0] / 100
    result = compare(right, wrong, only=[Of.ADJOINT], renames=Renames())
    assert result.first is not None
    assert result.first.node == "h4"
    assert [look.kind for look in result.first.looks][:2] == ["not sent", "forgotten"]
    assert "the skip's" in result.first.looks[1].says


def test_a_skip_that_is_missing_in_the_forward_pass(tmp_path: Path) -> None:
    done = run("diff", str(GRAPHS / "residual20.json"), str(GRAPHS / "plain20.json"))
    assert done.returncode == 1
    assert "only in" in done.stdout
    assert 'missing skip: it takes "conv2"' in done.stdout
    turned = run("diff", str(GRAPHS / "plain20.json"), str(GRAPHS / "residual20.json"))
    assert 'added skip: it takes "conv2" joined with "x" where the first takes it alone' in turned.stdout


def test_rounding_in_front_of_a_normalisation_is_no_divergence() -> None:
    """A constant in front of a batch norm has no influence: its gradient is rounding, and no two roundings agree."""

    def network(order: int) -> Builder:
        rng = np.random.default_rng(1)
        b = Builder("loss", "noise")
        b.leaf("x", rng.normal(size=(16, 3, 4, 4))[::order])
        b.leaf("t", rng.normal(size=(16, 3, 4, 4))[::order])
        b.leaf("W", rng.normal(size=(3, 3, 1, 1)), "parameter")
        b.leaf("bias", [0.3, 0.1, -0.2], "parameter")
        b.add("conv", "conv2d", {"x": "x", "weight": "W", "bias": "bias"})
        b.add("bn", "batch_norm", {"x": "conv"}, training=True)
        b.add("loss", "mse_loss", {"x": "bn", "target": "t"})
        return b

    one, other = network(1).run(), network(-1).run()
    assert not np.array_equal(np.asarray(one.adjoint("bias")), np.asarray(other.adjoint("bias")))
    result = compare(one, other, nodes=["bias", "W", "loss"], everything=True)
    assert result.divergences == []


@pytest.mark.parametrize(
    ("a", "b", "dtype", "gap"),
    [(1.0, 1.0, "float64", 0), (1.0, 1 + 2**-52, "float64", 1), (1.0, 1 + 2**-22, "float32", 2),
     (5e-324, -5e-324, "float64", 2), (0.0, -0.0, "float64", 0), (1.0, float("nan"), "float64", None)],
)  # fmt: skip
def test_ulps_are_counted_across_zero(a: float, b: float, dtype: str, gap: int | None) -> None:
    assert ulps(a, b, dtype) == gap


def test_traces_of_statistics_are_compared_by_them(live: Pass, tmp_path: Path) -> None:
    export(live, tmp_path / "t.jsonl", selection=selection("stats"))
    told = resdebug.load_trace(tmp_path / "t.jsonl")
    for a, b in ((live, told), (told, live), (told, told)):
        result = compare(a, b, everything=True)
        assert result.same
        assert (result.by_statistics, result.absent) == (47, 0)
    network = resdebug.load(GRAPHS / "resblock.json")
    result = compare(told, resdebug.differentiate(network, rule="mean"))
    assert result.first is not None
    assert (result.first.of, result.first.node) == (Of.ADJOINT, "x")
    assert result.first.relative == pytest.approx(0.5)
    assert result.first.looks[0].says.startswith("compared by statistics alone: norm 1.13745 and 0.568723")
    done = run("diff", str(GRAPHS / "resblock.json"), str(tmp_path / "t.jsonl"))
    assert done.returncode == 0
    assert "as far as both hold it" in done.stdout


def test_a_sum_over_the_wrong_axis_is_a_matter_of_shape() -> None:
    (look,) = likeness(np.ones((3, 4)), np.ones(4), 1e-9)
    assert look.kind == "shape"
    (look,) = likeness(np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3).T, 1e-9)
    assert look.kind == "transposed"


def test_the_command(tmp_path: Path) -> None:
    trace = write(GRAPHS / "resblock.json", tmp_path / "t.jsonl")
    assert run("diff", str(GRAPHS / "resblock.json"), str(trace)).returncode == 0
    mean = tmp_path / "mean.jsonl"
    assert run("trace", str(GRAPHS / "resblock.json"), "--rule", "mean", "-o", str(mean)).returncode == 0
    done = run("diff", str(trace), str(mean), "--all")
    assert done.returncode == 1
    assert 'adjoint of "x"' in done.stdout
    assert "averaged" in done.stdout
    told = [json.loads(line) for line in run("diff", str(trace), str(mean), "--json").stdout.splitlines()]
    assert [line["kind"] for line in told] == ["divergence", "summary"]
    assert told[0]["looks_like"][0]["kind"] == "averaged"
    assert told[0]["second"] * 2 == told[0]["first"]
    assert run("diff", str(trace), str(mean), "--values-only").returncode == 0
    assert run("diff", str(trace), str(mean), "--map", "x").returncode == 2
    assert run("diff", str(trace), str(tmp_path / "none.json")).returncode == 66


def test_a_leaf_of_other_numbers_is_no_rounding() -> None:
    changed = block()
    changed.graph.nodes["gamma1"]["value"] = [float(np.nextafter(g, 9)) for g in changed.graph.nodes["gamma1"]["value"]]
    first = compare(block().run(), changed.run(), tolerance=0.0).first
    assert first is not None
    assert (first.node, first.ulps, [look.kind for look in first.looks]) == ("gamma1", 1, ["other numbers"])
