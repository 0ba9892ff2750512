"""``resdebug check``: the answer is the exit code, the table is for people and JSON for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.cli import main
from tests.cli.running import run
from tests.support import GRAPHS, Builder, block, two_path


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return block().save(tmp_path / "net.json")


def right(graph: Path) -> dict[str, Any]:
    p = resdebug.differentiate(resdebug.load(graph))
    return {n.name: np.array(p.adjoint(n.name)) for n in p.network.nodes if p.adjoint(n.name) is not None}


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["check", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_right_network_passes_with_a_line_for_every_slot_and_node(graph: Path) -> None:
    done = run("check", str(graph))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for place in ("conv1.weight", "bn2.x", "add.b", "gamma1", "loss"):
        assert f" {place} " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("pass: ")
    assert "FAIL" not in done.stdout


def test_json_has_every_element_with_all_that_a_trusted_check_prints(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = told(capsys, graph, "--json", "--node", "conv*", "--seed", 7, "--elements", 2)
    assert code == 0
    found = json.loads(out)
    assert (found["seed"], found["dtype"], found["checked_in"], found["passed"]) == (7, "float64", "float64", True)
    assert {p["node"] for p in found["places"]} == {"conv1", "conv2"}
    for place in found["places"]:
        assert (place["checked"], len(place["checks"])) == (2, 2)
        assert place["worst"].keys() == {
            "index", "analytic", "numeric", "h", "method", "absolute_error", "scaled_error", "tolerance", "truncation",
            "roundoff", "left_slope", "right_slope", "verdict", "doubt",
        }  # fmt: skip


def test_what_fails_is_named_with_both_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two_path().save(tmp_path / "net.json")
    code, out, _ = told(capsys, path, "--rule", "mean")
    assert code == 1
    assert "analytic 5.5, numeric 11 by Richardson" in out
    assert "every rule is right by itself: it is how contributions accumulate, first in a" in out
    code, out, _ = told(capsys, path, "--rule", "mean", "--only", "local")
    assert code == 0
    assert "global" not in out


def test_a_kink_is_told_with_its_rule_and_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    b = Builder("loss")
    b.leaf("x", [0.0, 1.0])
    b.add("loss", "sum", {"x": b.add("y", "relu", {"x": "x"})})
    code, out, _ = told(capsys, b.save(tmp_path / "net.json"))
    assert code == 0
    assert "1 of 2 inconclusive: kink, first at [0]" in out
    assert "by convention relu'(0) = 0" in out
    assert "2 elements inconclusive" in out


def test_a_float32_network_says_where_it_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    b = two_path()
    b.graph.graph["dtype"] = "float32"
    code, out, _ = told(capsys, b.save(tmp_path / "net.json"))
    assert code == 0
    assert "a float32 network, checked in float64" in out


def test_a_trace_is_checked_on_its_own_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two_path().save(tmp_path / "net.json")
    assert main(["trace", str(path), "-o", str(tmp_path / "t.jsonl")]) == 0
    capsys.readouterr()
    code, out, _ = told(capsys, tmp_path / "t.jsonl", "--details")
    assert code == 0
    assert "analytic 11, numeric 11" in out
    # One that was made under a wrong rule is wrong.
    assert main(["trace", str(path), "--rule", "mean", "-o", str(tmp_path / "mean.jsonl")]) == 0
    capsys.readouterr()
    code, out, _ = told(capsys, tmp_path / "mean.jsonl")
    assert code == 1
    assert "the adjoints of the trace" in out
    assert "analytic 5.5, numeric 11" in out
    code, _, err = told(capsys, tmp_path / "mean.jsonl", "--rule", "mean")
    assert code == 2
    assert "a trace is what it is" in err


def test_right_gradients_agree_and_wrong_ones_are_diagnosed(
    graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gradients = right(graph)
    np.savez(tmp_path / "g.npz", **gradients)
    code, out, err = told(capsys, graph, "--against", tmp_path / "g.npz")
    assert (code, err) == (0, "")
    assert f"all {len(gradients)} gradients agree" in out
    gradients["x"] = gradients["x"] - gradients["add"]
    np.savez(tmp_path / "g.npz", **gradients)
    done = run("check", str(graph), "--against", str(tmp_path / "g.npz"))
    assert done.returncode == 1
    assert "first in reverse order: x at [" in done.stdout
    assert "diagnosis: the skip's contribution to x is forgotten" in done.stdout
    code, out, _ = told(capsys, graph, "--against", tmp_path / "g.npz", "--json")
    assert code == 1
    found = json.loads(out)
    assert found["first_wrong"]["node"] == "x"
    assert found["diagnosis"][0]["mistakes"][0]["mistake"] == "skip-forgotten"


def test_numbers_without_an_explanation_get_none(
    graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "g.json").write_text('{"gamma1": [1, 2], "W2": [[1]]}', encoding="utf-8")
    code, out, _ = told(capsys, graph, "--against", tmp_path / "g.json")
    assert code == 1
    assert "no diagnosis" in out
    assert "WRONG SHAPE" in out


def test_names_that_fit_nothing_are_listed_with_what_was_meant(
    graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gradients = right(graph)
    np.savez(tmp_path / "g.npz", gama1=gradients["gamma1"], W1=gradients["W1"])
    code, out, err = told(capsys, graph, "--against", tmp_path / "g.npz")
    assert code == 0
    assert 'warning[A005]: "gama1" is no node' in err
    assert 'did you mean "gamma1"?' in err
    assert "not given" in out
    np.savez(tmp_path / "g.npz", **{"\x1b[2J": gradients["W1"]})
    code, out, err = told(capsys, graph, "--against", tmp_path / "g.npz")
    assert (code, out) == (65, "")
    assert "error[A001]" in err
    assert "\x1b" not in err


def test_a_file_of_many_strange_names_is_told_in_short(
    graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = {f"layer{k}.weight": 1.0 for k in range(5000)}
    (tmp_path / "g.json").write_text(json.dumps(strange | {"loss": 1.0}), encoding="utf-8")
    code, out, err = told(capsys, graph, "--against", tmp_path / "g.json")
    assert code == 0
    assert "the gradient agrees" in out
    assert "4980 more faults" in err
    assert len(err.splitlines()) < 50


def test_a_template_is_filled_in_and_compared(graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = tmp_path / "t.npz"
    code, out, _ = told(capsys, graph, "--template", template)
    assert code == 0
    assert "gradients to fill in, all NaN" in out
    with np.load(template) as loaded:
        assert set(loaded) == {"x", "W1", "W2", "gamma1", "gamma2", "beta1", "beta2"}
    code, out, _ = told(capsys, graph, "--against", template)
    assert code == 1
    assert "not filled in: 7 of 7" in out
    code, _, err = told(capsys, graph, "--template", template)
    assert code == 73
    assert "--force" in err
    code, out, _ = told(capsys, graph, "--template", template, "--force", "--node", "relu?", "--json")
    assert code == 0
    assert json.loads(out)["gradients"] == {"relu1": [1, 2, 3, 3], "relu2": [1, 2, 3, 3]}
    code, _, err = told(capsys, graph, "--template", graph, "--force")
    assert code == 73
    assert "would be lost" in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--elements", "0"], 2),
        (["--elements", "some"], 2),
        (["--tolerance", "2"], 2),
        (["--tolerance", "nan"], 2),
        (["--seed", "-1"], 2),
        (["--node", "no*such"], 2),
        (["--target", "conv1"], 65),
        (["--force"], 2),
        (["--against", "a.npz", "--template", "b.npz"], 2),
        (["--against", "a.npz", "--rule", "mean"], 2),
        (["--against", "missing.npz"], 66),
        (["--template", "t.csv"], 2),
        (["--template", "no/such/folder/t.npz"], 73),
    ],
)
def test_faults_of_the_command_line(
    graph: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(graph.parent)
    found, out, err = told(capsys, "net.json", *arguments)
    assert (found, out) == (code, "")
    assert err.startswith(("error[", "net.json", "missing.npz", "no/such"))
    assert "hint:" in err or code == 66
    assert [p.name for p in graph.parent.iterdir()] == ["net.json"]


def test_names_of_nodes_are_made_visible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = block({"conv1": "\x1b[31mconv", "x": "\u202ex", "add": "{node}"}).save(tmp_path / "net.json")
    network = resdebug.load(path)
    gradients = right(path)
    gradients["\u202ex"] = gradients["\u202ex"] * 2
    gradients["{node}"] = -gradients["{node}"]
    (tmp_path / "g.json").write_text(json.dumps({k: v.tolist() for k, v in gradients.items()}), encoding="utf-8")
    for arguments in ([], ["--details"], ["--rule", "mean"], ["--against", tmp_path / "g.json"]):
        _, out, err = told(capsys, path, *arguments)
        assert all(c == "\n" or c.isprintable() for c in out + err)
    assert len(network.nodes) > 10


def test_all_graphs_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("preact_block", "two_path"):
        code, out, _ = told(capsys, GRAPHS / f"{name}.json")
        assert (code, "FAIL" in out, "inconclusive" in out) == (0, False, False)
