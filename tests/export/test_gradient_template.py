"""A template has every name and shape, and nothing in it passes for a gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from resdebug.analysis.comparison import State, compare_gradients
from resdebug.api import read_gradients
from resdebug.errors import BadInput, CannotCreate, UsageError
from resdebug.export.gradient_template import WRITERS, write_template
from tests.support import Builder, block


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_template_has_all_names_and_shapes_and_no_numbers(tmp_path: Path, suffix: str) -> None:
    network = block().network()
    path = tmp_path / f"t{suffix}"
    assert write_template(network.nodes, path) == path.stat().st_size
    found = read_gradients(path)
    assert {name: array.shape for name, array in found.items()} == {n.name: n.shape for n in network.nodes}
    assert all(np.isnan(array).all() for array in found.values())
    compared = compare_gradients(network, found)
    assert {row.state for row in compared.rows} == {State.FORGOTTEN}
    assert not compared.right


@pytest.mark.parametrize("suffix", WRITERS)
def test_names_of_any_kind_come_back_or_are_refused(tmp_path: Path, suffix: str) -> None:
    names = ["file", "a/b.c", "x.npy", "schön 层", "__metadata__", "../up", "/abs"]
    b = Builder("loss")
    for name in names:
        b.leaf(name, [1.0, 2.0])
    b.add("loss", "sum", {"x": b.add("all", "concat", {f"x{k}": name for k, name in enumerate(names)})})
    network = b.network()
    for k, name in enumerate(names):
        path = tmp_path / f"{k}{suffix}"
        try:
            write_template([network[name]], path)
        except BadInput as error:
            assert error.faults[0].code == "A007"
            assert not path.exists()
            assert (suffix, name) in {
                (".npz", "../up"),
                (".npz", "/abs"),
                (".npz", "x.npy"),
                (".safetensors", "__metadata__"),
            }
        else:
            assert list(read_gradients(path)) == [name]


def test_nothing_is_replaced_or_half_written(tmp_path: Path) -> None:
    nodes = block().network().nodes
    path = tmp_path / "t.npz"
    path.write_bytes(b"mine")
    with pytest.raises(CannotCreate):
        write_template(nodes, path)
    assert path.read_bytes() == b"mine"
    write_template(nodes, path, force=True)
    assert np.load(path)["W1"].shape == (2, 2, 3, 3)
    with pytest.raises(UsageError):
        write_template(nodes, tmp_path / "t.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["t.npz"]
