"""What is told of an export beforehand is what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.errors import CannotCreate, UsageError
from resdebug.export.for_commands import Files
from resdebug.export.preview import preview
from resdebug.export.registry import FORMATS, export_files
from resdebug.passes.selection import selection
from tests.support import Builder, two_path


@pytest.mark.parametrize(
    ("name", "level", "nodes", "content"),
    [
        ("jsonl", "full", [], "13 events of 4 nodes: every value, contribution and adjoint with all its numbers"),
        ("jsonl", "stats", [], "13 events of 4 nodes: statistics of every tensor, no numbers"),
        # Of a: its value, two contributions, its adjoint.
        ("json", "full", ["a"], "13 events of 4 nodes: 4 tensors with all their numbers, statistics of the other 9"),
        # The target's adjoint twice, planted and complete, and those of a, b and c.
        ("json", "adjoints", [], "13 events of 4 nodes: 5 tensors with all their numbers, statistics of the other 8"),
        ("npz", "full", [], "4 values and 4 adjoints with all their numbers, without contributions"),
        ("safetensors", "adjoints", ["a"], "1 adjoint with all their numbers, without contributions"),
        ("csv", "stats", [], "4 rows of 16 columns, one for every contribution"),
        ("dot", "stats", ["a", "c"], "2 nodes and 1 edge with the norms of what flows, without tensors"),
        ("markdown", "full", [], "4 nodes, 13 events"),
    ],
)
def test_what_is_in_it(name: str, level: str, nodes: list[str], content: str, tmp_path: Path) -> None:
    format_ = FORMATS[name]
    found = preview(two_path().run(), tmp_path / f"t{format_.suffix}", format_, selection(level, nodes))
    assert found.content == content
    assert found.taken == ()


@pytest.mark.parametrize("name", ["npz", "safetensors", "jsonl"])
def test_files_and_sizes_are_those_of_the_export(name: str, tmp_path: Path) -> None:
    b = Builder("s", "wide")
    b.leaf("x", np.linspace(0.1, 1, 400))
    b.add("y", "square", {"x": "x"})
    b.add("s", "sum", {"x": "y"})
    pass_, format_, path = b.run(), FORMATS[name], tmp_path / f"t{FORMATS[name].suffix}"
    found = preview(pass_, path, format_)
    written = export_files(pass_, path, format_)
    assert found.files == tuple(file for file, _ in written.files)
    assert found.size is not None
    assert found.size.bytes == pytest.approx(written.size, rel=0 if found.size.exact else 0.2)
    assert preview(pass_, path, format_).taken == found.files


def test_what_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    pass_, dot = two_path().run(), FORMATS["dot"]
    source = two_path().save(tmp_path / "net.json")
    for path in (tmp_path / "no" / "t.dot", tmp_path):
        with pytest.raises(CannotCreate):
            preview(pass_, path, dot)
    with pytest.raises(CannotCreate, match="it would be lost"):
        preview(pass_, source, FORMATS["json"], source=source)
    with pytest.raises(UsageError, match="no node matches"):
        preview(pass_, tmp_path / "t.dot", dot, selection("stats", ["z*"]))
    with pytest.raises(UsageError, match="not written at the level"):
        preview(pass_, tmp_path / "t.md", FORMATS["markdown"], selection(None, ["a"]))


def test_commands_never_write_over_what_was_read(tmp_path: Path) -> None:
    source = two_path().save(tmp_path / "net.json")
    before = source.read_bytes()
    interpreter = Interpreter(resdebug.Debugger(resdebug.differentiate(resdebug.load(source))))
    Files(interpreter, source)
    for command in ("export", "save"):
        with pytest.raises(CannotCreate, match="it would be lost"):
            interpreter.execute(f"{command} {source} --force")
    assert source.read_bytes() == before
    assert "4 nodes" in interpreter.execute(f"save {tmp_path / 'other.json'}").lines[0]
    assert "13 events" in interpreter.execute(f"export {tmp_path / 't.jsonl'}").lines[0]
