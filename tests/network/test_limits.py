"""Files that ask for too much are refused before memory is taken, however they are made."""

from __future__ import annotations

import json
import os
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput, MissingInput, ResdebugError
from tests.network.making import (
    MEMORY,
    beside,
    digest,
    edge,
    entry,
    leaf,
    load,
    node,
    npy,
    npz,
    plain,
    safetensors,
    save,
    stored,
    unmarked,
    valued,
)
from tests.support import Builder


@contextmanager
def taking(most: int) -> Iterator[None]:
    """Allow so many bytes, numpy's included."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


def refused(folder: Path, document: str | bytes | dict[str, Any], **files: bytes) -> BadInput:
    """Return the error that a file is refused with."""
    with pytest.raises(BadInput) as caught:
        load(folder, document, files)
    return caught.value


@pytest.fixture(autouse=True, scope="module")
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Modules that a first refusal imports are not what is counted here."""
    refused(tmp_path_factory.mktemp("first"), valued('"value": {"init": "zero", "shape": [1]}'))


def test_taking_sees_what_numpy_takes() -> None:
    with pytest.raises(AssertionError), taking(1 << 20):
        np.ones(1 << 20)


@pytest.mark.parametrize("rule", ["zeros", "ones", "normal", "uniform", "kaiming_normal", "constant"])
@pytest.mark.parametrize("shape", [[1_000_000_000, 1_000_000_000], [10**12], [10**15, 0, 1], [10**300]])
def test_a_huge_shape_takes_no_memory(rule: str, shape: list[int], tmp_path: Path) -> None:
    more = {"constant": ', "value": 1', "zeros": "", "ones": ""}.get(rule, ', "seed": 1')
    document = valued(f'"value": {{"init": "{rule}", "shape": {shape}{more}}}')
    with taking(1 << 20):
        try:
            network = load(tmp_path, document)
        except BadInput as error:
            codes = [fault.code for fault in error.faults]
        else:
            codes = []
            assert network.nodes[0].shape == tuple(shape)
    assert codes == ([] if 0 in shape else ["S001"])


@pytest.mark.parametrize("shape", [[0, 10**19], [0, 10**18, 10**18], [10**19, 0]])
def test_nothing_of_a_huge_shape(shape: list[int], tmp_path: Path) -> None:
    path = save(tmp_path, valued(f'"value": {{"init": "zeros", "shape": {shape}}}'))
    with pytest.raises(ResdebugError):
        resdebug.differentiate(resdebug.load(path, memory=MEMORY))


def test_a_stretched_sum_takes_no_memory(tmp_path: Path) -> None:
    sides = [leaf("x", 100_000, 1), leaf("y", 1, 100_000)]
    with taking(1 << 20):
        error = refused(tmp_path, beside(*sides, node("z", "add"), edges=[edge("x", "z"), edge("y", "z")]))
    assert [fault.code for fault in error.faults] == ["S001"]


def test_a_declared_shape_takes_no_memory(tmp_path: Path) -> None:
    with taking(1 << 20):
        error = refused(tmp_path, valued('"shape": [1000000, 1000000], "value": [1.0]'))
    assert [fault.code for fault in error.faults] == ["S012"]


