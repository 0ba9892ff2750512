"""The reference trace: read by a reader made from its description, partial, torn, tampered, and of an older version."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import resdebug
from resdebug.errors import BadInput, CannotCreate, IOFailure, UsageError
from resdebug.export.registry import export
from resdebug.passes.encoding import from_numbers, numbers
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.selection import Level, Selection
from tests.export.reader import Trace
from tests.support import GRAPHS, Builder, block, two_path


def bits(array: np.ndarray | None) -> bytes:
    assert array is not None
    return array.tobytes()


def large(name: str = "x") -> Builder:
    """A block on tensors of 512 numbers: y = tanh(x) + x, and its sum."""
    b = Builder("loss", dtype="float32")
    b.leaf(name, np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32))
    b.add("branch", "tanh", {"x": name}, block="b")
    b.add("y", "add", {"a": "branch", "b": name}, block="b")
    b.add("loss", "sum", {"x": "y"})
    return b


def agrees(trace: Path, pass_: Pass) -> None:
    """Every event, and every number of every event, as the reader reads them."""
    found = Trace(trace)
    records = list(found)
    assert records.pop()["event"] == "end"
    assert found.header["digest"] == pass_.digest()
    assert len(records) == len(pass_.events) == found.header["events"]
    sums: dict[str, np.ndarray] = {}
    for k, (record, event) in enumerate(zip(records, pass_.events, strict=True), start=1):
        assert (record["k"], record["node"]) == (k, event.node)
        match event:
            case Evaluated(node):
                assert (record["event"], bits(record["value"])) == ("evaluated", bits(pass_.value(node)))
            case Seeded(node):
                assert (record["event"], float(record["adjoint"].sum())) == ("seeded", 1.0)
            case Completed(node):
                assert (record["event"], bits(record["adjoint"])) == ("completed", bits(pass_.adjoint(node)))
                assert node == pass_.target or bits(sums[node]) == bits(record["adjoint"])
            case Contributed(edge):
                sent = record["contribution"]
                assert (record["consumer"], record["slot"]) == (edge.consumer, edge.slot)
                assert bits(sent) == bits(pass_.contribution(edge))
                sums[edge.source] = sums[edge.source] + sent if edge.source in sums else sent
                assert bits(record["partial"]) == bits(sums[edge.source])


@pytest.mark.parametrize("inline", [False, True])
def test_a_reader_made_from_the_description_finds_every_number(tmp_path: Path, inline: bool) -> None:
    for k, pass_ in enumerate((two_path().run(), large().run(), block(projection=True).run())):
        path = tmp_path / f"{k}.jsonl"
        size = export(pass_, path, inline=inline)
        agrees(path, pass_)
        assert size == sum(p.stat().st_size for p in tmp_path.glob(f"{k}.*"))
        beside = tmp_path / f"{k}.jsonl.safetensors"
        assert beside.exists() == (k == 1 and not inline)
    if not inline:
        stored = load_file(tmp_path / "1.jsonl.safetensors")
        # Two values, three contributions to two nodes with their second sum; what is the same is there once.
        assert sorted(name.split(".", 1)[1] for name in stored) == [
            "contribution.branch", "contribution.x", "contribution.x", "contribution.y", "partial.x", "value.branch",
            "value.x", "value.y",
        ]  # fmt: skip


def test_a_trace_with_tensors_beside_opens_again_and_is_written_the_same(tmp_path: Path) -> None:
    live = large().run()
    export(live, tmp_path / "t.jsonl")
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    agrees(tmp_path / "t.jsonl", recorded)
    (tmp_path / "again").mkdir()
    export(recorded, tmp_path / "again" / "t.jsonl")
    for name in ("t.jsonl", "t.jsonl.safetensors"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    for name in ("t.jsonl", "t.jsonl.safetensors"):
        (tmp_path / name).rename(tmp_path / name.replace("t.", "renamed."))
    agrees_after_renaming = resdebug.load_trace(tmp_path / "renamed.jsonl")
    assert bits(agrees_after_renaming.adjoint("x")) == bits(live.adjoint("x"))


def test_both_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.jsonl").write_bytes(b"old")
    (tmp_path / "t.jsonl.safetensors").write_bytes(b"weights")
    first, second = large().run(), large().run(rule="mean")
    with pytest.raises(CannotCreate):
        export(first, tmp_path / "t.jsonl")
    replacing, count = Path.replace, 0

    def fail(self: Path, target: Path) -> Path:
        nonlocal count
        if target.name == "t.jsonl":
            raise OSError(5, "broken")
        count += 1
        return replacing(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(IOFailure):
        export(second, tmp_path / "t.jsonl", force=True)
    assert count == 2, "the second file was in its place, and was taken back"
    assert (tmp_path / "t.jsonl").read_bytes() == b"old"
    assert (tmp_path / "t.jsonl.safetensors").read_bytes() == b"weights"
    assert len(list(tmp_path.iterdir())) == 2


NANS = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF0000000000001]


def test_nan_and_infinity_keep_their_bits(tmp_path: Path) -> None:
    odd = np.array([*NANS, 0x7FF0000000000000, 0xFFF0000000000000, 1 << 63, 1], np.uint64).view(np.float64)
    for array in (odd, odd.reshape(3, 3), odd[0], odd[1].reshape(()), np.array([], np.float64)):
        said = json.loads(json.dumps(numbers(array), allow_nan=False))
        assert bits(from_numbers(said, array.shape, "float64")) == bits(array)
    narrow = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F800000, 0x80000000, 1], np.uint32).view(np.float32)
    said = json.loads(json.dumps(numbers(narrow), allow_nan=False))
    assert said[:4] == ["NaN", "NaN:ffc00000", "NaN:7f800001", "Infinity"]
    assert bits(from_numbers(said, (6,), "float32")) == bits(narrow)
    for bad in ("NaN:3ff0000000000000", "NaN:zz", "nan", "NaN:7ff00000000000001"):
        with pytest.raises(ValueError, match="not a number"):
            from_numbers(bad, (), "float64")
    with pytest.raises(ValueError, match="beyond float32"):
        from_numbers(1e39, (), "float32")
    b = Builder("s")
    b.leaf("x", odd)
    b.add("s", "sum", {"x": "x"})
    live = b.run()
    export(live, tmp_path / "t.jsonl")
    agrees(tmp_path / "t.jsonl", live)
    assert bits(resdebug.load_trace(tmp_path / "t.jsonl").value("x")) == bits(odd)


def test_version_1_is_still_read() -> None:
    recorded = resdebug.load_trace(Path(__file__).parents[1] / "passes" / "version1.jsonl")
    live = two_path().run()
    assert recorded.events[:] == live.events[:]
    assert bits(recorded.adjoint("a")) == bits(live.adjoint("a"))
    assert recorded.absent == ""


def test_one_changed_bit_is_found_in_its_line_or_tensor(tmp_path: Path) -> None:
    path, beside = tmp_path / "t.jsonl", tmp_path / "t.jsonl.safetensors"
    export(large().run(), path)
    text, stored = path.read_bytes(), beside.read_bytes()
    lines = text.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        digit = max(m.start() for m in re.finditer(rb"\d(?=[\d\]}.e,])", line[: line.rindex(b',"crc"')]))
        changed = line[:digit] + bytes([line[digit] ^ 1]) + line[digit + 1 :]
        path.write_bytes(b"\n".join([*lines[: number - 1], changed, *lines[number:]]))
        with pytest.raises(BadInput) as caught:
            resdebug.load_trace(path)
        fault = caught.value.faults[0]
        assert (fault.code, fault.place.line) == ("T012", number)
    path.write_bytes(text)
    where = len(stored) - 700  # in the second sum of x, the last but the contributions
    beside.write_bytes(stored[:where] + bytes([stored[where] ^ 1]) + stored[where + 1 :])
    with pytest.raises(BadInput) as caught:
        resdebug.load_trace(path)
    assert caught.value.faults[0].code == "T012"
    assert caught.value.faults[0].place.line > 1
    recovered = resdebug.load_trace(path, recover=True)
    assert len(recovered.events) == caught.value.faults[0].place.line - 2


@pytest.mark.parametrize("header", ["../t.safetensors", "/etc/passwd", "t.npz", "other.safetensors", "a/b.safetensors"])
def test_a_header_that_names_another_file_is_refused(tmp_path: Path, header: str) -> None:
    export(large().run(), tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl.safetensors").rename(tmp_path / "moved")
    first, rest = (tmp_path / "t.jsonl").read_text().split("\n", 1)
    changed = re.sub(r',"crc":\d+}$', "}", first.replace('"tensors":"t.jsonl.safetensors"', f'"tensors":"{header}"'))
    (tmp_path / "t.jsonl").write_text(f"{changed}\n{rest}")
    with pytest.raises(BadInput) as caught:
        resdebug.load_trace(tmp_path / "t.jsonl")
    assert caught.value.faults[0].code == ("W010" if header == "other.safetensors" else "T011")


def test_what_is_whole_of_a_torn_trace_is_recovered(tmp_path: Path) -> None:
    live = block().run()
    export(live, tmp_path / "whole.jsonl")
    data = (tmp_path / "whole.jsonl").read_bytes()
    ends = [m.end() for m in re.finditer(b"\n", data)]
    torn, again = tmp_path / "torn.jsonl", tmp_path / "again.jsonl"
    for cut in [*ends[:-1:3], ends[5] + 20, ends[-3] - 4, ends[-2] + 3]:
        torn.write_bytes(data[:cut])
        if cut > ends[0]:
            with pytest.raises(BadInput, match="--recover"):
                resdebug.load_trace(torn)
        recovered = resdebug.load_trace(torn, recover=True)
        whole = sum(end <= cut for end in ends) - 1
        assert recovered.events[:] == live.events[:whole]
        assert "breaks off" in recovered.absent
        assert recovered.network.warnings[-1].code == "T013"
        for event in recovered.events:
            if isinstance(event, Evaluated):
                assert bits(recovered.value(event.node)) == bits(live.value(event.node))
            elif isinstance(event, Completed):
                assert bits(recovered.adjoint(event.node)) == bits(live.adjoint(event.node))
        export(recovered, again, force=True)
        assert Trace(again).header["whole"] is False
        reopened = resdebug.load_trace(again)
        assert reopened.events[:] == recovered.events[:]
        assert not reopened.whole
        debugger = resdebug.Debugger(reopened)
        for granularity in ("edge", "node", "block"):
            debugger.jump(0)
            while debugger.position < len(reopened.events):
                debugger.step(granularity)
                debugger.node_state(debugger.focus())
    assert resdebug.load_trace(tmp_path / "whole.jsonl", recover=True).absent == ""


def test_partial_traces_open_with_what_they_hold(tmp_path: Path) -> None:
    live, path = large().run(), tmp_path / "t.jsonl"
    export(live, path, selection=Selection(Level.ADJOINTS, ("y", "br*")))
    assert len(load_file(tmp_path / "t.jsonl.safetensors")) == 2
    recorded = resdebug.load_trace(path)
    assert recorded.events[:] == live.events[:]
    assert recorded.absent == (
        "the trace holds 0 of 4 values, 2 of 4 adjoints, 0 of 4 contributions; it has statistics of the others"
    )
    assert bits(recorded.adjoint("branch")) == bits(live.adjoint("branch"))
    assert recorded.value("x") is None
    assert recorded.adjoint("x") is None
    assert not recorded.holds(Of.ADJOINT, "x")
    assert recorded.ledger("x") == ()
    adjoint = live.adjoint("x")
    told = recorded.statistics(Of.ADJOINT, "x")
    assert adjoint is not None
    assert told is not None
    assert told.norm == pytest.approx(np.linalg.norm(adjoint.astype(float)))
    edge = live.arrivals("x")[1]
    partial = recorded.statistics(Of.PARTIAL, edge)
    assert partial is not None
    assert partial.norm == told.norm
    with pytest.raises(KeyError, match="only statistics"):
        recorded.contribution(edge)
    export(recorded, tmp_path / "again.jsonl")
    assert Trace(tmp_path / "again.jsonl").header["nodes"] == ["y", "br*"]
    export(recorded, tmp_path / "less.jsonl", selection=Selection(Level.FULL, ("branch", "x")))
    less = resdebug.load_trace(tmp_path / "less.jsonl")
    assert [n.name for n in live.network.nodes if less.holds(Of.ADJOINT, n.name)] == ["branch"]
    export(live, tmp_path / "full.jsonl", selection=Selection(nodes=("x",)))
    part = resdebug.load_trace(tmp_path / "full.jsonl")
    assert [row.running.tobytes() for row in part.ledger("x")] == [row.running.tobytes() for row in live.ledger("x")]
    assert part.ledger("branch") == ()
    with pytest.raises(UsageError, match="X006"):
        export(live, tmp_path / "none.jsonl", selection=Selection(nodes=("layer*",)))


@pytest.mark.skipif(sys.platform == "win32", reason="locks of files as POSIX has them")
def test_killed_while_writing_leaves_old_or_new_and_what_is_left_is_swept(tmp_path: Path) -> None:
    code = (
        "import sys, time, resdebug\n"
        "from resdebug.export.registry import export\n"
        f"p = resdebug.differentiate(resdebug.load({str(GRAPHS / 'two_path.json')!r}))\n"
        "def slow(done, total):\n"
        "    print(done, flush=True); time.sleep(0.05)\n"
        "export(p, 't.jsonl', force=True, progress=slow)\n"
    )
    (tmp_path / "t.jsonl").write_bytes(b"old")
    child = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "1"
    (left,) = tmp_path.glob(".t.jsonl.*.part")
    os.utime(left, (time.time() - 3600,) * 2)
    export(two_path().run(), tmp_path / "t.jsonl", force=True)
    assert left.exists(), "it is still being written"
    (tmp_path / "t.jsonl").write_bytes(b"old")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert (tmp_path / "t.jsonl").read_bytes() == b"old"
    assert left.exists()
    os.utime(left, (time.time() - 3600,) * 2)
    export(two_path().run(), tmp_path / "t.jsonl", force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["t.jsonl"]
