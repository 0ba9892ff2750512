"""README says what is true: its commands, keys, file format, Python example and picture."""

from __future__ import annotations

import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import resdebug
from resdebug.cli.parser import parse
from resdebug.generators.kinds import KINDS
from resdebug.ops import CATALOGUE
from resdebug.tui.commands import COMMANDS
from tests.support import GRAPHS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_test_command_is_what_contributing_names_too() -> None:
    (command,) = (line for line in README.splitlines() if line.endswith("-m pytest"))
    assert command in (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_key_is_in_the_table() -> None:
    table = README.partition("## Keys")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([^`]+)`", table)) | {"esc"}
    names = {"escape": "esc", "slash": "/", "full_stop": ".", "comma": ",", "colon": ":", "question_mark": "?"}
    names |= {
        "left_square_bracket": "[",
        "right_square_bracket": "]",
        "right": "→",
        "left": "←",
        "down": "↓",
        "up": "↑",
    }
    for command in COMMANDS:
        for key in command.keys.split(","):
            assert names.get(key, key) in told, f"{command.name}: {key}"


def test_the_file_format_example_loads(tmp_path: Path) -> None:
    (example,) = fenced("json")
    (tmp_path / "net.json").write_text(example, encoding="utf-8")
    save_file({"V": np.eye(2)}, tmp_path / "weights.safetensors")
    net = resdebug.load(tmp_path / "net.json")
    adjoint = resdebug.differentiate(net).adjoint("x")
    assert adjoint is not None
    # y = (x Wᵀ) Iᵀ + x, and the mean over two elements: every element of x̄ is (column sums of W + 1) / 2.
    weight = net.values["W"].array()
    np.testing.assert_allclose(adjoint, [(weight.sum(axis=0) + 1) / 2], rtol=1e-15)


def test_the_python_example_runs() -> None:
    (example,) = fenced("python")
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if line[0].isalpha()] == ["add", "conv1"]


def test_every_command_shown_is_understood(tmp_path: Path) -> None:
    shown = [line for block in fenced("sh") for line in block.splitlines() if line.startswith("resdebug ")]
    assert len(shown) >= 6
    for line in shown:
        assert callable(parse(shlex.split(line, comments=True)[1:]).run)


def test_the_graphs_named_exist() -> None:
    for name in re.findall(r"`(\w+)\.json`", README):
        assert (GRAPHS / f"{name}.json").exists(), name


def test_the_picture_is_of_the_app_as_it_is(tmp_path: Path) -> None:
    script = ROOT / ".github" / "screenshot.py"
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    subprocess.run([sys.executable, str(script), str(tmp_path / "now.svg")], check=True, env=environment)
    kept = (ROOT / ".github" / "screenshot.svg").read_text(encoding="utf-8")
    assert _words(kept) == _words((tmp_path / "now.svg").read_text(encoding="utf-8"))


def _words(svg: str) -> list[str]:
    return html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))).split()


def test_the_changelog_counts_the_operators() -> None:
    (count,) = re.findall(r"^- (\d+) operators", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert int(count) == len(CATALOGUE)


def test_every_kind_of_network_is_told() -> None:
    table = README.partition("## Networks to debug")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z0-9_]+)`", table))
    told |= {f"resnet{name}" for name in told if name.isdigit()}
    assert set(KINDS) <= told