def test_loading_takes_none_of_the_tensors_memory(tmp_path: Path) -> None:
    text, _ = unmarked(stored("w.npz"))
    path = save(tmp_path, text, {"w.npz": npz(("w.npy", npy(np.ones(1 << 20))))})
    with taking(1 << 20):
        assert resdebug.load(path, memory=MEMORY).nodes[0].shape == (1 << 20,)


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    bomb = npz(("w.npy", npy(np.zeros(1 << 24))), method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 18
    path = save(tmp_path, unmarked(stored("w.npz"))[0], {"w.npz": bomb})
    with taking(1 << 20), pytest.raises(BadInput, match=r"W023.*128 MiB"):
        resdebug.load(path)


def test_small_things_may_be_packed_well(tmp_path: Path) -> None:
    packed = npz(("w.npy", npy(np.zeros(1 << 20))), method=zipfile.ZIP_DEFLATED)
    assert len(packed) * 100 < 1 << 23
    assert load(tmp_path, unmarked(stored("w.npz"))[0], {"w.npz": packed}).nodes[0].shape == (1 << 20,)


def test_a_cycle_of_100_000(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(100_000)]
    edges = [{"source": a, "target": b, "slot": "x"} for a, b in zip(names, names[1:] + names[:1], strict=True)]
    document = plain(nodes=[{"id": name, "op": "relu"} for name in names], edges=edges, graph={})
    path = save(tmp_path, document)
    with pytest.raises(BadInput) as caught:
        resdebug.load(path)
    (fault,) = caught.value.faults
    assert fault.code == "G030"
    shown = {part.strip() for part in fault.what.split(":")[1].split("→")}
    assert len(shown & set(names)) <= 8
    assert "100000 nodes" in fault.what


def test_a_chain_of_100_000(tmp_path: Path) -> None:
    nodes = [{"id": 0, "op": "input", "value": 1.0}, *({"id": i, "op": "relu"} for i in range(1, 100_000))]
    edges = [{"source": i, "target": i + 1, "slot": "x"} for i in range(99_999)]
    network = load(tmp_path, plain(nodes=nodes, edges=edges, graph={}))
    assert (len(network), network.target) == (100_000, "99999")


def test_80_dangling_edges_among_4_000_nodes(tmp_path: Path) -> None:
    nodes = [{"id": f"node{i}", "op": "input", "value": 1.0} for i in range(4000)]
    edges = [{"source": f"nodes{i}", "target": "node1"} for i in range(80)]
    error = refused(tmp_path, plain(nodes=nodes, edges=edges, graph={}))
    assert [fault.code for fault in error.faults] == ["G021"] * 80


def test_10_000_unknown_attributes(tmp_path: Path) -> None:
    nodes = [{"id": i, "op": "conv2d", f"strid{i}": 1} for i in range(10_000)]
    assert len(refused(tmp_path, plain(nodes=nodes, edges=[], graph={})).faults) == 20_000


def test_200_000_empty_tensors(tmp_path: Path) -> None:
    header = {f"t{i}": entry("F64", [0], 0, 0) for i in range(200_000)}
    path = save(tmp_path, unmarked(stored("w.safetensors"))[0], {"w.safetensors": safetensors(header)})
    with pytest.raises(BadInput, match="W011"):
        resdebug.load(path)


@pytest.mark.parametrize("depth", [5, 509, 510])
def test_depth_up_to_the_limit_loads(depth: int, tmp_path: Path) -> None:
    document = plain(graph={"target": "end", "deep": json.loads("[" * depth + "]" * depth)})
    assert load(tmp_path, document).target == "end"


def test_no_depth_ends_in_a_recursion_error(tmp_path: Path) -> None:
    for depth in [*range(520, 880, 40), *range(880, 1000)]:
        text = beside('{"id": "z", "op": ' + "[" * depth + "]" * depth + "}")
        codes = {fault.code for fault in refused(tmp_path, text).faults}
        assert codes in ({"J030"}, {"G020"}), depth


def test_a_pipe_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.json")
    os.mkfifo(tmp_path / "w.npz")
    (tmp_path / "other.json").write_text(unmarked(stored("w.npz"))[0], encoding="utf-8")
    raised: list[ResdebugError] = []

    def read() -> None:
        for name in ("net.json", "other.json"):
            try:
                resdebug.load(tmp_path / name)
            except ResdebugError as error:
                raised.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [MissingInput, BadInput]


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    document = beside(about='"target": "end", "name": "café"').encode()
    with_mark = load(tmp_path, b"\xef\xbb\xbf" + document)
    assert with_mark.name == "café"
    assert digest(with_mark) == digest(load(tmp_path, document))
    text, (place,) = unmarked(beside('{"id": "z", "op": ¦"qqqqqq"}'))
    (fault,) = refused(tmp_path, b"\xef\xbb\xbf" + text.encode()).faults
    assert (fault.place.line, fault.place.column) == place


@pytest.mark.parametrize(
    ("op", "attributes", "slots"),
    [
        ("conv2d", {"padding": 4000, "stride": 4000}, {"x": "x", "weight": "w"}),
        ("conv2d", {"padding": 2**31, "stride": 2**31}, {"x": "x", "weight": "w"}),
        ("max_pool2d", {"kernel_size": 2**20, "padding": 2**19}, {"x": "x"}),
        ("avg_pool2d", {"kernel_size": 2**31, "padding": 2**30}, {"x": "x"}),
    ],
)
def test_padding_is_counted_before_it_is_made(op: str, attributes: dict[str, int], slots: dict[str, str]) -> None:
    b = Builder("loss")
    b.leaf("x", np.ones((1, 1, 1, 1)))
    b.leaf("w", np.ones((1, 1, 1, 1)))
    b.add("y", op, slots, **attributes)
    b.add("loss", "sum", {"x": "y"})
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"working memory of .* over the limit"):
        resdebug.from_networkx(b.graph, memory=1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_columns_of_a_convolution_are_counted() -> None:
    b = Builder("loss")
    b.leaf("x", np.ones((1, 1, 64, 64)))
    b.leaf("w", np.ones((1, 1, 32, 32)))
    b.add("y", "conv2d", {"x": "x", "weight": "w"})
    b.add("loss", "sum", {"x": "y"})
    # A strip of windows, 2^18 numbers of 8 bytes, is 2 MiB, the tensors themselves 0.1; all windows would be 8.5.
    with pytest.raises(BadInput, match=r"2.0\d MiB"):
        resdebug.from_networkx(b.graph, memory=1 << 20)
    resdebug.from_networkx(b.graph, memory=16 << 20)
