"""A network written as a new file reads back with the same numbers, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug.debugger.editor import Editor
from resdebug.debugger.edits import CutForward, ScaleEdge, SetSeed, SetValue
from resdebug.errors import CannotCreate
from resdebug.export.network_file import save_network
from resdebug.passes.protocol import Pass
from tests.cli.running import run
from tests.engine.graphs import convolutional
from tests.support import Builder


def same(a: Pass, b: Pass) -> None:
    assert [n.name for n in a.network.nodes] == [n.name for n in b.network.nodes]
    for node in a.network.nodes:
        for one, two in ((a.value(node.name), b.value(node.name)), (a.adjoint(node.name), b.adjoint(node.name))):
            assert (one is None) == (two is None)
            if one is not None and two is not None:
                assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_changed_network_reads_back_bit_for_bit(tmp_path: Path, dtype: str) -> None:
    editor = Editor(convolutional(dtype).run("loss"))
    rng = np.random.default_rng(0)
    editor.apply(SetValue("image", rng.normal(size=(2, 1, 6, 6))))
    editor.apply(ScaleEdge("join1", "a", 0.3))
    editor.apply(CutForward("join2", "b"))
    editor.apply(SetSeed(-1.5))
    done = save_network(editor.pass_.network, tmp_path / "new.json")
    assert done.tensors == tmp_path / "new.safetensors"
    again = resdebug.differentiate(resdebug.load(tmp_path / "new.json"))
    same(editor.pass_, again)
    graph = nx.node_link_graph(json.loads((tmp_path / "new.json").read_text("utf-8")), edges="edges")
    assert graph.nodes["join1.a.scaled"]["factor"] == 0.3


def test_tensors_beside_are_referred_to_and_elsewhere_copied(tmp_path: Path) -> None:
    assert run("new", "resnet20", "-o", str(tmp_path / "r.json")).returncode == 0
    stored = (tmp_path / "r.safetensors").read_bytes()
    editor = Editor(resdebug.differentiate(resdebug.load(tmp_path / "r.json")))
    weight = next(n for n in editor.pass_.network.nodes if n.op == "parameter" and n.type.size > 64)
    editor.apply(SetValue(weight.name, 0.25))
    (tmp_path / "there").mkdir()
    for path in (tmp_path / "n.json", tmp_path / "there" / "r.json"):
        done = save_network(editor.pass_.network, path)
        assert (done.stored == 1) == (path.parent == tmp_path)
        assert (done.referred == 0) == (path.parent != tmp_path)
        same(editor.pass_, resdebug.differentiate(resdebug.load(path)))
    # Saved over its own name, what is still read stays what it was.
    save_network(editor.pass_.network, tmp_path / "r.json", force=True)
    assert (tmp_path / "r.safetensors").read_bytes() == stored
    assert (tmp_path / "r.2.safetensors").exists()
    same(editor.pass_, resdebug.differentiate(resdebug.load(tmp_path / "r.json")))


def test_numbers_that_json_lacks_and_a_file_that_is_there(tmp_path: Path) -> None:
    b = Builder("loss")
    b.leaf("x", np.array([np.nan, np.inf, -0.0]))
    b.leaf("labels", np.array([1, 2]), "constant", dtype="int64")
    b.add("loss", "sum", {"x": "x"})
    pass_ = b.run()
    save_network(pass_.network, tmp_path / "n.json")
    same(pass_, resdebug.differentiate(resdebug.load(tmp_path / "n.json")))
    with pytest.raises(CannotCreate, match="X001"):
        save_network(pass_.network, tmp_path / "n.json")
