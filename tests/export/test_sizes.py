"""How large a file will be is said before it is written, and memory does not grow with it."""

from __future__ import annotations

import shutil
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import pytest

import resdebug
from resdebug.errors import CannotCreate, IOFailure
from resdebug.export.registry import FORMATS, Size, check_room, expected, export, export_files
from resdebug.passes.live import LivePass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from tests.cli.running import run
from tests.support import GRAPHS, two_path

EXACT = {"npz", "safetensors"}
OURS = ("jsonl", "json", "npz", "safetensors", "csv", "parquet", "graphml", "dot", "mermaid", "perfetto", "replay")
"""Formats whose module says beforehand how much it will write."""


def chain(length: int, size: int = 2000) -> LivePass:
    """Steps on tensors of 16 kB, each with a parameter of its own, which all wait for the end to be visited."""
    nodes: list[dict[str, Any]] = [{"id": "x", "op": "input", "value": {"init": "normal", "shape": [size], "seed": 1}}]
    edges = []
    for i in range(length):
        last = "x" if i == 0 else f"y{i - 1}"
        nodes.append({"id": f"w{i}", "op": "parameter", "value": {"init": "normal", "shape": [size], "seed": i}})
        nodes.append({"id": f"y{i}", "op": "mul"})
        edges += [{"source": last, "target": f"y{i}", "slot": "a"}, {"source": f"w{i}", "target": f"y{i}", "slot": "b"}]
    nodes.append({"id": "loss", "op": "mean"})
    edges.append({"source": f"y{length - 1}", "target": "loss", "slot": "x"})
    graph = nx.node_link_graph({"directed": True, "multigraph": True, "nodes": nodes, "edges": edges}, edges="edges")
    return resdebug.differentiate(resdebug.from_networkx(graph))


@pytest.mark.parametrize("name", OURS)
def test_the_size_is_known_or_near(tmp_path: Path, name: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    format_ = FORMATS[name]
    for graph in ("resblock", "digits_resnet"):
        pass_ = resdebug.differentiate(resdebug.load(GRAPHS / f"{graph}.json"))
        for level in format_.levels:
            path = tmp_path / f"{graph}-{level.value}{format_.suffix}"
            told = expected(pass_, path, format_, selection=Selection(level))
            written = export_files(pass_, path, format_, selection=Selection(level)).size
            assert told is not None
            assert told.exact == (name in EXACT)
            assert told.bytes == (written if told.exact else pytest.approx(written, rel=0.25))


def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    with pytest.raises(IOFailure, match="X009"):
        check_room(tmp_path / "t", Size(1001, exact=True))
    with pytest.raises(IOFailure, match="X009"):
        check_room(tmp_path / "t", Size(1251, exact=False))
    check_room(tmp_path / "t", Size(1000, exact=True))
    check_room(tmp_path / "t", Size(1200, exact=False))
    check_room(tmp_path / "t", None)


@pytest.mark.parametrize("name", ["jsonl", "npz", "safetensors", "csv", "dot"])
def test_memory_while_writing_does_not_grow_with_the_trace(tmp_path: Path, name: str) -> None:
    peaks = []
    for length in (40, 160):
        pass_ = chain(length)
        export(pass_, tmp_path / f"warm{FORMATS[name].suffix}", force=True)
        tracemalloc.start()
        size = export(pass_, tmp_path / f"t{FORMATS[name].suffix}", force=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert size > 50_000 * length or name in {"csv", "dot"}
    # What is kept of a step are names and places, some 6 kB; each of its five tensors has 16 kB.
    assert peaks[1] - peaks[0] < 120 * 8000


@pytest.mark.parametrize("name", [n for n in OURS if FORMATS[n].streams])
def test_a_pass_that_is_not_kept_is_written_just_so(tmp_path: Path, name: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    network = resdebug.load(GRAPHS / "digits_resnet.json")
    whole, streamed = resdebug.differentiate(network), StreamedPass(network)
    format_ = FORMATS[name]
    for number, selection in enumerate((Selection(format_.levels[-1]), Selection(format_.levels[0], ("b*", "fc*")))):
        if not any(selection.chosen(node.name) for node in network.nodes):
            continue
        first, second = tmp_path / f"a{number}{format_.suffix}", tmp_path / f"b{number}{format_.suffix}"
        kept = export_files(whole, first, format_, selection=selection)
        run_ = export_files(streamed, second, format_, selection=selection)
        if name == "jsonl":
            # Tensors lie in another order beside, and so have other numbers in their names.
            a, b = resdebug.load_trace(first), resdebug.load_trace(second)
            assert a.events[:] == b.events[:]
            for node in network.nodes:
                for mine, theirs in (
                    (a.value(node.name), b.value(node.name)),
                    (a.adjoint(node.name), b.adjoint(node.name)),
                ):
                    assert (mine is None) == (theirs is None)
                    assert mine is None or theirs is None or mine.tobytes() == theirs.tobytes()
        else:
            assert kept.size == run_.size
            assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_writes_through_what_is_no_plain_file(tmp_path: Path, name: str) -> None:
    suffix = FORMATS[name].suffix
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / "real")
    (tmp_path / f"folder{suffix}").mkdir()
    before = sorted(p.name for p in tmp_path.iterdir())
    for target in (f"link{suffix}", f"folder{suffix}"):
        with pytest.raises(CannotCreate) as caught:
            export(two_path().run(), tmp_path / target, format=name, force=True)
        assert caught.value.exit_code == 73
    assert (tmp_path / "real").read_bytes() == b"real"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_the_file_beside_is_not_written_through_either(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.safetensors").mkdir()
    with pytest.raises(CannotCreate):
        export(chain(2), tmp_path / "t.jsonl", force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["t.jsonl.safetensors"]


def test_the_command_tells_the_size_and_bounds_it(tmp_path: Path) -> None:
    graph = str(GRAPHS / "digits_resnet.json")
    sizes = []
    for number, arguments in enumerate(([], ["--level", "adjoints"], ["--nodes", "fc*"], ["--level", "stats"])):
        done = run("trace", graph, "-o", f"{number}.jsonl", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(f"{number}.jsonl: about ")
        sizes.append(sum(p.stat().st_size for p in tmp_path.glob(f"{number}.*")))
    assert all(more > less for more, less in pairwise([sizes[0], sizes[1], sizes[2]]))
    partial = run("trace", "2.jsonl", "-o", "again.jsonl", cwd=tmp_path)
    assert partial.returncode == 0
    assert "warning[T013]: the trace holds" in partial.stderr
    unknown = run("trace", graph, "-o", "none.jsonl", "--nodes", "layer9.*", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "X006" in unknown.stderr
    wrong = run("trace", graph, "-o", "none.npz", "--level", "stats", cwd=tmp_path)
    assert (wrong.returncode, "it has adjoints and full" in wrong.stderr) == (2, True)
    assert not list(tmp_path.glob("none*"))
    lines = (tmp_path / "0.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "torn.jsonl").write_bytes(b"".join(lines[:70]) + lines[70][:30])
    torn = run("trace", "torn.jsonl", "-o", "new.jsonl", cwd=tmp_path)
    assert (torn.returncode, "torn.jsonl:71:1" in torn.stderr) == (65, True)
    recovered = run("trace", "torn.jsonl", "-o", "new.jsonl", "--recover", "--json", cwd=tmp_path)
    assert recovered.returncode == 0, recovered.stderr
    assert len(resdebug.load_trace(tmp_path / "new.jsonl").events) == 69
    healthy = run("trace", graph, "-o", "x.jsonl", "--recover", cwd=tmp_path)
    assert healthy.returncode == 2
