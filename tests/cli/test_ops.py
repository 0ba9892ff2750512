"""``resdebug ops``: the table of operators, and all about one."""

from __future__ import annotations

import json

from resdebug.ops import CATALOGUE
from tests.cli.running import ENVIRONMENT, run


def test_the_table_lists_every_operator_with_its_formula() -> None:
    listed = run("ops").stdout.splitlines()
    rows = dict(line.split(None, 1) for line in listed if line.startswith("  "))
    assert list(rows) == list(CATALOGUE)
    assert rows["sub"] == "y = a − b"
    assert listed[-1].startswith(f"{len(CATALOGUE)} operators")


def test_one_operator_is_told_in_full() -> None:
    told = run("ops", "conv2d").stdout
    for word in ("x̄ += convᵀ(ȳ, weight)", "stride", "default 1", "bias (optional)", "shapes: x (N, C, H, W)"):
        assert word in told
    assert "relu'(0) = 0" in run("ops", "relu").stdout
    assert "source:" in run("ops", "batch_norm").stdout


def test_formulas_come_in_three_forms() -> None:
    assert "y' .* 1[x > 0]" in run("ops", "relu", "--form", "ascii").stdout
    assert r"\bar{y} \odot \mathbf{1}[x > 0]" in run("ops", "relu", "--form", "latex").stdout
    narrow = run("ops", "relu", env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert narrow.returncode == 0
    assert narrow.stdout.isascii()
    assert "y' .* 1[x > 0]" in narrow.stdout


def test_a_machine_gets_everything() -> None:
    power = json.loads(run("ops", "pow", "--json").stdout)
    (exponent,) = power["attributes"]
    assert (exponent["name"], exponent["type"], exponent["required"]) == ("exponent", "number", True)
    assert power["formula"] == {"unicode": "y = x^exponent", "ascii": "y = x^exponent",
                                "latex": r"y = x^{\mathrm{exponent}}"}  # fmt: skip
    rows = json.loads(run("ops", "--json").stdout)
    assert {row["op"] for row in rows} == set(CATALOGUE)
    for row in rows:
        assert row["about"]
        assert row["shapes"] or row["family"] == "leaves"
        for attribute in row["attributes"]:
            assert attribute["about"], (row["op"], attribute["name"])
            assert "Type" not in attribute["type"], (row["op"], attribute)


def test_an_operator_that_does_not_exist() -> None:
    done = run("ops", "konv2d")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "conv2d"?' in done.stderr
