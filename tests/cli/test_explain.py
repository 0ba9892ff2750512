"""``resdebug explain`` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.support import GRAPHS, two_path

RESBLOCK = str(GRAPHS / "resblock.json")


def test_without_a_file_it_prints_markdown() -> None:
    done = run("explain", RESBLOCK)
    assert done.returncode == 0
    assert done.stdout.startswith("# The backward pass of resblock\n")
    assert "### 3. Are the gradients at a fork added or averaged?" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("suffix", "start"), [(".md", "# The"), (".tex", "\\documentclass"), (".html", "<!DOCTYPE html>")]
)
def test_the_suffix_decides_the_form(tmp_path: Path, suffix: str, start: str) -> None:
    path = tmp_path / f"d{suffix}"
    done = run("explain", RESBLOCK, "-o", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert path.read_text(encoding="utf-8").startswith(start)
    told = json.loads(done.stdout)
    assert told["bytes"] == path.stat().st_size
    again = run("explain", RESBLOCK, "-o", str(path))
    assert again.returncode == 73
    assert "--force" in again.stderr
    assert run("explain", RESBLOCK, "-o", str(path), "--force").returncode == 0


def test_one_node_folded_blocks_and_a_wrong_rule() -> None:
    one = run("explain", RESBLOCK, "--node", "x")
    assert one.stdout.startswith("# The adjoint of x in resblock\n")
    assert "relu1" not in one.stdout
    folded = run("explain", RESBLOCK, "--blocks", "--format", "latex")
    assert r"\frac{\partial F_{1}}{\partial x}" in folded.stdout
    wrong = run("explain", RESBLOCK, "--rule", "mean")
    assert "**This pass ran under the rule mean: it is wrong on purpose.**" in wrong.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--node", "relu9"], 2, 'did you mean "relu2"?'),
        (["-o", "d.pdf"], 2, "error[X005]"),
        (["--json"], 2, "name a file with -o"),
        (["--node", "x", "--blocks"], 2, "exclude each other"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str], code: int, said: str) -> None:
    done = run("explain", RESBLOCK, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""


def test_nothing_to_fold(tmp_path: Path) -> None:
    done = run("explain", str(two_path().save(tmp_path / "g.json")), "--blocks")
    assert done.returncode == 2
    assert "nothing to fold" in done.stderr
