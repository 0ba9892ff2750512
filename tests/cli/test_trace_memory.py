"""``trace --level stats`` keeps the process within the memory that it states."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import resdebug
from tests.cli.running import ENVIRONMENT, run
from tests.network.making import save

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is asked of Linux")

ALLOWANCE = 6 << 20
"""Bytes beyond what is stated: where the kernel hands out pages by the 2 MiB, and C libraries take some more."""

PEAK = """
import re, sys
from pathlib import Path
{what}
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""
LOAD = PEAK.format(what="import resdebug, resdebug.cli.trace; resdebug.load(sys.argv[1])")
TRACE = PEAK.format(what="from resdebug.cli import main; code = main(sys.argv[1:]); assert code == 0, code")


def peak(program: str, *arguments: str, library: str) -> int:
    """Return the most bytes that a process of its own had in memory."""
    command = [sys.executable, "-c", program, *arguments]
    environment = ENVIRONMENT | {"RESDEBUG_ONEDNN": library}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1]) << 10


def convolutions(folder: Path) -> Path:
    """Write a network of some large weights, and images of middling size."""
    path = folder / "resnet18.json"
    made = run("new", "resnet18", "--image-size", "96", "-o", str(path))
    assert made.returncode == 0, made.stderr
    return path


def chain(folder: Path) -> Path:
    """Write a network of many steps on a tensor of 1 MiB."""
    value = {"init": "normal", "shape": [1 << 18], "seed": 1}
    nodes: list[dict[str, Any]] = [
        {"id": "x", "op": "input", "value": value},
        *({"id": f"y{i}", "op": "tanh"} for i in range(150)),
    ]
    nodes.append({"id": "loss", "op": "sum"})
    edges = [{"source": a["id"], "target": b["id"], "slot": "x"} for a, b in pairwise(nodes)]
    graph = {"target": "loss", "dtype": "float32"}
    return save(folder, {"directed": True, "multigraph": True, "graph": graph, "nodes": nodes, "edges": edges})


def stated(path: Path, library: str = "") -> tuple[int, int]:
    """Return the bytes that the command says it takes at most, and those of them that are limited."""
    program = (
        "import sys, resdebug.api; pass_ = resdebug.api.open_streamed(sys.argv[1]); print(pass_.needed, pass_.tensors)"
    )
    command, environment = [sys.executable, "-c", program, str(path)], ENVIRONMENT | {"RESDEBUG_ONEDNN": library}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    whole, tensors = map(int, done.stdout.split())
    return whole, tensors


@pytest.mark.parametrize("library", ["", "off"])
@pytest.mark.parametrize("write", [convolutions, chain])
def test_the_process_grows_by_no_more_than_is_stated(
    write: Callable[[Path], Path], library: str, tmp_path: Path
) -> None:
    path = write(tmp_path)
    network = resdebug.load(path)
    growth = peak(TRACE, "trace", str(path), "--level", "stats", "-o", str(tmp_path / "s.json"), library=library)
    growth -= peak(LOAD, str(path), library=library)
    bound, _ = stated(path, library)
    assert growth < bound + ALLOWANCE
    # One that kept all values and adjoints would take more than that.
    assert 2 * sum(node.type.nbytes for node in network.nodes) > bound + ALLOWANCE + (10 << 20)


def test_the_limit_is_what_is_stated_of_tensors(tmp_path: Path) -> None:
    path, out = chain(tmp_path), tmp_path / "stats.json"
    _, needed = stated(path)
    refused = run("trace", str(path), "--level", "stats", "-o", str(out), "--memory", str(needed - 1))
    assert refused.returncode == 65
    assert "S002" in refused.stderr
    assert "MiB" in refused.stderr
    assert '"y' in refused.stderr
    assert "152 nodes" in refused.stderr
    assert not out.exists()
    done = run("trace", str(path), "--level", "stats", "-o", str(out), "--memory", str(needed))
    assert done.returncode == 0, done.stderr
    assert "of memory" in done.stderr
